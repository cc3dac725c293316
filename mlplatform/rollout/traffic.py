"""What the deployment events of a pipeline add up to: a pure function of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

FULL = 100.0  # percent


class Kind(StrEnum):
    """What happened to a model."""

    DEPLOYED = "deployed"
    CANARY = "canary"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A registered model: its version and the digest of its artifact."""

    version: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One row of the deployment table.

    Attributes:
        kind: What happened.
        model_digest: The model it happened to; for `rolled_back` the one taken out of traffic.
        model_version: The same model's registered version.
        percent: Share of traffic the model gets by this event, 0 to 100.
        by: The person, run or rule that decided.
        reason: Why, in one sentence.
        at: When, in UTC.
    """

    kind: Kind
    model_digest: str
    model_version: int
    percent: float
    by: str
    reason: str
    at: datetime

    @property
    def model(self) -> Model:
        """The model this happened to."""
        return Model(version=self.model_version, digest=self.model_digest)


@dataclass(frozen=True, kw_only=True)
class TrafficState:
    """Who answers requests.

    Attributes:
        champion: Answers everything the canary does not; `None` before the first deployment.
        canary: On trial, or `None`.
        canary_percent: Share of requests the canary answers, 0 to 100.
        previous: The champion before this one: where a rollback goes.
        withdrawn: Digest and reason of every model rolled back and not deployed since.
    """

    champion: Model | None = None
    canary: Model | None = None
    canary_percent: float = 0.0
    previous: Model | None = None
    withdrawn: Mapping[str, str] = field(default_factory=dict)


def state(events: Iterable[Event]) -> TrafficState:
    """Return the state after `events`, oldest first.

    An event that does not fit the state before it (a promotion of a model that is no canary, say
    the second of two promotions sent at the same time) changes nothing.
    """
    now = TrafficState()
    for event in events:
        now = after(now, event)
    return now


def after(now: TrafficState, event: Event) -> TrafficState:
    """Return the state after one more event."""
    return _AFTER[event.kind](now, event)


def to_replace(now: TrafficState, candidate: str) -> str:
    """Return the digest of the model the candidate has to match, or nothing if it is the first.

    A candidate that is live already is compared with the model it replaced, as on the day it was judged.
    """
    rivals = [
        model for model in (now.champion, now.previous) if model and model.digest != candidate
    ]
    return rivals[0].digest if rivals else ""


def _deployed(now: TrafficState, event: Event) -> TrafficState:
    return _champion(_restored(now, event.model), event.model)


def _canary(now: TrafficState, event: Event) -> TrafficState:
    if now.champion is None or now.champion == event.model:
        return now
    restored = _restored(now, event.model)
    return replace(restored, canary=event.model, canary_percent=event.percent)


def _promoted(now: TrafficState, event: Event) -> TrafficState:
    return _champion(now, event.model) if now.canary == event.model else now


def _rolled_back(now: TrafficState, event: Event) -> TrafficState:
    out = replace(now, withdrawn={**now.withdrawn, event.model_digest: event.reason})
    if now.canary == event.model:
        return replace(out, canary=None, canary_percent=0.0)
    if now.champion == event.model and now.previous is not None:
        return replace(out, champion=now.previous, canary=None, canary_percent=0.0, previous=None)
    return now


def _champion(now: TrafficState, model: Model) -> TrafficState:
    previous = now.previous if now.champion == model else now.champion
    return replace(now, champion=model, canary=None, canary_percent=0.0, previous=previous)


def _restored(now: TrafficState, model: Model) -> TrafficState:
    left = {digest: why for digest, why in now.withdrawn.items() if digest != model.digest}
    return replace(now, withdrawn=left)


_AFTER = {
    Kind.DEPLOYED: _deployed,
    Kind.CANARY: _canary,
    Kind.PROMOTED: _promoted,
    Kind.ROLLED_BACK: _rolled_back,
}
