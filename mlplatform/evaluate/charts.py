"""The report's curves: how well a model ranks, how much its scores mean, and how they are spread.

The champion's curve lies in the same picture, dashed and named.
"""

import math
from collections.abc import Sequence

from mlplatform.evaluate.charts_frame import (
    BLUE,
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TICKS,
    TOP,
    VERMILLION,
    WIDTH,
    Points,
    Scale,
    axes,
    bars,
    diagonal,
    frame,
    legend,
    line,
    linear,
    path,
    rule,
    shares,
    steps,
    text,
    unit_x,
    unit_y,
)
from mlplatform.evaluate.curves import CalibrationBin, NumberBin
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.metrics import THRESHOLD

Rival = tuple[Points, float]  # The champion's curve, and the area under it.


def roc(points: Points, auc: float, rival: Rival | None = None) -> Html:
    """Return the ROC curve against the diagonal of guessing."""
    drawn = path(points, unit_x, unit_y)
    area = f"{drawn} {unit_x(1):.1f},{unit_y(0):.1f} {unit_x(0):.1f},{unit_y(0):.1f}"
    return frame(
        "ROC curve",
        f"True positive rate against false positive rate. Area under the curve {auc:.3f}{_and(rival)}.",
        axes("False positive rate", "True positive rate", unit_y),
        diagonal(),
        el("polygon", points=area, fill=BLUE, opacity=0.08),
        _curves(drawn, rival),
        legend(*_named(f"AUC {auc:.3f}", rival, "AUC"), ("dotted", "guessing")),
    )


def precision_recall(
    points: Points, area: float, positives: float, rival: Rival | None = None
) -> Html:
    """Return precision by recall, against the share of positives, which guessing has."""
    drawn, guess = path(points, unit_x, unit_y), unit_y(positives)
    return frame(
        "Precision and recall",
        f"Share of answers of class 1 that are right, by the share of class 1 that is found. "
        f"Average precision {area:.3f}{_and(rival)}; guessing has {positives:.3f}.",
        axes("Recall", "Precision", unit_y),
        el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=guess, y2=guess, class_="rule"),
        _curves(drawn, rival),
        legend(
            *_named(f"average precision {area:.3f}", rival, "average precision"),
            ("dotted", f"guessing {positives:.2f}"),
            right=unit_x(0.86), bottom=_clear_of(guess),
        ),
    )  # fmt: skip


def _clear_of(guess: float) -> float:
    """Return where a legend ends that the line of guessing does not cross."""
    return guess - 14 if guess > unit_y(0.35) else HEIGHT - BOTTOM - 12


def _curves(drawn: str, rival: Rival | None) -> list[Html]:
    theirs = [line(path(rival[0], unit_x, unit_y), champion=True)] if rival else []
    return [line(drawn), *theirs]


def _named(mine: str, rival: Rival | None, area: str) -> list[tuple[str, str]]:
    theirs = [("dashed", f"champion, {area} {rival[1]:.3f}")] if rival else []
    return [("solid", f"this model, {mine}"), *theirs]


def _and(rival: Rival | None) -> str:
    return f", the champion's {rival[1]:.3f}" if rival else ""


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


def calibration(
    bins: Sequence[CalibrationBin], task: str = "binary", rival: Sequence[CalibrationBin] = ()
) -> Html:
    """Return what is true against what is said, with 95 % intervals, against the diagonal."""
    title, says, names, (said, true) = CALIBRATION[task]
    points = [
        (b.score, b.share, b.lower, b.upper, f"{said} {b.score:.3f}, {true} {b.share:.3f}", b.rows)
        for b in bins
    ]
    return frame(
        title,
        says,
        axes(*names, unit_y),
        diagonal(),
        _others([(b.score, b.share) for b in rival], unit_x, unit_y),
        _points(points, unit_x, unit_y),
        _key(bool(rival)),
    )


