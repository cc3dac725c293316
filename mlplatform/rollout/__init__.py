"""Which model answers which request: deployment events, their state and the split."""

from mlplatform.rollout.route import arm
from mlplatform.rollout.traffic import Event, Kind, Model, TrafficState, state, to_replace

__all__ = ["Event", "Kind", "Model", "TrafficState", "arm", "state", "to_replace"]
