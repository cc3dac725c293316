"""The report's pictures as inline SVG.

What differs, differs in place, dash or label too, never in colour alone; the colours are Okabe and
Ito's (2008), which all common kinds of colour vision tell apart.
"""

from collections.abc import Callable, Sequence

from mlplatform.evaluate.curves import CalibrationBin
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


def calibration(bins: Sequence[CalibrationBin]) -> Html:
    """Return the share of positives by mean score, with 95 % intervals, against the diagonal."""
    x, y = _x, _unit_y
    line = " ".join(f"{x(b.score):.1f},{y(b.share):.1f}" for b in bins)
    whiskers = [
        el(
            "line",
            x1=x(b.score),
            x2=x(b.score),
            y1=y(b.lower),
            y2=y(b.upper),
            stroke=BLUE,
            stroke_width=1.4,
        )
        for b in bins
    ]
    dots = [
        el(
            "circle",
            el("title", f"score {b.score:.3f}, positive {b.share:.3f}, {b.rows:,} rows"),
            cx=x(b.score),
            cy=y(b.share),
            r=3.4,
            fill=BLUE,
        )
        for b in bins
    ]
    return _frame(
        "Calibration",
        "Share of positives against the mean predicted probability, in ten equal parts of rows.",
        _axes("Mean predicted probability", "Share of positives", y),
        _diagonal(),
        el("polyline", points=line, fill="none", stroke=BLUE, stroke_width=1.2, opacity=0.6),
        whiskers,
        dots,
        _text(x(0.97), y(0.07), "dashed: perfect", anchor="end"),
    )


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
) -> list[Html]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    middle = (TOP + bottom) / 2
    grid = [el("line", x1=LEFT, x2=right, y1=y(t), y2=y(t), class_="grid") for t in ticks]
    rows = [_text(LEFT - 6, y(t) + 3.5, label(t), anchor="end") for t in ticks]
    columns = [_text(_x(t), bottom + 15, f"{t:g}", anchor="middle") for t in TICKS]
    stems = [el("line", x1=_x(t), x2=_x(t), y1=TOP, y2=bottom, class_="grid") for t in TICKS]
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
