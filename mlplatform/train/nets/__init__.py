"""The networks: hashable shapes, and pure functions of parameters and features."""

from mlplatform.train.nets.make import network
from mlplatform.train.nets.net import Initial, Net, Noise, Params

__all__ = ["Initial", "Net", "Noise", "Params", "network"]
