"""Is a candidate shown to be no worse than the champion by more than a margin? The decision, and it in words."""

from mlplatform.statistics.compared import Compared
from mlplatform.verdict import Outcome


def non_inferiority(seen: Compared) -> Outcome:
    """Return PASS if the lower bound is at least `-margin`, FAIL if the upper one is below it.

    INCONCLUSIVE in between, and where a bound is NaN: a comparison that the rows do not allow is
    never a pass.
    """
    if seen.lower >= -seen.margin:
        return Outcome.PASS
    return Outcome.FAIL if seen.upper < -seen.margin else Outcome.INCONCLUSIVE


def in_words(seen: Compared, champion_name: str) -> str:
    """Return one line: difference, bounds, margin, rows, flips, and what would decide it.

    `champion_name` is the champion in words: "champion 3f2a9c".
    """
    margin = f"margin {_number(seen, seen.margin)}"
    if seen.better != seen.better:  # NaN: nothing was compared.
        why = f"{seen.metric} cannot be compared with {champion_name}"
        return f"{why} on {seen.rows:,} {_rows(seen.rows)}, {margin}: {_missing(seen)}"
    bounds = (
        f"bounds {_number(seen, seen.lower, sign='+')} and {_number(seen, seen.upper, sign='+')}"
    )
    difference = f"{seen.metric} {_number(seen, seen.better, sign='+')} against {champion_name}"
    parts = [f"{difference} on {seen.rows:,} {_rows(seen.rows)}", bounds, margin]
    if seen.gained is not None and seen.lost is not None:
        parts.append(f"{seen.gained:,} rows gained and {seen.lost:,} lost")
    return ", ".join(parts) + _what_more(seen)


def _number(seen: Compared, value: float, sign: str = "") -> str:
    """Return a difference in the metric's unit, or as a percentage of the champion's."""
    return (
        format(100 * value, f"{sign}.2f") + " %" if seen.relative else format(value, f"{sign}.4f")
    )


def _rows(rows: int) -> str:
    return "row" if rows == 1 else "rows"


def _missing(seen: Compared) -> str:
    """Return why nothing bounds the difference, as far as the values tell."""
    if seen.rows <= 1:
        return "more rows are needed"
    if seen.candidate != seen.candidate and seen.champion != seen.champion:
        return "answers that are no numbers or probabilities, or labels of a single class"
    return "labels of a single class, or too few rows that differ"


def _what_more(seen: Compared) -> str:
    """Return what would decide an open comparison, and the chance an equal model has on these rows."""
    if non_inferiority(seen) is not Outcome.INCONCLUSIVE:
        return ""
    chance = (
        ""
        if seen.power_if_equal is None
        else f"; an equal model passes {seen.power_if_equal:.0%} of the time"
    )
    if seen.rows_needed is None:
        return f"{chance}; it sits on the margin, which no number of rows decides"
    return f"{chance}; about {seen.rows_needed:,} rows would decide"
