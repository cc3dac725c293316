"""What to do next: from the traffic state and a wish to the event to record, or none."""

from datetime import datetime

from mlplatform.errors import PlatformError
from mlplatform.rollout.traffic import FULL, Event, Kind, Model, TrafficState


class RolloutError(PlatformError):
    """The wished deployment step does not fit what is live."""


def deploy(
    traffic: TrafficState,
    model: Model,
    percent: float,
    *,
    by: str,
    reason: str,
    at: datetime,
    again: bool = False,
) -> Event | None:
    """Return the event that gives `model` traffic; `None` when nothing has to change.

    The first model of a pipeline becomes the champion with all traffic; a later one becomes a
    canary with `percent`. A model that is already live as wished changes nothing, nor does one that
    was rolled back, unless `again`.

    Raises:
        RolloutError: If `percent` is not between 0 and 100.
    """
    if not 0 <= percent <= FULL:
        raise RolloutError(f"canary percentage: got {percent}; expected 0 to 100")
    if traffic.champion == model or (traffic.canary, traffic.canary_percent) == (model, percent):
        return None
    if model.digest in traffic.withdrawn and not again:
        return None
    if traffic.champion is None:
        return _event(Kind.DEPLOYED, model, FULL, by, reason, at)
    return _event(Kind.CANARY, model, percent, by, reason, at)


def promote(traffic: TrafficState, *, by: str, reason: str, at: datetime) -> Event:
    """Return the event that makes the canary the champion.

    Raises:
        RolloutError: If no canary is on trial.
    """
    if traffic.canary is None:
        raise RolloutError("promote: no canary is on trial; deploy a model first")
    return _event(Kind.PROMOTED, traffic.canary, FULL, by, reason, at)


def rollback(traffic: TrafficState, *, by: str, reason: str, at: datetime) -> Event:
    """Return the event that withdraws the canary, or the champion in favour of the one before it.

    Raises:
        RolloutError: If there is neither a canary nor a previous champion.
    """
    if traffic.canary is not None:
        return _event(Kind.ROLLED_BACK, traffic.canary, 0.0, by, reason, at)
    if traffic.champion is None or traffic.previous is None:
        raise RolloutError(
            "roll back: there is neither a canary nor an earlier champion to return to"
        )
    return _event(Kind.ROLLED_BACK, traffic.champion, 0.0, by, reason, at)


def _event(kind: Kind, model: Model, percent: float, by: str, reason: str, at: datetime) -> Event:
    return Event(
        kind=kind,
        model_digest=model.digest,
        model_version=model.version,
        percent=percent,
        by=by,
        reason=reason,
        at=at,
    )
