"""One function per trigger. Each says why, also when the answer is no.

`evidence_key` names what was seen and not when it was looked at: a repeated tick, a second daemon
or a lost cursor arrives at the same key, and asking by key asks once. An attempt counter, where a
failed run may be asked for again, is the caller's to add.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mlplatform.spec.triggers import DriftTrigger, ScheduleTrigger, VolumeTrigger

SHOWN = 3  # Columns named in a reason.


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether to ask for a run, the reason for a person, and the key to ask by (empty if not)."""

    fire: bool
    because: str
    evidence_key: str = ""


@dataclass(frozen=True, kw_only=True)
class DriftSeen:
    """What the monitor measured.

    Attributes:
        psi: PSI in nats by column, beyond the no-drift expectation; `None` if not measured.
        requests: Logged rows it was measured on.
        live_model: Digest of the model that answered them; empty if none is live.
        data: Reference of the data version that a new run would train on.
    """

    psi: Mapping[str, float] | None
    requests: int
    live_model: str
    data: str


@dataclass(frozen=True, kw_only=True)
class VolumeSeen:
    """What the log's tail says.

    Attributes:
        rows_added: Rows landed since the version the live model was trained on; `None` if unknown.
        live_model: Digest of the live model; empty if none is live.
        live_data: Reference of the data version it was trained on.
    """

    rows_added: int | None
    live_model: str
    live_data: str


def schedule(due: datetime, policy: ScheduleTrigger | None) -> Decision:
    """Fire at `due`, a time the cron expression names. The clock itself is the caller's."""
    if policy is None:
        return Decision(fire=False, because="the schedule trigger is off")
    slot = due.astimezone(UTC).isoformat(timespec="seconds")
    because = f"due at {slot} by the schedule {policy.cron!r} ({policy.timezone})"
    return Decision(fire=True, because=because, evidence_key=f"schedule:{slot}")


def drift(seen: DriftSeen, policy: DriftTrigger | None) -> Decision:
    """Fire when a column's PSI exceeds `max_psi` on at least `min_requests` rows.

    Keyed by the live model and the data at hand: drift that a retraining on this very data did not
    cure asks again only once there is other data.
    """
    if policy is None:
        return Decision(fire=False, because="the drift trigger is off")
    if not seen.live_model:
        return Decision(fire=False, because="no model is live, so nothing can have drifted")
    if seen.requests < policy.min_requests:
        why = f"{seen.requests} of the {policy.min_requests} logged rows needed to judge drift"
        return Decision(fire=False, because=why)
    known = {name: v for name, v in (seen.psi or {}).items() if math.isfinite(v)}
    if not known:
        return Decision(fire=False, because=f"no PSI was measured on {seen.requests} logged rows")
    return _drifted(known, seen, policy)


def volume(seen: VolumeSeen, policy: VolumeTrigger | None) -> Decision:
    """Fire when at least `min_rows` rows landed since the live model's data.

    Keyed by the live data and how many times `min_rows` has been reached since: one request per
    multiple, however often it is looked at.
    """
    if policy is None:
        return Decision(fire=False, because="the volume trigger is off")
    if not seen.live_model:
        return Decision(fire=False, because="no model is live, so no data is newer than its own")
    if seen.rows_added is None:
        return Decision(fire=False, because="the rows landed since the live model are not known")
    why = f"{seen.rows_added:,} rows since the live model's data, {policy.min_rows:,} ask for a run"
    if seen.rows_added < policy.min_rows:
        return Decision(fire=False, because=why)
    times = seen.rows_added // policy.min_rows
    key = f"volume:{seen.live_model}:{seen.live_data}:{times}x{policy.min_rows}"
    return Decision(fire=True, because=why, evidence_key=key)


def _drifted(psi: Mapping[str, float], seen: DriftSeen, policy: DriftTrigger) -> Decision:
    ranked = sorted(psi, key=lambda name: (-psi[name], name))
    shown = ", ".join(f"{name} {psi[name]:.3f}" for name in ranked[:SHOWN])
    why = f"PSI on {seen.requests:,} logged rows: {shown}; limit {policy.max_psi:g}"
    if not psi[ranked[0]] > policy.max_psi:
        return Decision(fire=False, because=why)
    key = f"drift:{seen.live_model}:{seen.data}"
    return Decision(fire=True, because=why, evidence_key=key)
