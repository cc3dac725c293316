"""A study's pictures so small that Dagster shows them at once: Markdown of less than 1,000 characters each."""

from mlplatform.evaluate.inline_svg import markdown, path
from mlplatform.evaluate.study_axes import Axis, StudyShown, goodness

WIDTH, HEIGHT = 240, 60
DOTS = 28  # Of a history: of more trials the best in each of so many equal parts.
LINES = 8  # Of parallel coordinates: the best trials.
AXES = 5
BLUE, RED = "#07b", "#d50"


def history(study: StudyShown) -> str:
    """Return the metric of the trials as dots, the best so far as a line."""
    axis, last = goodness(study), max(row["trial"] for row in study.rows)
    placed = [(row["trial"], v) for row in study.rows if (v := study.value(row)) is not None]
    dots = "".join(
        f"M{_x(trial, last)} {_y(axis.place(value))}h0" for trial, value in _few(study, placed)
    )
    line, before = "", 0
    for trial, value in study.best_so_far()[-10:]:
        y = _y(axis.place(value))
        line += f"H{_x(trial, last)}V{y}" if line else f"M{_x(trial, last)} {y}"
        before = y
    line += f"H{WIDTH}" if line else f"M0 {before}"
    low, high = axis.ends()
    said = f"{study.metric} of {len(study.rows)} trials, from {low} to {high}; the line is the best"
    return markdown(said, "history", path(dots, BLUE, 3) + path(line, RED, 1), (WIDTH, HEIGHT))


def importances(study: StudyShown) -> str:
    """Return the fields' shares as a table."""
    if not study.importances:
        return "Too few complete trials to tell what decided it."
    rows = [
        f"| {n[-40:]} | {share:.0%} | {'█' * max(1, round(12 * share))} |"
        for n, share in list(study.importances.items())[:8]
    ]
    return "\n".join(["| field | share | |", "|---|---|---|", *rows])


def parallel(study: StudyShown) -> str:
    """Return lines through the values that the best trials had; the one chosen is red."""
    sign = -1 if study.direction == "maximize" else 1
    ranked = sorted(
        study.measured(),
        key=lambda row: (row["trial"] != study.best_trial, sign * (study.value(row) or 0.0)),
    )[:LINES]
    if not ranked:
        return "No trial was measured."
    fields = list(study.importances)[:AXES] or list(study.fields)[:AXES]
    axes = [Axis.of([row[name] for row in study.measured()]) for name in fields]
    step = WIDTH // max(len(axes) - 1, 1)
    paths = [
        "".join(
            f"{'L' if at else 'M'}{step * at} {_y(axis.place(row[name]))}"
            for at, (name, axis) in enumerate(zip(fields, axes, strict=True))
        )
        for row in ranked
    ]
    stems = "".join(f"M{step * at} 0V{HEIGHT}" for at in range(len(axes)))
    drawn = path(stems, "#ccc", 1) + path("".join(paths[1:]), BLUE, 1) + path(paths[0], RED, 2)
    named = ", ".join(name.rpartition(".")[2][:16] for name in fields)
    return markdown(f"The best {len(ranked)}: {named}", "settings", drawn, (WIDTH, HEIGHT))


def _few(study: StudyShown, placed: list[tuple[int, float]]) -> list[tuple[int, float]]:
    step = -(-len(placed) // DOTS)
    best = max if study.direction == "maximize" else min
    return [
        best(placed[at : at + step], key=lambda one: one[1]) for at in range(0, len(placed), step)
    ]


def _x(trial: int, last: int) -> int:
    return round(WIDTH * trial / last) if last else WIDTH // 2


def _y(place: float) -> int:
    return round(HEIGHT * (1 - min(max(place, 0.0), 1.0)))
