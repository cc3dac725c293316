"""Which model answers which request: deployment events, their state and the split."""

from mlplatform.rollout.route import arm
from mlplatform.rollout.traffic import Event, Kind, Model, TrafficState, state

__all__ = ["Event", "Kind", "Model", "TrafficState", "arm", "state"]
