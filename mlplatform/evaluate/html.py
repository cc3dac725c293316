"""Markup that is escaped by construction: only what `el` made is taken as markup."""

from collections.abc import Iterable
from html import escape

# Nothing may be fetched and no script may run, whatever a page is made to contain.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
VOID = frozenset({"meta", "br"})  # Elements without an end tag that are used here.


class Html(str):
    """Text that is markup already. Made by `el` and `style`, never from data."""

    __slots__ = ()


Child = str | Html | None | Iterable["Child"]


def el(tag: str, *children: Child, **attributes: str | float | None) -> Html:
    """Return one HTML or SVG element. Text and attribute values are escaped.

    An attribute's trailing underscore is dropped and others become hyphens (`class_`,
    `stroke_width`); one that is `None` is left out.
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in VOID:
        return Html(f"<{tag}{said}>")
    return Html(f"<{tag}{said}>{''.join(_markup(children))}</{tag}>")


def style(css: str) -> Html:
    """Return a style element. `css` must be a constant: inside it nothing is escaped."""
    return Html(f"<style>{css}</style>")


def document(title: str, css: str, *body: Child) -> str:
    """Return a whole page, which fetches nothing; `css` must be a constant."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        style(css),
    )
    return "<!doctype html>\n" + el("html", head, el("body", *body), lang="en")


def _markup(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(child)
        else:
            yield from _markup(child)


def _text(value: str | float) -> str:
    """Return an attribute's value; coordinates need no more than a hundredth of a pixel."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
