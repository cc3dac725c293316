"""All verdicts about one candidate become one: what was asked for, all of it, about these bytes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlplatform.gates.answer import Finding, worst
from mlplatform.gates.override import Override, covering, minute
from mlplatform.verdict import Inconclusive, Outcome, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

GATE = "overall"
CLOCKS = timedelta(minutes=5)  # How far those of two hosts may be apart.
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What every verdict has to be about, and what may let one through; see `overall`."""

    policy: str
    baselines: Mapping[str, str] = field(default_factory=dict)
    overrides: Sequence[Override] = ()
    now: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class _Answer(Finding):
    """What one gate said, and what lets it through although it did not pass."""

    by_policy: bool = False
    override: Override | None = None

    @property
    def lets_through(self) -> bool:
        return self.outcome is Outcome.PASS or self.by_policy or self.override is not None


def overall(
    rows: "pa.Table | None",
    required: Mapping[str, str],
    policy_hash: str,
    *,
    baselines: Mapping[str, str] | None = None,
    overrides: Sequence[Override] = (),
    now: datetime | None = None,
) -> Verdict:
    """Pass when the newest verdict of every required gate passed or is let through.

    Only rows about the wanted digest under the wanted policy count, and of those the last: rows are
    only ever appended, and a clock can be wrong. One decided in the future is none. A gate without
    a verdict is a failure, and so is a policy without gates. An inconclusive verdict is let through
    where its policy says `warn`; any other that did not pass, by an override in force. `evidence`
    has `gates`, outcome and reason of each, and `overrides`.

    Args:
        rows: Rows of the `gates` table.
        required: The digest each gate must have judged, by gate; see `gates.required`.
        policy_hash: Of the policy in force.
        baselines: The champion each gate must have compared with, by gate; one that is left out is
            asked for none.
        overrides: Every one that was ever given, in order.
        now: When this is judged; without it no override counts, and no verdict is of the future.
    """
    asked = _Asked(policy=policy_hash, baselines=baselines or {}, overrides=overrides, now=now)
    listed = rows.to_pylist() if rows is not None else []
    found = {gate: _judge(gate, digest, listed, asked) for gate, digest in required.items()}
    stopping = [answer for answer in found.values() if not answer.lets_through]
    return Verdict(
        gate=GATE,
        outcome=worst(stopping) if stopping or not found else Outcome.PASS,
        observed=float(len(found) - len(stopping)),
        limit=float(len(required)),
        because=_because(found),
        evidence={
            "gates": {
                gate: {"outcome": answer.outcome.value, "because": answer.because}
                for gate, answer in found.items()
            },
            "overrides": list(_overridden(found)),
        },
    )


def of_the_future(row: Row, now: datetime) -> bool:
    """Whether a verdict claims to be decided after `now`, by more than clocks differ: it is none."""
    return bool(row["decided_at"] > now + CLOCKS)


def _judge(gate: str, digest: str, rows: Sequence[Row], asked: _Asked) -> _Answer:
    ours = [row for row in rows if row["gate"] == gate]
    about = [row for row in ours if digest and row["subject_digest"] == digest]
    under = [row for row in about if row["policy_hash"] == asked.policy]
    valid = [row for row in under if _same_baseline(row, asked.baselines.get(gate))]
    if not valid:
        why = _absent(gate, digest, ours, about, under)
        return _Answer(outcome=Outcome.FAIL, because=why)
    newest = valid[-1]
    if asked.now is not None and of_the_future(newest, asked.now):
        why = f"{gate}: judged at {minute(newest['decided_at'])}, which is in the future"
        return _Answer(outcome=Outcome.FAIL, because=why)
    if newest["outcome"] not in set(Outcome):
        why = f"{gate}: unknown outcome {newest['outcome']!r}"
        return _Answer(outcome=Outcome.FAIL, because=why)
    return _answer(newest, asked)


def _answer(row: Row, asked: _Asked) -> _Answer:
    """Return what a gate's verdict amounts to: by itself, by its policy, or by a person."""
    gate, outcome = row["gate"], Outcome(row["outcome"])
    because = f"{gate} {outcome.value}: {row['because']}"
    if outcome is Outcome.PASS:
        return _Answer(outcome=outcome, because=because)
    undecided = row["inconclusive"] if outcome is Outcome.INCONCLUSIVE else None
    if undecided == Inconclusive.WARN:
        said = f"{gate} inconclusive, which its policy lets through: {row['because']}"
        return _Answer(outcome=outcome, because=said, by_policy=True)
    if asked.now is not None:
        about = (gate, row["subject_digest"], row["baseline_digest"], asked.policy)
        override = covering(asked.overrides, about, outcome, asked.now)
        if override is not None:
            said = f"{gate} {outcome.value}, {override.sentence}"
            return _Answer(outcome=outcome, because=said, override=override)
    if undecided == Inconclusive.PERSON:
        because = f"{because}; a person decides: {_command(row)}"
    return _Answer(outcome=outcome, because=because)


def _command(row: Row) -> str:
    pipeline = row["subject"].rpartition("/")[0]
    return f'mlplatform gate override {pipeline} {row["gate"]} --because "…" --expires 7d'


def _same_baseline(row: Row, wanted: str | None) -> bool:
    return wanted is None or row["baseline_digest"] == wanted


def _absent(
    gate: str, digest: str, ours: Sequence[Row], about: Sequence[Row], under: Sequence[Row]
) -> str:
    if under:
        champion = under[-1]["baseline_digest"][:12]
        return f"{gate}: judged against {champion or 'no champion'}, which is another one now"
    if about:
        return f"{gate}: judged under another policy ({about[-1]['policy_hash'][:12]})"
    if ours:
        other = ours[-1]["subject_digest"][:12] or "nothing"
        return f"{gate}: judged {other}, not {digest[:12] or 'a known digest'}"
    return f"{gate}: no verdict"


def _overridden(found: Mapping[str, _Answer]) -> Iterable[dict[str, str]]:
    for gate, answer in found.items():
        if answer.override is not None:
            yield {
                "gate": gate,
                "outcome": answer.outcome.value,
                "by": answer.override.who,
                "because": answer.override.because,
                "at": answer.override.at.isoformat(),
                "until": answer.override.until.isoformat(),
            }


def _because(found: Mapping[str, _Answer]) -> str:
    if not found:
        return "0 gates are required, so nothing was judged; give one the severity `block`"
    answers = sorted(found.values(), key=lambda answer: answer.lets_through)  # What stops is first.
    passed = sum(answer.outcome is Outcome.PASS for answer in answers)
    count = f"{passed} of {len(found)} required gates passed"
    for n, how in (
        (sum(answer.by_policy for answer in answers), "inconclusive and let through by policy"),
        (sum(answer.override is not None for answer in answers), "overridden"),
    ):
        count += f", {n} {how}" if n else ""
    return "; ".join([count, *(a.because for a in answers if a.outcome is not Outcome.PASS)])
