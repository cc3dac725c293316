"""The lineage picture: boxes one below the other, in order; an arrow past others runs in a lane beside them.

One column is read on a phone, in print and in a terminal's browser alike. A lane belongs to one box and serves every
arrow from it; lanes that do not overlap share a place, and short ones lie inside.
"""

from collections.abc import Iterator, Mapping, Sequence

from mlplatform.evaluate.html import Html, el
from mlplatform.provenance.drawn import Box, boxes
from mlplatform.provenance.story import Story

WIDTH, HEIGHT, GAP = 320, 52, 26  # Of a box, and between two, in pixels.
EDGE, LANE, ROUND = 10, 16, 7  # Around everything; between two lanes; of a corner.
INK, SOFT, LINE, RED = "#1b1f24", "#57606a", "#8c959f", "#b00020"
COLOURS = {  # Okabe & Ito 2008: told apart by the colour-blind.
    "data": "#0072B2",
    "features": "#009E73",
    "training": "#D55E00",
    "evaluation": "#CC79A7",
    "release": "#E69F00",
}
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"


def picture(story: Story) -> Html:
    """Return the lineage of a model as one SVG element that needs nothing from outside."""
    shown = boxes(story)
    lanes = _lanes(shown)
    width = 2 * EDGE + WIDTH + LANE * (1 + max(lanes.values(), default=-1)) + LANE
    height = 2 * EDGE + len(shown) * (HEIGHT + GAP) - GAP
    label = f"Lineage of {story.pipeline} version {story.version}, from source rows to live traffic"
    return el(
        "svg",
        el("title", label),
        list(_arrows(shown, lanes)),
        [_drawn(box, at) for at, box in enumerate(shown)],
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        font_family=FONT,
    )


def document(story: Story) -> str:
    """Return the picture as the content of an `.svg` file."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{picture(story)}\n'


def _lanes(shown: Sequence[Box]) -> dict[int, int]:
    """Return the lane of each box that has an arrow past its next one, 0 nearest to the boxes."""
    spans = {start: max(ends) for start, ends in _targets(shown).items() if max(ends) > start + 1}
    lanes: dict[int, int] = {}
    for start in sorted(spans, key=lambda s: (spans[s] - s, s)):
        taken = {
            lane for other, lane in lanes.items() if other < spans[start] and start < spans[other]
        }
        lanes[start] = next(lane for lane in range(len(shown)) if lane not in taken)
    return lanes


def _targets(shown: Sequence[Box]) -> Mapping[int, list[int]]:
    at = {box.key: place for place, box in enumerate(shown)}
    found: dict[int, list[int]] = {}
    for place, box in enumerate(shown):
        for key in box.after:
            found.setdefault(at[key], []).append(place)
    return found


def _arrows(shown: Sequence[Box], lanes: Mapping[int, int]) -> Iterator[Html]:
    for start, ends in _targets(shown).items():
        for end in ends:
            if end == start + 1:
                yield from _straight(start)
            else:
                yield from _around(start, end, lanes[start])


def _straight(start: int) -> Iterator[Html]:
    x, top = EDGE + WIDTH // 2, _top(start) + HEIGHT
    yield _line(f"M{x} {top}V{top + GAP - 5}")
    yield _head(f"M{x - 5} {top + GAP - 8}L{x} {top + GAP}L{x + 5} {top + GAP - 8}Z")


def _around(start: int, end: int, lane: int) -> Iterator[Html]:
    side, x = EDGE + WIDTH, EDGE + WIDTH + LANE * (lane + 1)
    out, into = _top(start) + HEIGHT * 2 // 3, _top(end) + HEIGHT // 3
    way = f"M{side} {out}H{x - ROUND}Q{x} {out} {x} {out + ROUND}V{into - ROUND}"
    yield _line(f"{way}Q{x} {into} {x - ROUND} {into}H{side + 6}")
    yield _head(f"M{side + 8} {into - 5}L{side} {into}L{side + 8} {into + 5}Z")


def _drawn(box: Box, at: int) -> Html:
    top, colour = _top(at), RED if box.warning else COLOURS[box.group]
    outline = RED if box.warning else "#d8dee4"
    return el(
        "g",
        el("title", f"{box.title} {box.right}: {box.line}"),
        el("rect", x=EDGE, y=top, width=WIDTH, height=HEIGHT, rx=4, fill="#fff", stroke=outline),
        el("rect", x=EDGE, y=top, width=6, height=HEIGHT, rx=3, fill=colour),
        _text(box.title, EDGE + 18, top + 21, INK, "600"),
        _text(box.right, EDGE + WIDTH - 12, top + 21, SOFT, "400", end=True),
        _text(box.line, EDGE + 18, top + 40, RED if box.warning else SOFT, "400", size=12),
    )


def _text(
    said: str, x: int, y: int, colour: str, weight: str, *, size: int = 13, end: bool = False
) -> Html:
    # A style beats the style sheet of the page that the picture stands in; an attribute would not.
    look = f"font-size:{size}px;font-weight:{weight};fill:{colour}"
    return el("text", said, x=x, y=y, style=look, text_anchor="end" if end else None)


def _line(way: str) -> Html:
    return el("path", d=way, fill="none", stroke=LINE, stroke_width=1.5)


def _head(way: str) -> Html:
    return el("path", d=way, fill=LINE)


def _top(at: int) -> int:
    return EDGE + at * (HEIGHT + GAP)
