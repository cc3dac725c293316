"""Gates on what must not be there: personal data in the table, test rows in training."""

from mlplatform.gates.answer import refused
from mlplatform.gates.data import chance
from mlplatform.gates.data.check import Check, plain, verdict
from mlplatform.measures import DataMeasured, OverlapSeen
from mlplatform.spec.data_gates import OverlapGate, SensitiveDataGate
from mlplatform.verdict import Verdict

ALPHA = 0.001  # False alarm rate where equal rows are held against chance.


def sensitive_data(m: DataMeasured, policy: SensitiveDataGate) -> Verdict:
    """Pass when no column that is not allowed to looks like personal data. Values stay masked."""
    gate, limit = "sensitive_data", policy.max_share
    if m.sensitive is None or not m.rows:
        why = f"no column was searched for personal data; at most {limit:.2%} of values may be"
        return refused(gate, policy.severity, limit, why)
    judged = [seen for seen in m.sensitive if seen.column not in policy.allow]
    checks = [
        Check(
            column=seen.column,
            measure=f"share of distinct values that look like {seen.kind}",
            observed=seen.share if seen.looked_at else None,
            limit=limit,
            why=f"{seen.share:.1%} of {seen.looked_at:,} distinct values of {seen.column} look "
            f"like {seen.kind}{_like(list(seen.masked))}, limit {limit:.1%}",
        )
        for seen in judged
    ]
    return verdict(
        gate,
        policy,
        checks,
        passed=f"{m.rows:,} rows: no column looks like personal data",
        limit=limit,
        advice="drop or pseudonymise it at the source, or allow it with the reason in "
        "data_gates.sensitive_data.allow",
        evidence={
            "allowed": dict(policy.allow),
            "masked": {f"{s.column}: {s.kind}": list(s.masked) for s in judged},
        },
    )


def _like(masked: list[str]) -> str:
    return f" (like {masked[0]})" if masked else ""


def overlap(seen: OverlapSeen | None, policy: OverlapGate) -> Verdict:
    """Pass when hardly a test row equals one that trains, and no entity is on both sides.

    Whole rows are held to a share. What they hold besides key and unused columns is equal by nature
    where these are few: of that only more than the training rows share among themselves is judged.
    """
    gate, limit = "overlap", policy.max_share
    if seen is None or seen.test_rows < 1 or (seen.entity and seen.test_entities < 1):
        rows = "not counted" if seen is None else f"{seen.test_rows:,}"
        why = f"test rows: {rows}; at most {limit:.2%} of them may also train or validate"
        return refused(gate, policy.severity, limit, why)
    share = seen.shared_rows / seen.test_rows
    checks = [
        Check(
            column="",
            measure="share of test rows equal to a row that trains or validates",
            observed=share,
            limit=limit,
            why=f"{seen.shared_rows:,} of {seen.test_rows:,} test rows ({share:.2%}, limit "
            f"{limit:.2%}) equal a row that trains or validates",
        ),
        *_content(seen, policy),
        *_entities(seen),
    ]
    return verdict(
        gate,
        policy,
        checks,
        passed=f"{seen.shared_rows:,} of {seen.test_rows:,} test rows equal a row that trains",
        limit=limit,
        advice="drop the repeats, or split by group",
        alpha=ALPHA,
        evidence={
            "shares": dict(seen.shares),
            "balance": dict(seen.balance),
            "examples": plain(list(seen.examples)),
        },
    )


def _content(seen: OverlapSeen, policy: OverlapGate) -> list[Check]:
    if seen.content_shared is None:
        return []
    rows, by_chance = seen.training_rows, seen.content_by_chance
    shared = min(seen.content_shared, seen.test_rows)  # An estimate may be above.
    share = shared / seen.test_rows
    return [
        Check(
            column="",
            measure="share of test rows equal, but for key and unused columns, beyond chance",
            observed=share - by_chance,
            limit=policy.max_share,
            expected=by_chance,
            p=chance.rise(shared, seen.test_rows, round(by_chance * rows), rows),
            why=f"{shared:,} of {seen.test_rows:,} test rows ({share:.2%}) equal one "
            f"that trains or validates but for key and unused columns, {by_chance:.2%} by chance, "
            f"limit {policy.max_share:.2%} more",
        )
    ]


def _entities(seen: OverlapSeen) -> list[Check]:
    if not seen.entity:
        return []
    return [
        Check(
            column=seen.entity,
            measure="share of test entities that also train or validate",
            observed=seen.shared_entities / seen.test_entities,
            limit=0.0,
            why=f"{seen.shared_entities:,} of {seen.test_entities:,} values of {seen.entity} in "
            "the test also train or validate, limit 0",
        )
    ]
