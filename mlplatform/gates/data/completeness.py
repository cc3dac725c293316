"""Gates on what is not there, and what is there twice: missing values, repeated rows and keys."""

from mlplatform.gates.answer import refused
from mlplatform.gates.data import chance
from mlplatform.gates.data.check import Check, verdict
from mlplatform.measures import DataMeasured, Duplicates, MissingSeen
from mlplatform.spec.data_gates import DuplicatesGate, MissingGate
from mlplatform.verdict import Verdict

# A table of few distinct rows repeats more the longer it is: rows at its end repeat an earlier one
# twice as often as its rows do on average, where the share grows in proportion to the rows.
GROWTH = 2


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
        checks.append(_more_missing(seen, *parts[-1], policy))
    return checks


def _more_missing(
    seen: MissingSeen, where: str, rows: int, missing: int, policy: MissingGate
) -> Check:
    share, before = missing / rows, seen.reference_missing / seen.reference_rows
    return Check(
        column=seen.column,
        measure=f"rise of the share missing {where}",
        observed=share - before,
        limit=policy.max_increase,
        expected=before,
        p=chance.rise(missing, rows, seen.reference_missing, seen.reference_rows),
        why=f"{seen.column} misses {share:.2%} {where}, {before:.2%} of the reference, "
        f"largest rise {policy.max_increase:.2%}",
    )


def duplicates(m: DataMeasured, policy: DuplicatesGate) -> Verdict:
    """Pass when few rows repeat an earlier one, hardly more than before, and no key comes twice."""
    gate, limit, seen = "duplicates", policy.max_share, m.duplicates
    if seen is None or seen.rows < 1 or (seen.key and seen.key_repeated is None):
        why = f"repeated rows were not counted; at most {limit:.2%} may repeat an earlier one"
        return refused(gate, policy.severity, limit, why)
    checks = [_repeated(seen, policy), *_key_repeated(seen, policy), *_newly(seen, policy)]
    passed = f"{seen.repeated:,} of {seen.rows:,} rows repeat an earlier one"
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


def _repeated(seen: Duplicates, policy: DuplicatesGate) -> Check:
    share = seen.repeated / seen.rows
    return Check(
        column="",
        measure="share of rows equal to an earlier one",
        observed=share,
        limit=policy.max_share,
        why=f"{seen.repeated:,} of {seen.rows:,} rows ({share:.2%}, limit {policy.max_share:.2%}) "
        "repeat an earlier one",
    )


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


def _newly(seen: Duplicates, policy: DuplicatesGate) -> list[Check]:
    """More repeats than the reference's; of the new rows, where there are some."""
    if seen.reference_share is None:
        return []
    rows, repeated, expected = seen.rows, seen.repeated, seen.reference_share
    where = "rows"
    if seen.new_rows:
        rows, repeated, where = seen.new_rows, seen.new_repeated, "new rows"
        expected = min(GROWTH * expected, 1.0)
    share = repeated / rows
    return [
        Check(
            column="(new rows)" if seen.new_rows else "",
            measure=f"rise of the share of {where} equal to an earlier one",
            observed=share - expected,
            limit=policy.max_increase,
            expected=expected,
            p=chance.rise(repeated, rows, round(expected * rows), rows),
            why=f"{repeated:,} of {rows:,} {where} ({share:.2%}) repeat an earlier one, "
            f"{expected:.2%} by the reference, largest rise {policy.max_increase:.2%}",
        )
    ]
