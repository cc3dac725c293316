"""Placeholder."""


def page(statistics: bytes, reference: bytes | None, names: tuple[str, str] = ("", "")) -> bytes:
    """Return the page."""
    return b"<html></html>"
