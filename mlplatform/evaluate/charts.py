"""The report's pictures as inline SVG.

What differs, differs in place, dash or label too, never in colour alone; the colours are Okabe and
Ito's (2008), which all common kinds of colour vision tell apart.
"""

from collections.abc import Callable, Sequence

from mlplatform.evaluate.curves import CalibrationBin, NumberBin
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.metrics import THRESHOLD

BLUE, VERMILLION = "#0072B2", "#D55E00"
WIDTH, HEIGHT = 340, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 44
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)

Scale = Callable[[float], float]


def roc(points: Sequence[tuple[float, float]], auc: float) -> Html:
    """Return the ROC curve against the diagonal of guessing."""
    x, y = _x, _unit_y
    line = " ".join(f"{x(fpr):.1f},{y(tpr):.1f}" for fpr, tpr in points)
    area = f"{line} {x(1):.1f},{y(0):.1f} {x(0):.1f},{y(0):.1f}"
    return _frame(
        "ROC curve",
        f"True positive rate against false positive rate. Area under the curve {auc:.3f}.",
        _axes("False positive rate", "True positive rate", y),
        _diagonal(),
        el("polygon", points=area, fill=BLUE, opacity=0.1),
        el("polyline", points=line, fill="none", stroke=BLUE, stroke_width=2.2),
        _text(x(0.97), y(0.16), f"AUC {auc:.3f}", anchor="end", class_="strong"),
        _text(x(0.97), y(0.07), "dashed: guessing", anchor="end"),
    )


# Of `calibration` by kind of answer: title, what it says, its axes, and what a dot is about.
CALIBRATION = {
    "binary": (
        "Calibration",
        "Share of positives against the mean predicted probability, in ten equal parts of rows.",
        ("Mean predicted probability", "Share of positives"),
        ("score", "positive"),
    ),
    "multiclass": (
        "Calibration",
        "Share of right answers against their mean probability, in ten equal parts of rows.",
        ("Mean probability of the answer", "Share of right answers"),
        ("probability", "right"),
    ),
    "regression": (
        "Quantiles",
        "Share of labels at most each predicted quantile, against the share that should be.",
        ("Quantile", "Share of labels at most it"),
        ("quantile", "at most it"),
    ),
}


def calibration(bins: Sequence[CalibrationBin], task: str = "binary") -> Html:
    """Return what is true against what is said, with 95 % intervals, against the diagonal."""
    title, says, axes, (said, true) = CALIBRATION[task]
    points = [
        (b.score, b.share, b.lower, b.upper, f"{said} {b.score:.3f}, {true} {b.share:.3f}", b.rows)
        for b in bins
    ]
    return _frame(
        title,
        says,
        _axes(*axes, _unit_y),
        _diagonal(),
        _points(points, _x, _unit_y),
        _text(_x(0.97), _unit_y(0.07), "dashed: perfect", anchor="end"),
    )


def numbers(bins: Sequence[NumberBin]) -> Html:
    """Return the mean label by predicted number, with 95 % intervals, against the diagonal."""
    low = min(min(b.predicted, b.lower) for b in bins)
    high = max(max(b.predicted, b.upper) for b in bins)
    high = high if high > low else low + 1  # All one number.
    x = _linear(low, high, LEFT, WIDTH - RIGHT)
    y = _linear(low, high, HEIGHT - BOTTOM, TOP)
    ticks = [low + share * (high - low) for share in TICKS]
    points = [
        (
            b.predicted,
            b.label,
            b.lower,
            b.upper,
            f"predicted {b.predicted:.4g}, {b.label:.4g}",
            b.rows,
        )
        for b in bins
    ]
    return _frame(
        "Predicted and true",
        "Mean label against the mean predicted number, in ten equal parts of rows.",
        _axes(
            "Mean predicted number", "Mean label", y, ticks, "{:.3g}".format, x=x, across_at=ticks
        ),
        _diagonal(),
        _points(points, x, y),
        _text(_x(0.97), _unit_y(0.07), "dashed: perfect", anchor="end"),
    )


Point = tuple[float, float, float, float, str, int]  # Place, value, its interval, words, rows.


