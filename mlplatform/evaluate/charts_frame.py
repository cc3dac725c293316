"""What the report's pictures have in common: a frame, axes, scales and marks, as inline SVG.

What differs, differs in place, dash or label too, never in colour alone; the colours are Okabe and
Ito's (2008), which all common kinds of colour vision tell apart.
"""

from collections.abc import Callable, Sequence

from mlplatform.evaluate.html import Child, Html, el

BLUE, VERMILLION = "#0072B2", "#D55E00"
WIDTH, HEIGHT = 340, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 44
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
DASHED, DOTTED = "6 4", "1.5 3.5"  # The champion; what anybody gets without a model.
LEGEND_ROW = 17

Scale = Callable[[float], float]
Points = Sequence[tuple[float, float]]


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Return the scale that takes low to start and high to end."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


unit_x = linear(0, 1, LEFT, WIDTH - RIGHT)
unit_y = linear(0, 1, HEIGHT - BOTTOM, TOP)


def frame(name: str, says: str, *content: Child) -> Html:
    """Return a picture with its caption, and what it says in words for who cannot see it."""
    picture = el(
        "svg",
        el("title", name),
        el("desc", says),
        *content,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{name}. {says}",
    )
    return el("figure", el("figcaption", name), picture)


def axes(
    across: str,
    up: str,
    y: Scale,
    ticks: Sequence[float] = TICKS,
    label: Callable[[float], str] = "{:g}".format,
    *,
    x: Scale = unit_x,
    across_at: Sequence[float] = TICKS,
) -> list[Html]:
    """Return grid lines, their numbers, and the names of both axes."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    middle = (TOP + bottom) / 2
    grid = [el("line", x1=LEFT, x2=right, y1=y(t), y2=y(t), class_="grid") for t in ticks]
    rows = [text(LEFT - 6, y(t) + 3.5, label(t), anchor="end") for t in ticks]
    columns = [text(x(t), bottom + 15, f"{t:.3g}", anchor="middle") for t in across_at]
    stems = [el("line", x1=x(t), x2=x(t), y1=TOP, y2=bottom, class_="grid") for t in across_at]
    names = [
        text((LEFT + right) / 2, HEIGHT - 8, across, anchor="middle", class_="axis"),
        text(11, middle, up, anchor="middle", class_="axis", turn=f"rotate(-90 11 {middle:g})"),
    ]
    return [*grid, *stems, *rows, *columns, *names]


def text(
    x: float,
    y: float,
    said: str,
    *,
    anchor: str = "start",
    class_: str | None = None,
    turn: str | None = None,
) -> Html:
    """Return words at a place."""
    return el("text", said, x=x, y=y, text_anchor=anchor, class_=class_, transform=turn)


def path(points: Points, x: Scale, y: Scale) -> str:
    """Return points as SVG writes them."""
    return " ".join(f"{x(across):.1f},{y(up):.1f}" for across, up in points)


def line(drawn: str, *, champion: bool = False) -> Html:
    """Return a curve: solid of this model, dashed of the champion."""
    colour, dash = (VERMILLION, DASHED) if champion else (BLUE, None)
    return el(
        "polyline", points=drawn, fill="none", stroke=colour, stroke_width=1.8 if champion else 2.2,
        stroke_dasharray=dash,
    )  # fmt: skip


def diagonal() -> Html:
    """Return the line of guessing, or of what is perfect."""
    return el("line", x1=unit_x(0), y1=unit_y(0), x2=unit_x(1), y2=unit_y(1), class_="rule")


def rule(x: float) -> Html:
    """Return a vertical line."""
    return el("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="rule")


def legend(
    *entries: tuple[str, str], right: float = WIDTH - RIGHT - 8, bottom: float | None = None
) -> list[Html]:
    """Return a sample of each line beside its words; entries are ("solid"|"dashed"|"dotted", words)."""
    lowest = HEIGHT - BOTTOM - 12 if bottom is None else bottom
    drawn: list[Html] = []
    for at, (kind, words) in enumerate(reversed(entries)):
        y = lowest - LEGEND_ROW * at
        drawn += [
            _sample(kind, right, y - 4),
            text(right - 34, y, words, anchor="end", class_="halo"),
        ]
    return drawn


def _sample(kind: str, right: float, y: float) -> Html:
    stroke, dash, width = {
        "solid": (BLUE, None, 2.2),
        "dashed": (VERMILLION, DASHED, 1.8),
        "dotted": ("#57606a", DOTTED, 1.6),
    }[kind]
    return el(
        "line", x1=right - 28, x2=right, y1=y, y2=y, stroke=stroke, stroke_width=width, stroke_dasharray=dash
    )  # fmt: skip


def bars(heights: Sequence[float], y: Scale, colour: str) -> list[Html]:
    """Return bars of equal width over the whole picture, from nothing up or down to each height."""
    step = (WIDTH - RIGHT - LEFT) / max(len(heights), 1)
    return [
        el(
            "rect", x=LEFT + i * step + 0.5, y=min(y(height), y(0)), width=step - 1,
            height=abs(y(height) - y(0)), fill=colour,
        )
        for i, height in enumerate(heights)
    ]  # fmt: skip


def steps(heights: Sequence[float], y: Scale) -> Html:
    """Return the outline of such bars, dashed: the champion's."""
    step = (WIDTH - RIGHT - LEFT) / max(len(heights), 1)
    drawn = [(LEFT + (i + side) * step, y(h)) for i, h in enumerate(heights) for side in (0, 1)]
    return line(" ".join(f"{x:.1f},{at:.1f}" for x, at in drawn), champion=True)


def shares(counts: Sequence[int]) -> list[float]:
    """Return counts as shares of them all."""
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
