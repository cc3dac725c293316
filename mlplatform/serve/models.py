"""The models that answer: loaded from verified artifacts, tried once, and replaced as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlplatform.errors import PlatformError, ServingError
from mlplatform.registry.signing import require
from mlplatform.rollout import Model, TrafficState, arm
from mlplatform.serve.decode import Row, RowDecoder
from mlplatform.serve.outputs import are_answers, names_of
from mlplatform.serve.prediction_log import RESERVED

if TYPE_CHECKING:
    import numpy as np

    from mlplatform.features import Encoder
    from mlplatform.features.predicts import Predicts
    from mlplatform.features.program import Predictor
    from mlplatform.lake import Lake


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model in memory, warmed up."""

    model: Model
    predictor: "Predictor"

    @property
    def encoder(self) -> "Encoder":
        """Its fitted features."""
        return self.predictor.encoder

    @property
    def columns(self) -> dict[str, str]:
        """Name and type of the columns it reads and of those its look-ups read: what is logged."""
        return {**self.encoder.asked, **self.encoder.columns}

    @property
    def keys(self) -> frozenset[str]:
        """Keys of the aggregates it reads."""
        return frozenset(one.key for one in self.encoder.aggregates)

    @property
    def predicts(self) -> "Predicts":
        """What it says of each row."""
        return self.predictor.predicts

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of its outputs: what it predicts, `vectors` and `ids`."""
        return names_of(self.predicts)

    def predict(self, rows: list[Row]) -> "dict[str, np.ndarray]":
        """Return by name what it predicts, `vectors` f32[rows, V] and `ids` i32[rows, M].

        Raises:
            FeatureError: Naming row and column of a value that does not fit.
        """
        made = self.predictor.everything(self.encoder.encode_rows(rows))
        return dict(zip(self.outputs, made, strict=True))


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One side of the split: a model, and how to read rows for it."""

    name: str
    loaded: LoadedModel
    decoder: RowDecoder


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Who answers, as one value: a request reads it once and so never meets two states."""

    state: TrafficState
    arms: Mapping[str, Arm]

    @property
    def champion(self) -> Arm:
        """The arm that answers by default."""
        return self.arms["champion"]

    def arm(self, key: str) -> Arm:
        """Return the arm that answers requests with this key."""
        return self.arms[arm(key, self.state)]


def traffic(state: TrafficState, loaded: Mapping[str, LoadedModel], max_rows: int) -> Traffic:
    """Return the split of `state` between the models in `loaded`, by digest."""
    live = {"champion": state.champion, "canary": state.canary}
    models = {name: loaded[model.digest] for name, model in live.items() if model is not None}
    every = {name for each in models.values() for name in each.encoder.asked}
    arms = {
        name: Arm(name=name, loaded=each, decoder=_decoder(each.encoder, every, max_rows))
        for name, each in models.items()
    }
    return Traffic(state=state, arms=arms)


def _decoder(encoder: "Encoder", every: set[str], max_rows: int) -> RowDecoder:
    """Return what reads rows for `encoder`; with aggregates a row that leaves its time out is about now."""
    optional = [encoder.event_time] if encoder.aggregates else []
    return RowDecoder(encoder.asked, every, max_rows, optional)


def load(lake: "Lake", model: Model, rows: int, verify_key: str = "") -> LoadedModel:
    """Return the model, its bytes verified, compiled for every batch up to `rows`.

    With `verify_key`, the file of a public key, it must be signed by that.

    Raises:
        ServingError: If the artifact is missing, damaged, not signed, no model, or predicts what can be no answer.
    """
    from mlplatform.features.program import Predictor

    name = f"model version {model.version} ({model.digest[:12]})"
    try:
        require(lake, model.digest, verify_key)
        loaded = LoadedModel(
            model=model, predictor=Predictor.load(lake.artifacts.open(model.digest))
        )
        loaded.predictor.warm_up(rows)
        what = loaded.predicts.name
        answer = loaded.predict([dict.fromkeys(loaded.encoder.columns)])[what].tolist()
    except PlatformError as wrong:
        raise ServingError(f"{name} cannot be loaded: {wrong}") from wrong
    except Exception as wrong:  # Whatever a broken program raises, the models in memory go on.
        first = (str(wrong).splitlines() or [""])[0]
        said = f"{type(wrong).__name__}: {first}"
        raise ServingError(f"{name} cannot be loaded: {said}") from wrong
    if clash := RESERVED & loaded.columns.keys():
        raise ServingError(f"{name} reads {sorted(clash)}, names of the prediction log; rename")
    if not are_answers(loaded.predicts, answer):
        raise ServingError(f"{name} cannot be loaded: it predicts {answer}, no {what}")
    return loaded
