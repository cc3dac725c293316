"""One interval a line: a dot with whiskers against a limit, so that a table of them is a forest plot.

The side beyond the limit is shaded and its edge dashed. The dot tells the outcome by its shape: filled
passes, hollow is inconclusive, a cross fails.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mlplatform.evaluate.charts_frame import BLUE, VERMILLION, Scale, linear
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_words import number
from mlplatform.verdict import Outcome

WIDTH, HEIGHT = 260, 26
SHARE = (0.0, 1.0)  # Within which shares lie.
ANY = (-math.inf, math.inf)
EDGE = 8  # Pixels left at each end, so that no mark is cut.
MIDDLE = HEIGHT / 2
AMBER = "#7a5300"
COLOUR = {Outcome.PASS: BLUE, Outcome.FAIL: VERMILLION, Outcome.INCONCLUSIVE: AMBER}


@dataclass(frozen=True)
class Axis:
    """What all strips of one table share.

    Attributes:
        low: Value at the left end.
        high: Value at the right end.
        limit: What may not be crossed; None: nothing is forbidden.
        bad: On which side of the limit.
        line: What the values are compared with, a solid line.
    """

    low: float
    high: float
    limit: float | None = None
    bad: Literal["below", "above"] = "below"
    line: float | None = None

    @classmethod
    def around(
        cls,
        values: Iterable[float | None],
        *,
        limit: float | None = None,
        bad: Literal["below", "above"] = "below",
        line: float | None = None,
        within: tuple[float, float] = ANY,
    ) -> "Axis":
        """Return the axis on which all values, the limit and the line are seen, and nothing beyond `within`."""
        known = [v for v in [*values, limit, line] if v is not None and math.isfinite(v)] or [0.0]
        low, high = min(known), max(known)
        room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
        low, high = max(low - room, min(low, within[0])), min(high + room, max(high, within[1]))
        return cls(low, high, limit, bad, line)


def strip(
    axis: Axis,
    value: float | None,
    bounds: tuple[float | None, float | None] = (None, None),
    *,
    outcome: Outcome = Outcome.PASS,
    beside: float | None = None,
    says: str = "",
) -> Html:
    """Return one line of the table; `beside` is the champion's value, a hollow diamond."""
    x = linear(axis.low, axis.high, EDGE, WIDTH - EDGE)
    colour = COLOUR[outcome]
    return el(
        "svg",
        el("title", says) if says else None,
        _ground(axis),
        _whisker(bounds, x, colour),
        _diamond(x(beside)) if beside is not None else None,
        _mark(x(value), outcome, colour) if value is not None else None,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="strip",
        role="img",
        aria_label=says or None,
    )


def _ground(axis: Axis) -> list[Html]:
    x = linear(axis.low, axis.high, EDGE, WIDTH - EDGE)
    drawn = [el("line", x1=0, x2=WIDTH, y1=MIDDLE, y2=MIDDLE, class_="grid")]
    if axis.limit is not None:
        at = x(axis.limit)
        start, width = (0.0, at) if axis.bad == "below" else (at, WIDTH - at)
        drawn += [
            el("rect", x=start, y=0, width=max(width, 0.0), height=HEIGHT, class_="beyond"),
            el("line", x1=at, x2=at, y1=0, y2=HEIGHT, class_="limit"),
        ]
    if axis.line is not None:
        at = x(axis.line)
        drawn.append(el("line", x1=at, x2=at, y1=0, y2=HEIGHT, class_="even"))
    return drawn


def _whisker(bounds: tuple[float | None, float | None], x: Scale, colour: str) -> list[Html]:
    lower, upper = bounds
    if lower is None or upper is None:
        return []
    left, right = x(lower), x(upper)
    ends = [
        (left, right, MIDDLE, MIDDLE),
        (left, left, 8, HEIGHT - 8),
        (right, right, 8, HEIGHT - 8),
    ]
    return [
        el("line", x1=a, x2=b, y1=float(c), y2=float(d), stroke=colour, stroke_width=2) for a, b, c, d in ends
    ]  # fmt: skip


def _mark(at: float, outcome: Outcome, colour: str) -> Html:
    if outcome is Outcome.FAIL:
        y = MIDDLE
        crossed = (
            f"M{at - 5:.1f} {y - 5}L{at + 5:.1f} {y + 5}M{at - 5:.1f} {y + 5}L{at + 5:.1f} {y - 5}"
        )
        return el("path", d=crossed, stroke=colour, stroke_width=3, fill="none")
    fill = "#fff" if outcome is Outcome.INCONCLUSIVE else colour
    return el("circle", cx=at, cy=MIDDLE, r=5, fill=fill, stroke=colour, stroke_width=2)


def _diamond(at: float) -> Html:
    drawn = f"M{at:.1f} {MIDDLE - 6}l6 6l-6 6l-6-6z"
    return el("path", d=drawn, fill="#fff", stroke="#57606a", stroke_width=1.4)


def scale(axis: Axis, words: str = "") -> Html:
    """Return the head of the column of strips: its ends, and between them what it is of."""
    ends = [
        el("span", number(float(f"{axis.low:.3g}"))),
        el("span", number(float(f"{axis.high:.3g}"))),
    ]
    return el("span", ends[0], el("span", words), ends[1], class_="scale")
