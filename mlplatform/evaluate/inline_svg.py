"""Pictures so small that Dagster shows them at once: Markdown of less than 1,000 characters each."""

import base64

INLINE = 1000  # Characters: from here on Dagster shows a link in place of the picture.


def path(way: str, colour: str, width: int, dash: str = "") -> str:
    """Return one line, or with "h0" after each place its dots."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round"{dashed}/>'


def markdown(said: str, name: str, drawn: str, size: tuple[int, int], shown: int = 360) -> str:
    """Return words and a picture as Markdown.

    Args:
        said: What a reader has to know; from constants and numbers only.
        name: For who cannot see it.
        drawn: What is inside the picture.
        size: Of the picture's own units, across and down.
        shown: Pixels across.
    """
    across, down = size
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-3 -3 {across + 6} {down + 6}" width="{shown}">'
        f"{drawn}</svg>"
    )
    image = base64.b64encode(picture.encode()).decode()
    return f"{said}  \n![{name}](data:image/svg+xml;base64,{image})"
