"""What changed between two models, part by part, in reading order."""

from collections.abc import Sequence

from mlplatform.evaluate.report_words import interval, measure, number, reading, signed
from mlplatform.provenance.changes import Change
from mlplatform.provenance.difference import Difference, GateChange, MetricChange
from mlplatform.provenance.judged import Gate
from mlplatform.provenance.section import AMBER, RED, Fact, Section, instant, said
from mlplatform.provenance.words import NOT_RECORDED, clean, short

SAME = "The same."
UNKNOWN = "Not recorded for both, so nothing can be said."
ROWS = {
    True: "Both on the same test rows.",
    False: "On other test rows each: the difference is of models and of rows.",
    None: "Not known whether on the same test rows: dataset or split of one cannot be read.",
}
SHOWN = 60  # Rows of one table; the rest is in --json.


def sections(told: Difference) -> list[Section]:
    """Return every part, also those where nothing changed: that is what a reader looks for."""
    return [
        _tables(told),
        _landed(told),
        _code(told),
        _changes(told, "Spec", "spec", told.spec),
        _changes(told, "Hyperparameters", "parameters", told.hyperparameters),
        _changes(told, "Training", "training", told.training),
        _changes(told, "Libraries", "libraries", told.libraries),
        _changes(told, "Environment and hardware", "environment", told.surroundings),
        _metrics(told),
        _gates(told),
        *([_problems(told)] if told.problems else []),
    ]


def _tables(told: Difference) -> Section:
    columns = ("Table", told.before, told.after, "#Rows", "#Added", "#Removed", "Content")
    rows = [
        (
            clean(each.table),
            clean(each.before.partition(":")[0]) or "none",
            clean(each.after.partition(":")[0]) or "none",
            " → ".join(_count(rows) for rows in dict.fromkeys(each.rows)),
            _count(each.added),
            _count(each.removed),
            "same" if each.same else clean("differs" + (f"; {each.note}" if each.note else "")),
        )
        for each in told.tables
    ]
    return Section(title="Data", at="data", columns=columns, rows=rows)


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"


def _landed(told: Difference) -> Section:
    rows = [
        (clean(f.name, 60), f"{f.rows:,}", short(f.sha256), instant(f.landed_at))
        for f in told.landed[-SHOWN:]
    ]
    note = "; ".join(filter(None, [clean(told.landed_note), _left(len(told.landed))]))
    if not rows and not note:
        note = "None."
    columns = ("File", "#Rows", "sha256", "Landed")
    return Section(
        title="Files that landed between", at="landed", columns=columns, rows=rows, note=note
    )


def _code(told: Difference) -> Section:
    code = told.code
    words = {"A": "added", "D": "removed", "M": "changed", "T": "another type"}
    rows = [
        (words.get(status, clean(status)), clean(path))
        for status, path in (code.files or ())[:SHOWN]
    ]
    facts = [Fact("but", clean(code.why), AMBER)] if code.why else []
    note = "The same commit." if code.files is not None and not rows else ""
    if code.diff is None:
        facts.append(Fact("the team's own files", NOT_RECORDED))
    elif not code.diff:
        facts.append(Fact("the team's own files", "the same"))
    text = "\n".join(clean(line) for line in (code.diff or "").split("\n")) if code.diff else ""
    return Section(
        title="Code",
        at="code",
        facts=facts,
        columns=("Changed", "File"),
        rows=rows,
        note=note,
        text=text,
    )


def _changes(told: Difference, title: str, at: str, found: Sequence[Change] | None) -> Section:
    if not found:
        return Section(title=title, at=at, note=UNKNOWN if found is None else SAME)
    rows = [(clean(each.what), _value(each.before), _value(each.after)) for each in found[:SHOWN]]
    columns = ("What", told.before, told.after)
    return Section(title=title, at=at, columns=columns, rows=rows, note=_left(len(found)))


def _value(value: object) -> str:
    return "none" if value is None else said(value)


def _left(found: int) -> str:
    return f"{found - SHOWN:,} more; --json has all." if found > SHOWN else ""


def _metrics(told: Difference) -> Section:
    columns = (
        "Metric",
        f"#{told.before}",
        "Interval",
        f"#{told.after}",
        "Interval ",
        "#Difference",
        "Reading",
    )
    return Section(
        title="Metrics",
        at="metrics",
        columns=columns,
        rows=[_metric(m) for m in told.metrics],
        note=ROWS[told.same_rows],
    )


def _metric(each: MetricChange) -> tuple[str, ...]:
    one, other = each.before, each.after
    old, new = (m.observed if m else None for m in (one, other))
    both = old is not None and new is not None
    return (
        clean(each.metric),
        measure(each.metric, old),
        interval(one.lower, one.upper) if one else "",
        measure(each.metric, new),
        interval(other.lower, other.upper) if other else "",
        signed(each.metric, new - old) if old is not None and new is not None else "",
        reading(each.metric, new or 0.0, old or 0.0) if both and each.metric != "rows" else "",
    )


def _gates(told: Difference) -> Section:
    columns = (
        "Gate",
        told.before,
        told.after,
        f"#Observed {told.before}",
        f"#Observed {told.after}",
        "Evidence",
    )
    rows = [_gate(each) for each in told.gates]
    tones = {
        at: RED if each.after and each.after.outcome == "fail" else ""
        for at, each in enumerate(told.gates)
    }
    note = f"{told.same_gates} gates said the same."
    return Section(title="Gates", at="gates", columns=columns, rows=rows, tones=tones, note=note)


def _gate(each: GateChange) -> tuple[str, ...]:
    def outcome(gate: Gate | None) -> str:
        return clean(gate.outcome) if gate else "did not judge"

    def seen(gate: Gate | None) -> str:
        return number(gate.observed) if gate and gate.observed is not None else ""

    because = each.after.because if each.after else (each.before.because if each.before else "")
    ends = (each.before, each.after)
    return (clean(each.gate), *map(outcome, ends), *map(seen, ends), clean(because))


def _problems(told: Difference) -> Section:
    facts = [Fact("✕", clean(line), RED) for line in told.problems]
    return Section(title="Could not be read", at="problems", facts=facts)
