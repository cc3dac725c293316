"""Gates on what is not there, and what is there twice: missing values, repeated rows and keys."""

from mlplatform.gates.answer import refused
from mlplatform.gates.data import chance
from mlplatform.gates.data.check import Check, verdict
from mlplatform.measures import Copies, DataMeasured, Duplicates, MissingSeen
from mlplatform.spec.data_gates import DuplicatesGate, MissingGate
from mlplatform.verdict import Verdict


def missing_values(m: DataMeasured, policy: MissingGate) -> Verdict:
    """Pass when no column misses more than it may, nor far more than it did in the reference."""
    gate, limit = "missing_values", policy.max_share
    seen = m.missing or ()
    unknown = sorted(set(policy.columns) - {column.column for column in seen})
    if not seen or unknown or any(column.rows < 1 for column in seen):
        of = ", ".join(unknown) or "every column"
        why = f"missing values were not measured of {of}; the limit is {limit:g}"
        return refused(gate, policy.severity, limit, why)
    checks = [check for column in seen for check in _missing(column, policy)]
    passed = f"no column of {len(seen)} misses more values than it may"
    advice = "mend the source, or allow it in data_gates.missing_values.columns"
    return verdict(
        gate, policy, checks, passed=passed, limit=limit, advice=advice, alpha=policy.alpha
    )


def _missing(seen: MissingSeen, policy: MissingGate) -> list[Check]:
    name, limit = seen.column, policy.columns.get(seen.column, policy.max_share)
    parts = [("of all rows", seen.rows, seen.missing)]
    if seen.new_rows:
        parts.append(("of the new rows", seen.new_rows, seen.new_missing))
    checks = [
        Check(
            column=name,
            measure=f"share missing {where}",
            observed=missing / rows,
            limit=limit,
            why=f"{name} misses {missing / rows:.2%} {where}, limit {limit:.2%}",
        )
        for where, rows, missing in parts
    ]
    if seen.reference_rows:
        checks.append(more_missing(seen, *parts[-1], policy.max_increase))
    return checks


def more_missing(seen: MissingSeen, where: str, rows: int, missing: int, limit: float) -> Check:
    """Return how far one column's share missing rose since the reference, against `limit`."""
    share, before = missing / rows, seen.reference_missing / seen.reference_rows
    return Check(
        column=seen.column,
        measure=f"rise of the share missing {where}",
        observed=share - before,
        limit=limit,
        expected=before,
        p=chance.rise(missing, rows, seen.reference_missing, seen.reference_rows),
        why=f"{seen.column} misses {share:.2%} {where}, {before:.2%} of the reference, "
        f"largest rise {limit:.2%}",
    )


def duplicates(m: DataMeasured, policy: DuplicatesGate) -> Verdict:
    """Pass when no key comes twice, and few rows repeat an earlier one, hardly more than before.

    Whole rows are held to a share. What they hold besides key and unused columns repeats by nature
    where these are few, so of that only a rise beyond what a longer table brings is judged: rows
    that came again under fresh keys are one.
    """
    gate, limit, seen = "duplicates", policy.max_share, m.duplicates
    if seen is None or not _counted(seen):
        why = f"repeated rows were not counted; at most {limit:.2%} may repeat an earlier one"
        return refused(gate, policy.severity, limit, why)
    checks = [*_repeated(seen, policy), *_key_repeated(seen, policy), *_risen(seen, policy)]
    rows = (
        (seen.content.repeated if seen.content else 0) if seen.repeated is None else seen.repeated
    )
    passed = f"{rows:,} of {seen.rows:,} rows repeat an earlier one{_but_for_key(seen)}"
    advice = "land each row once, or name the key and load by upsert"
    return verdict(
        gate,
        policy,
        checks,
        passed=passed,
        limit=limit,
        advice=advice,
        alpha=policy.alpha,
        evidence={"exact": seen.exact, "key": list(seen.key)},
    )


def _counted(seen: Duplicates) -> bool:
    parts = (seen.key_repeated, seen.content) if seen.key else (seen.repeated,)
    return seen.rows > 0 and None not in parts


def _but_for_key(seen: Duplicates) -> str:
    return " but for key and unused columns" if seen.repeated is None else ""


def _repeated(seen: Duplicates, policy: DuplicatesGate) -> list[Check]:
    if seen.repeated is None:
        return []
    share = seen.repeated / seen.rows
    return [
        Check(
            column="",
            measure="share of rows equal to an earlier one",
            observed=share,
            limit=policy.max_share,
            why=f"{seen.repeated:,} of {seen.rows:,} rows ({share:.2%}, limit "
            f"{policy.max_share:.2%}) repeat an earlier one",
        )
    ]


def _key_repeated(seen: Duplicates, policy: DuplicatesGate) -> list[Check]:
    if seen.key_repeated is None:
        return []
    share, key = seen.key_repeated / seen.rows, " + ".join(seen.key)
    why = f"{seen.key_repeated:,} of {seen.rows:,} rows have a key ({key}) that an earlier row has"
    return [
        Check(
            column=key,
            measure="share of rows whose key an earlier row has",
            observed=share,
            limit=policy.max_key_share,
            why=f"{why} ({share:.2%}, limit {policy.max_key_share:.2%})",
        )
    ]


def _risen(seen: Duplicates, policy: DuplicatesGate) -> list[Check]:
    """More repeats than the reference's, of whole rows and of content."""
    whole = None
    if seen.repeated is not None:
        whole = Copies(
            repeated=seen.repeated,
            new_repeated=seen.new_repeated,
            reference_share=seen.reference_share,
            reference_rows=seen.reference_rows,
        )
    parts = [(whole, ""), (seen.content, " but for key and unused columns")]
    return [
        _rise(seen, copies, but, policy)
        for copies, but in parts
        if copies is not None and copies.reference_share is not None
    ]


def _rise(seen: Duplicates, copies: Copies, but: str, policy: DuplicatesGate) -> Check:
    rows, repeated, where = seen.rows, copies.repeated, "rows"
    if seen.new_rows:
        rows, repeated, where = seen.new_rows, copies.new_repeated, "new rows"
    share, expected = repeated / rows, most_by_length(seen, copies)
    return Check(
        column="(new rows)" if seen.new_rows else "",
        measure=f"rise of the share of {where} equal to an earlier one{but}",
        observed=share - expected,
        limit=policy.max_increase,
        expected=expected,
        p=chance.rise(repeated, rows, round(expected * rows), rows),
        why=f"{repeated:,} of {rows:,} {where} ({share:.2%}) repeat an earlier one{but}, "
        f"at most {expected:.2%} by the reference, largest rise {policy.max_increase:.2%}",
    )


def most_by_length(seen: Duplicates, copies: Copies) -> float:
    """Return the largest share of the rows judged that repeats, if rows are as they were.

    Of n rows drawn alike, with a chance p of each value, n less the sum of 1 - exp(-np) repeat on
    average. That grows with n, at most as its square. So a share r of n rows is at most r N/n of N,
    and among k rows that follow them at most r (2 + k/n).
    """
    before = copies.reference_share or 0.0
    if not seen.new_rows:
        return min(before * max(seen.rows / max(copies.reference_rows, 1), 1.0), 1.0)
    known = max(seen.rows - seen.new_rows, 1)
    # The rows before the new ones may be more than the reference, and so repeat more.
    share = max(before, (copies.repeated - copies.new_repeated) / known)
    return min(share * (2 + seen.new_rows / known), 1.0)
