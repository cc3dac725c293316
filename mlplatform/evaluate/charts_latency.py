"""How long answers take: a histogram, with the percentiles and the limit."""

import math
from collections.abc import Sequence

from mlplatform.evaluate.charts_frame import (
    BLUE,
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Scale,
    axes,
    frame,
    legend,
    line,
    linear,
    shares,
    text,
)
from mlplatform.evaluate.html import Html, el

LOG_FROM = 6.0  # Times the first edge: from here on the axis is logarithmic.
ROOM = 1.4  # Above the highest bar, for the percentiles' names, which stand on these lines.
FIRST, SECOND, THIRD = 11, 28, 45
WORDS = 84  # Pixels that a name takes.


def histogram(
    title: str,
    edges: Sequence[float],
    counts: Sequence[int],
    champion: Sequence[int] = (),
    *,
    marks: Sequence[tuple[str, float]] = (),
    limit: float | None = None,
) -> Html:
    """Return the share of answers by milliseconds; the champion's are outlined by a dashed line.

    Args:
        title: The picture's.
        edges: Milliseconds, rising, one more than counts.
        counts: Answers of this model in each bin.
        champion: The champion's; none: no champion.
        marks: Percentiles to name, in milliseconds.
        limit: Of the policy; where it lies beyond the picture, an arrow says so.
    """
    high = edges[-1]
    if limit is not None and edges[0] < limit <= 3 * high:
        high = max(high, limit * 1.05)
    x = _across(edges[0], high)
    mine, theirs = shares(counts), shares(champion)
    most = max([*mine, *theirs, 0.01]) * ROOM
    y = linear(0, most, HEIGHT - BOTTOM, TOP)
    ticks = [most * part for part in (0, 0.25, 0.5, 0.75)]
    named = [("dashed", "champion, outlined")] if champion else []
    return frame(
        title,
        _says(title, marks, limit),
        axes("Milliseconds", "Share of answers", y, ticks, "{:.0%}".format, x=x, across_at=_ticks(edges[0], high)),
        _filled(edges, mine, x, y),
        _outline(edges, theirs, x, y) if champion else None,
        [_percentile(name, x(min(at, high)), last=bool(level)) for level, (name, at) in enumerate(marks)],
        _limit(limit, high, x) if limit is not None else None,
        legend(*named, right=LEFT + 146, bottom=TOP + SECOND),
    )  # fmt: skip


def _across(low: float, high: float) -> Scale:
    if low > 0 and high / low > LOG_FROM:
        place = linear(math.log(low), math.log(high), LEFT, WIDTH - RIGHT)
        return lambda value: place(math.log(max(value, low)))
    return linear(low, high, LEFT, WIDTH - RIGHT)


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between both ends: 1, 2 and 5 of each power of ten where it is logarithmic."""
    if low > 0 and high / low > LOG_FROM:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        many = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
        return many if len(many) <= 7 else [t for t in many if f"{t:e}"[0] == "1"] or many[:1]
    step = 10.0 ** math.floor(math.log10((high - low) or 1))
    step = step / 2 if (high - low) / step < 3 else step
    first = math.ceil(low / step)
    return [step * at for at in range(first, math.floor(high / step) + 1)]


def _filled(edges: Sequence[float], heights: Sequence[float], x: Scale, y: Scale) -> list[Html]:
    return [
        el(
            "rect", x=x(left) + 0.3, y=y(height), width=max(x(right) - x(left) - 0.6, 0.4),
            height=y(0) - y(height), fill=BLUE, opacity=0.75,
        )
        for left, right, height in zip(edges, edges[1:], heights, strict=False)
    ]  # fmt: skip


def _outline(edges: Sequence[float], heights: Sequence[float], x: Scale, y: Scale) -> Html:
    corners = [
        f"{x(at):.1f},{y(height):.1f}"
        for left, right, height in zip(edges, edges[1:], heights, strict=False)
        for at in (left, right)
    ]
    return line(" ".join(corners), champion=True)


def _percentile(name: str, at: float, *, last: bool) -> list[Html]:
    """Return a line with its name: of the last one to the right, if there is room."""
    right = at + WORDS < WIDTH - RIGHT if last else at - WORDS < LEFT
    x, anchor = (at + 4, "start") if right else (at - 4, "end")
    return [
        el("line", x1=at, x2=at, y1=TOP, y2=HEIGHT - BOTTOM, stroke="#1b1f24", stroke_width=1),
        text(x, TOP + (FIRST if right or not last else THIRD), name, anchor=anchor, class_="halo"),
    ]


def _limit(limit: float, high: float, x: Scale) -> list[Html]:
    if limit > high:
        said = f"limit {limit:g} ms →"
        return [text(WIDTH - RIGHT - 4, TOP + SECOND, said, anchor="end", class_="halo")]
    at = x(limit)
    return [
        el("line", x1=at, x2=at, y1=TOP, y2=HEIGHT - BOTTOM, class_="limit"),
        text(at - 4, TOP + SECOND, f"limit {limit:g} ms", anchor="end", class_="halo"),
    ]


def _says(title: str, marks: Sequence[tuple[str, float]], limit: float | None) -> str:
    told = [name for name, _ in marks] + ([f"limit {limit:g} ms"] if limit is not None else [])
    return f"{title}: share of answers by milliseconds. {', '.join(told)}."
