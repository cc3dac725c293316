"""`mlplatform data diff`: what changed from one file or table to another."""

from mlplatform.cli.data.changes import changes, readable_as, schema_changes
from mlplatform.cli.data.input import Columns, Input, open_input
from mlplatform.cli.data.look import Look, look
from mlplatform.cli.data.text import plain, say, unreadable, whole
from mlplatform.ingest.infer import spec_of
from mlplatform.measures import ShiftSeen

EQUAL, DIFFERENT = 0, 1
FAR = 0.01  # Nats of PSI beyond chance: less is not worth a line.


def run(before: str, after: str) -> int:
    """Print what differs; return the exit code."""
    from mlplatform.validate.scan import Plan

    with unreadable():
        old, new = open_input(before), open_input(after)
        columns = readable_as(new, old.columns)
        was = look(old, old.columns, Plan(columns=old.columns, correlations=False))
        now = look(new, columns, Plan(columns=columns, correlations=False, like=was.scan))
    lines = compared((old, was), (new, now), columns)
    same = not schema_changes(old.columns, columns) and was.content == now.content
    same = same and was.view.rows == now.view.rows
    for line in lines:
        say(line)
    if same and not lines:
        say(f"{whole(before)} and {whole(after)} hold the same {was.view.rows:,} rows")
        return EQUAL
    if not lines:
        say("the same columns, values and distributions, in other rows")
    return DIFFERENT


def compared(old: tuple[Input, Look], new: tuple[Input, Look], columns: Columns) -> list[str]:
    """Return a line for everything that changed."""
    (given, was), (_, now) = old, new
    lines = [f"{plain(a.column)}: {a.detail}" for a in schema_changes(given.columns, columns)]
    rejected = was.malformed.rejected, now.malformed.rejected
    if any(rejected):
        lines.append(f"malformed records: {rejected[0]:,} became {rejected[1]:,}")
    lines += changes(was.view, now.view)
    return lines + [
        _moved(seen) for seen in _shifts(given.columns, columns, was, now) if _far(seen)
    ]


def _shifts(old: Columns, new: Columns, was: Look, now: Look) -> list[ShiftSeen]:
    from mlplatform.spec.source import ParquetSource
    from mlplatform.validate.measure.shifts import shifts

    both = {name: kind for name, kind in old.items() if new.get(name) == kind}
    if not both or not was.view.rows:
        return []
    spec = spec_of(both, ParquetSource(kind="parquet", files=["-"]))
    return shifts(spec, now.view, was.view, []) or []


def _far(seen: ShiftSeen) -> bool:
    return seen.psi is not None and seen.psi - seen.expected_psi > FAR


def _moved(seen: ShiftSeen) -> str:
    ks = f", KS distance {seen.ks:.2f}" if seen.ks is not None else ""
    psi = max((seen.psi or 0) - seen.expected_psi, 0)
    return f"{plain(seen.column)}: moved by a PSI of {psi:.2f} beyond chance{ks}; {plain(seen.worst, 120)}"