def numbers(bins: Sequence[NumberBin], rival: Sequence[NumberBin] = ()) -> Html:
    """Return the mean label by predicted number, with 95 % intervals, against the diagonal."""
    low, high = _ends([*bins, *rival])
    x, y = linear(low, high, LEFT, WIDTH - RIGHT), linear(low, high, HEIGHT - BOTTOM, TOP)
    ticks = [low + share * (high - low) for share in TICKS]
    points = [
        (b.predicted, b.label, b.lower, b.upper, f"predicted {b.predicted:.4g}, {b.label:.4g}", b.rows)
        for b in bins
    ]  # fmt: skip
    return frame(
        "Predicted and true",
        "Mean label against the mean predicted number, in ten equal parts of rows.",
        axes("Mean predicted number", "Mean label", y, ticks, "{:.3g}".format, x=x, across_at=ticks),
        diagonal(),
        _others([(b.predicted, b.label) for b in rival], x, y),
        _points(points, x, y),
        _key(bool(rival)),
    )  # fmt: skip


def _ends(bins: Sequence[NumberBin]) -> tuple[float, float]:
    low = min(min(b.predicted, b.lower) for b in bins)
    high = max(max(b.predicted, b.upper) for b in bins)
    return low, high if high > low else low + 1  # All one number.


def _key(rival: bool) -> list[Html]:  # noqa: FBT001  there is one, or there is none.
    theirs = [("dashed", "champion (squares)")] if rival else []
    return legend(("solid", "this model, 95 % intervals"), *theirs, ("dotted", "perfect"))


Point = tuple[float, float, float, float, str, int]  # Place, value, its interval, words, rows.


def _points(points: Sequence[Point], x: Scale, y: Scale) -> list[Html]:
    """Return dots with whiskers, joined by a line."""
    whiskers = [
        el("line", x1=x(at), x2=x(at), y1=y(low), y2=y(high), stroke=BLUE, stroke_width=1.4)
        for at, _, low, high, *_ in points
    ]
    dots = [
        el("circle", el("title", f"{said}, {rows:,} rows"), cx=x(at), cy=y(value), r=3.4, fill=BLUE)
        for at, value, _, _, said, rows in points
    ]
    joined = path([(at, value) for at, value, *_ in points], x, y)
    thin = el("polyline", points=joined, fill="none", stroke=BLUE, stroke_width=1.2, opacity=0.6)
    return [thin, *whiskers, *dots]


def _others(points: Points, x: Scale, y: Scale) -> list[Html]:
    """Return the champion's points: hollow squares on a dashed line."""
    if not points:
        return []
    squares = [
        el(
            "rect", x=x(at) - 3.2, y=y(value) - 3.2, width=6.4, height=6.4, fill="#fff",
            stroke=VERMILLION, stroke_width=1.4,
        )
        for at, value in points
    ]  # fmt: skip
    return [line(path(points, x, y), champion=True), *squares]


def scores(
    negatives: Sequence[int],
    positives: Sequence[int],
    classes: Sequence[str] = ("class 0", "class 1"),
    rival: tuple[Sequence[int], Sequence[int]] | None = None,
) -> Html:
    """Return the scores of both classes: class 1 upwards, class 0 downwards, as shares of each."""
    up, down = shares(positives), shares(negatives)
    theirs = [shares(rival[1]), [-share for share in shares(rival[0])]] if rival else []
    most = max([*up, *down, 0.01, *(abs(share) for side in theirs for share in side)])
    most = math.ceil(most * 20) / 20 if most > 0.05 else most
    y = linear(-most, most, HEIGHT - BOTTOM, TOP)
    ticks = (-most, -most / 2, 0.0, most / 2, most)
    named = [("dashed", "champion, outlined")] if rival else []
    return frame(
        "Score distribution",
        f"Share of each class by predicted probability: {classes[1]} upwards, {classes[0]} downwards.",
        axes("Predicted probability", "Share of the class", y, ticks, lambda v: f"{abs(v):.0%}"),
        bars(up, y, BLUE),
        bars([-share for share in down], y, "#8fb8d4"),
        [steps(side, y) for side in theirs],
        rule(unit_x(THRESHOLD)),
        _side("↑", classes[1], positives, y(most * 0.88)),
        _side("↓", classes[0], negatives, y(-most * 0.93)),
        legend(*named, bottom=y(-most * 0.78)),
    )  # fmt: skip


def _side(arrow: str, name: str, counts: Sequence[int], y: float) -> Html:
    said = f"{arrow} {_cut(name)}: {sum(counts):,} rows"
    return text(unit_x(0.97), y, said, anchor="end", class_="halo")


def _cut(words: str, most: int = 22) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