def _points(points: Sequence[Point], x: Scale, y: Scale) -> list[Html]:
    """Return dots with whiskers, joined by a line."""
    line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value, *_ in points)
    whiskers = [
        el("line", x1=x(at), x2=x(at), y1=y(low), y2=y(high), stroke=BLUE, stroke_width=1.4)
        for at, _, low, high, *_ in points
    ]
    dots = [
        el("circle", el("title", f"{said}, {rows:,} rows"), cx=x(at), cy=y(value), r=3.4, fill=BLUE)
        for at, value, _, _, said, rows in points
    ]
    joined = el("polyline", points=line, fill="none", stroke=BLUE, stroke_width=1.2, opacity=0.6)
    return [joined, *whiskers, *dots]


def scores(negatives: Sequence[int], positives: Sequence[int]) -> Html:
    """Return the scores of both classes: class 1 upwards, class 0 downwards, as shares of each."""
    up, down = _shares(positives), _shares(negatives)
    most = max([*up, *down, 0.01])
    y = _linear(-most, most, HEIGHT - BOTTOM, TOP)
    ticks = (-most, -most / 2, 0.0, most / 2, most)
    return _frame(
        "Score distribution",
        "Share of each class by predicted probability. Class 1 upwards, class 0 downwards.",
        _axes("Predicted probability", "Share of the class", y, ticks, lambda v: f"{abs(v):.0%}"),
        _bars(up, y, VERMILLION),
        _bars([-share for share in down], y, BLUE),
        _rule(_x(THRESHOLD)),
        _text(_x(0.97), y(most * 0.86), f"class 1: {sum(positives):,} rows", anchor="end"),
        _text(_x(0.97), y(-most * 0.93), f"class 0: {sum(negatives):,} rows", anchor="end"),
    )


def _linear(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


_x = _linear(0, 1, LEFT, WIDTH - RIGHT)
_unit_y = _linear(0, 1, HEIGHT - BOTTOM, TOP)


def _frame(name: str, says: str, *content: Html | Sequence[Html]) -> Html:
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


def _axes(
    across: str,
    up: str,
    y: Scale,
    ticks: Sequence[float] = TICKS,
    label: Callable[[float], str] = "{:g}".format,
    *,
    x: Scale | None = None,
    across_at: Sequence[float] = TICKS,
) -> list[Html]:
    right, bottom, x = WIDTH - RIGHT, HEIGHT - BOTTOM, x or _x
    middle = (TOP + bottom) / 2
    grid = [el("line", x1=LEFT, x2=right, y1=y(t), y2=y(t), class_="grid") for t in ticks]
    rows = [_text(LEFT - 6, y(t) + 3.5, label(t), anchor="end") for t in ticks]
    columns = [_text(x(t), bottom + 15, f"{t:.3g}", anchor="middle") for t in across_at]
    stems = [el("line", x1=x(t), x2=x(t), y1=TOP, y2=bottom, class_="grid") for t in across_at]
    names = [
        _text((LEFT + right) / 2, HEIGHT - 8, across, anchor="middle", class_="axis"),
        _text(11, middle, up, anchor="middle", class_="axis", turn=f"rotate(-90 11 {middle:g})"),
    ]
    return [*grid, *stems, *rows, *columns, *names]


def _text(
    x: float,
    y: float,
    said: str,
    *,
    anchor: str,
    class_: str | None = None,
    turn: str | None = None,
) -> Html:
    return el("text", said, x=x, y=y, text_anchor=anchor, class_=class_, transform=turn)


def _diagonal() -> Html:
    return el("line", x1=_x(0), y1=_unit_y(0), x2=_x(1), y2=_unit_y(1), class_="rule")


def _rule(x: float) -> Html:
    return el("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, class_="rule")


def _bars(heights: Sequence[float], y: Scale, colour: str) -> list[Html]:
    step = (WIDTH - RIGHT - LEFT) / max(len(heights), 1)
    return [
        el(
            "rect",
            x=LEFT + i * step + 0.5,
            y=min(y(height), y(0)),
            width=step - 1,
            height=abs(y(height) - y(0)),
            fill=colour,
        )
        for i, height in enumerate(heights)
    ]


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
