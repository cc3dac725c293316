"""How a model is made of versions in the lake, with or without an orchestrator: the same files either way."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
from mlplatform.spec.families import MODEL, AnyModel

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline
    from mlplatform.spec.budget import Budget
    from mlplatform.train.around import Around
    from mlplatform.train.data import Data
    from mlplatform.train.fit import Trained
    from mlplatform.train.stream import Streamed

SCAN_FACT = "scan"  # Of a model's commit: the artifact its drift reference was counted in.
SPENT_FACT, BEST_FACT = "spent", "best"  # Of a study's commit.


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeModel:
    """A model that was made.

    Attributes:
        trained: What fitting gave.
        data: The rows it was fitted to.
        files: The files of its artifact by name.
    """

    trained: "Trained"
    data: "Data | Streamed"
    files: Mapping[str, bytes]


def made(
    pipeline: "Pipeline",
    lake: "Lake",
    read: "Mapping[str, Version]",
    near: "Around",
    scan: str,
    *,
    on_rows: Callable[[], None] = lambda: None,
) -> MadeModel:
    """Return the model of these versions; equal versions, code and surroundings give equal files.

    Args:
        pipeline: Its spec and folder.
        lake: Where the versions are; only read.
        read: Versions by noun: dataset, split, features, and study where there is one.
        near: What surrounds the training.
        scan: Digest of the artifact in which the dataset's rows are counted.
        on_rows: Called once the rows are read, before training.

    Raises:
        PlatformError: If something cannot be read, or no finite model came of it.
    """
    from mlplatform.train.distributed import led
    from mlplatform.train.export import export
    from mlplatform.train.fit import fit_data
    from mlplatform.train.load import load

    features, model = read["features"], chosen(pipeline, read.get("study"))
    encoder = encoder_of(lake, features)
    data = load(pipeline, lake, features, encoder, model)
    on_rows()
    with led(pipeline.name, features, model, near):
        trained = fit_data(pipeline, data, model, near)
    state = lake.artifacts.open(features.lineage.facts["state"])
    files = export(trained, encoder, state.read("features.stablehlo"))
    files["reference.json"] = reference(lake, pipeline, read, scan)
    return MadeModel(trained=trained, data=data, files=files)


def encoder_of(lake: "Lake", features: "Version") -> "Encoder":
    """Return the fitted features that made a version of the table."""
    from mlplatform.features.encoder import Encoder

    state = lake.artifacts.open(features.lineage.facts["state"])
    return Encoder.from_json(state.read("features.json"))


def chosen(pipeline: "Pipeline", study: "Version | None") -> AnyModel:
    """Return how to train: as the spec says, or as the study found best."""
    if study is None:
        return pipeline.spec.model
    return MODEL.validate_json(study.lineage.facts[BEST_FACT])


def left(pipeline: "Pipeline", study: "Version | None") -> "Budget":
    """Return what a training may use: the spec's budget, less what its study has used of it."""
    from mlplatform.train.budget import less

    if study is None:
        return pipeline.spec.budget
    return less(pipeline.spec.budget, json.loads(study.lineage.facts[SPENT_FACT]))


def scan_of(lake: "Lake", pipeline: "Pipeline", dataset: "Version") -> str:
    """Return the artifact in which the newest profile of a dataset version counted its rows.

    Raises:
        LakeError: If the version was never profiled.
    """
    from mlplatform.validate.record import profiles_of

    profiles = profiles_of(lake, pipeline, dataset)
    if not profiles:
        where = f"{dataset.table} {dataset.reference}"
        raise LakeError(f"{where} has no profile; materialise the dataset again")
    return profiles[0].scan


def reference(
    lake: "Lake", pipeline: "Pipeline", read: "Mapping[str, Version]", scan: str
) -> bytes:
    """Return the drift reference: histograms of the feature columns of all rows but the test's.

    The pass that profiled the dataset has counted the raw ones.
    """
    from mlplatform.evaluate.made_from import MadeFrom
    from mlplatform.monitor.reference import from_view, with_aggregates
    from mlplatform.validate.profile import TRAINING
    from mlplatform.validate.record import load_scan

    spec = pipeline.spec
    barred = {spec.label.column, spec.label.weight, *spec.unused, *spec.known_after}
    view = load_scan(lake, scan).view(TRAINING)
    raw = from_view(view, [name for name in spec.columns if name not in barred])
    return with_aggregates(raw, MadeFrom(pipeline, lake, read["features"]), read["split"])
