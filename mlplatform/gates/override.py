"""A person lets through what a gate stopped: who, why, until when, and about which bytes alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from mlplatform.errors import OverrideError
from mlplatform.gates.policy import ALWAYS
from mlplatform.verdict import Outcome, Verdict

SHORTEST = 10  # Characters of a reason; "ok" and "urgent" tell a later reader nothing.
LONGEST = timedelta(
    days=90
)  # A quarter; what has to hold longer is a policy, and belongs in the spec.
# Without these there is nothing sound to judge, so nobody lets them through.
FIXED = frozenset(ALWAYS) | {"data_integrity", "overall", "artifact_verified", "traffic_verified"}
SOUND = "without it no other verdict means anything; mend what it found"
About = tuple[str, str, str, str]  # Gate, digest judged, champion's digest, policy.
_BADNESS = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 1, Outcome.FAIL: 2}


class Standing(StrEnum):
    """Whether an override lets anything through."""

    IN_FORCE = "in force"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    INVALID = "invalid"  # It breaks a rule, so no command gave it.


@dataclass(frozen=True, kw_only=True)
class Override:
    """One decision about one verdict.

    Attributes:
        gate: Whose verdict is let through.
        subject: The table judged.
        subject_digest: Digest of its judged version; another version needs another override.
        model_digest: The model judged, empty for a gate on data.
        baseline_digest: The champion it was compared with, empty for none.
        policy_hash: Of the policy the verdict was given under; under another the gate asks anew.
        outcome: What the gate had said; a worse answer is not covered.
        by: Who decided, in their own words.
        login: The account that said so.
        because: Why.
        at: When, in UTC.
        until: Its end, in UTC.
        withdrawn: Whether this takes back the one before it.
    """

    gate: str
    subject: str
    subject_digest: str
    model_digest: str = ""
    baseline_digest: str = ""
    policy_hash: str
    outcome: Outcome
    by: str
    because: str
    at: datetime
    until: datetime
    withdrawn: bool = False
    login: str = ""

    def standing(self, now: datetime) -> Standing:
        """Return whether it holds at `now`."""
        if self.withdrawn:
            return Standing.WITHDRAWN
        if not valid(self, now):
            return Standing.INVALID
        return Standing.IN_FORCE if now < self.until else Standing.EXPIRED

    def in_force(self, now: datetime) -> bool:
        """Whether it lets its verdict through at `now`."""
        return self.standing(now) is Standing.IN_FORCE

    @property
    def about(self) -> About:
        """The verdict this decides: gate, digest judged, champion's digest, and policy."""
        return (self.gate, self.subject_digest, self.baseline_digest, self.policy_hash)

    @property
    def who(self) -> str:
        """Who decided, and the account where it has another name."""
        return f"{self.by} (login {self.login})" if self.login not in ("", self.by) else self.by

    @property
    def sentence(self) -> str:
        """Who, until when and why, for a person."""
        return f"overridden by {self.who} until {minute(self.until)}: {self.because}"


def current(given: Iterable[Override]) -> list[Override]:
    """Return the newest decision about each verdict, of `given` in the order they were made."""
    newest: dict[About, Override] = {}
    for each in given:
        newest.pop(each.about, None)
        newest[each.about] = each
    return list(newest.values())


def valid(override: Override, now: datetime) -> bool:
    """Whether a decision keeps the rules, however it came into the table; see `fault`."""
    return not fault(override, now)


def fault(override: Override, now: datetime) -> str:
    """Return which rule a decision breaks, or nothing: `gate override` and the lock ask the same."""
    if override.gate in FIXED:
        return f"gate {override.gate} cannot be overridden: {SOUND}"
    if not override.by.strip():
        return "nobody is named who decided"
    if len(" ".join(override.because.split())) < SHORTEST:
        return f"the reason has fewer than {SHORTEST} characters"
    if override.at > now:
        return f"it was given at {minute(override.at)}, which is in the future"
    if override.until - override.at > LONGEST:
        return f"it holds for more than {LONGEST.days} days"
    return ""


def require_valid(override: Override, now: datetime) -> Override:
    """Return a decision that keeps the rules.

    Raises:
        OverrideError: Saying which one it breaks.
    """
    if why := fault(override, now):
        raise OverrideError(f"{override.gate} is not overridden: {why}")
    return override


def covering(
    given: Iterable[Override], about: About, outcome: Outcome, now: datetime
) -> Override | None:
    """Return the override in force that lets this answer through, if there is one.

    It has to be about this very verdict, see `Override.about`, and the answer no worse than the one
    that was overridden: whoever let too little evidence pass has not let a failure pass. One that
    breaks a rule, see `fault`, lets nothing through.
    """
    for each in current(given):
        if (
            each.about == about
            and each.in_force(now)
            and _BADNESS[outcome] <= _BADNESS[each.outcome]
        ):
            return each
    return None


def require_overridable(gate: str, verdict: Verdict | None) -> None:
    """Let only a verdict be overridden that is there and stops the walk.

    Raises:
        OverrideError: Saying why there is nothing to override.
    """
    if gate in FIXED:
        raise OverrideError(f"gate {gate} cannot be overridden: {SOUND}")
    if verdict is None:
        why = "it has not judged, and a missing verdict is never let through; materialise what it judges"
        raise OverrideError(f"gate {gate} cannot be overridden: {why}")
    if verdict.passed:
        raise OverrideError(f"gate {gate} passed, so there is nothing to override")
    if not verdict.stops:
        why = f"said {verdict.outcome.value}, which only warns, so there is nothing to override"
        raise OverrideError(f"gate {gate} {why}")


def reason(text: str) -> str:
    """Return a reason on one line.

    Raises:
        OverrideError: If it has fewer than `SHORTEST` characters.
    """
    because = " ".join(text.split())
    if len(because) < SHORTEST:
        raise OverrideError(
            f"--because is {because!r}; give a reason of {SHORTEST} characters or more"
        )
    return because


def expiry(text: str, now: datetime) -> datetime:
    """Return when an override ends: `7d` is in seven days, `2026-12-31` at the end of that day in UTC.

    Raises:
        OverrideError: If it is neither, lies in the past, or is further away than `LONGEST`.
    """
    until = _instant(text, now)
    if until is None:
        raise OverrideError(
            f"--expires is {text!r}; give days as in 7d, or a date as in 2026-12-31"
        )
    if until <= now:
        raise OverrideError(f"--expires is {text!r}, which is not in the future")
    if until > now + LONGEST:
        last = (now + LONGEST).date()
        raise OverrideError(f"--expires is {text!r}; at most {LONGEST.days}d, which is {last}")
    return until


def minute(at: datetime) -> str:
    """Return an instant as people read it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _instant(text: str, now: datetime) -> datetime | None:
    if days := re.fullmatch(r"(\d{1,4})d", text):
        return now + timedelta(days=int(days[1]))
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), tzinfo=UTC)
    except ValueError:
        return None
