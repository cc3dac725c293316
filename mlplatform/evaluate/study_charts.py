"""A study's pictures as inline SVG: how it went, what decided it, and which settings went together."""

from collections.abc import Sequence

from mlplatform.evaluate.charts_frame import BLUE, VERMILLION
from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.study_axes import Axis, Row, StudyShown, goodness

WIDTH, HEIGHT = 700, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 40
CUT = 26  # Characters of a name or value beside an axis.
BAR = 26  # Pixels a field.


def history(study: StudyShown) -> Html:
    """Return the metric of each trial in turn, and the best so far as a line."""
    axis = goodness(study)
    last = max((row["trial"] for row in study.rows), default=0)
    marks = [_mark(study, row, axis, last) for row in study.rows]
    failed = [
        _text(_x(row["trial"], last), HEIGHT - BOTTOM - 2, "✕", "middle")
        for row in study.rows
        if row["state"] == "failed"
    ]
    low, high = axis.ends()
    return _frame(
        "Optimisation history",
        f"Validation {study.metric} of each trial; the line is the best complete one so far. "
        "Squares were pruned, crosses failed.",
        HEIGHT,
        _line(study, axis, last),
        marks,
        failed,
        _text(LEFT - 8, HEIGHT - BOTTOM, low, "end"),
        _text(LEFT - 8, TOP + 8, high, "end"),
        _text(LEFT, HEIGHT - 12, "trial 0", "start"),
        _text(WIDTH - RIGHT, HEIGHT - 12, f"trial {last}", "end"),
    )


def importance(study: StudyShown) -> Html | None:
    """Return each field's share of what decides the metric; nothing where too few trials tell."""
    if not study.importances:
        return None
    height = TOP + BAR * len(study.importances) + 8
    start, width = 220, WIDTH - 220 - 60
    bars = []
    for at, (name, share) in enumerate(study.importances.items()):
        y = TOP + BAR * at
        bars += [
            _text(start - 8, y + 14, name, "end"),
            el("rect", x=start, y=y, width=max(1.0, share * width), height=BAR - 8, fill=BLUE),
            _text(start + max(1.0, share * width) + 6, y + 14, f"{share:.0%}", "start"),
        ]
    says = "Share of each field in telling the best tenth of the trials from the others."
    return _frame("What decided it", says, height, bars)


def parallel(study: StudyShown) -> Html:
    """Return a line for each trial through the values it had; the better, the darker."""
    axes = {name: Axis.of([row[name] for row in study.measured()]) for name in study.fields}
    axes |= {study.metric: goodness(study)}
    step = (WIDTH - 2 * LEFT) / max(len(axes) - 1, 1)
    stems = []
    for at, (name, axis) in enumerate(axes.items()):
        x, (low, high) = LEFT + step * at, axis.ends()
        stems += [
            el("line", x1=x, x2=x, y1=TOP + 16, y2=HEIGHT - BOTTOM, class_="grid"),
            _text(x, TOP + 8, name.rpartition(".")[2] if len(axes) > CUT // 4 else name, "middle"),
            _text(x + 4, TOP + 26, high, "start"),
            _text(x + 4, HEIGHT - BOTTOM - 2, low, "start"),
        ]
    worst_first = sorted(study.measured(), key=lambda row: _goodness(study, axes, row))
    lines = [_through(study, axes, row, step) for row in worst_first]
    says = (
        f"Each line is a trial; the better its {study.metric}, the darker. The one chosen is red."
    )
    return _frame("Settings that went together", says, HEIGHT, stems, lines)


def _through(study: StudyShown, axes: dict[str, Axis], row: Row, step: float) -> Html:
    values = [row[name] for name in study.fields] + [study.value(row)]
    points = " ".join(
        f"{LEFT + step * at:.1f},{_y(axis.place(value), TOP + 16):.1f}"
        for at, (axis, value) in enumerate(zip(axes.values(), values, strict=True))
    )
    is_best = row["trial"] == study.best_trial
    said = ", ".join(f"{n} {_short(v)}" for n, v in zip(axes, values, strict=True))
    return el(
        "polyline",
        el("title", f"trial {row['trial']}: {said}"),
        points=points,
        fill="none",
        stroke=VERMILLION if is_best else BLUE,
        stroke_width=2.6 if is_best else 1.2,
        opacity=1.0 if is_best else 0.12 + 0.6 * _goodness(study, axes, row),
    )


def _goodness(study: StudyShown, axes: dict[str, Axis], row: Row) -> float:
    place = min(max(axes[study.metric].place(study.value(row)), 0.0), 1.0)
    return place if study.direction == "maximize" else 1 - place


def _mark(study: StudyShown, row: Row, axis: Axis, last: int) -> Html | None:
    value = study.value(row)
    if value is None:
        return None
    x, y = _x(row["trial"], last), _y(axis.place(value))
    colour = VERMILLION if row["trial"] == study.best_trial else BLUE
    said = el("title", f"trial {row['trial']}, {row['state']}: {study.metric} {value:.5g}")
    if row["state"] == "complete":
        return el("circle", said, cx=x, cy=y, r=3.4, fill=colour)
    return el("rect", said, x=x - 2.5, y=y - 2.5, width=5, height=5, fill="none", stroke=colour)


def _line(study: StudyShown, axis: Axis, last: int) -> Html:
    points: list[str] = []
    before = None
    for trial, value in study.best_so_far():
        x, y = _x(trial, last), _y(axis.place(value))
        points += [f"{x:.1f},{before:.1f}"] if before is not None else []
        points.append(f"{x:.1f},{y:.1f}")
        before = y
    points += [f"{WIDTH - RIGHT:.1f},{before:.1f}"] if before is not None else []
    return el("polyline", points=" ".join(points), fill="none", stroke=VERMILLION, stroke_width=1.6)


def _x(trial: int, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (trial / last if last else 0.5)


def _y(place: float, top: float = TOP) -> float:
    return HEIGHT - BOTTOM - min(max(place, 0.0), 1.0) * (HEIGHT - BOTTOM - top)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:CUT]


def _text(x: float, y: float, said: str, anchor: str) -> Html:
    return el("text", said[:CUT], x=x, y=y, text_anchor=anchor)


def _frame(name: str, says: str, height: float, *content: Html | Sequence[Html | None]) -> Html:
    picture = el(
        "svg",
        el("title", name),
        el("desc", says),
        *content,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_label=f"{name}. {says}",
    )
    return el("figure", el("figcaption", name), picture, el("p", says, class_="soft"))
