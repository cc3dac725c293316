"""What the lake knows of features: statistics of the newest version, and the models that use them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.errors import MissingArtifactError
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version

MODELS = (
    100  # Of the newest registered models, and those that are live, the features are looked up.
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a version of the `features` table holds of a feature: rows, and figures in words."""

    version: int
    rows: int
    figures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Use:
    """A registered model that has a feature; `live` is "champion" or "canary" where it takes traffic."""

    pipeline: str
    model_version: int
    live: str = ""

    def __str__(self) -> str:
        live = f" ({self.live})" if self.live else ""
        return f"{self.pipeline} v{self.model_version}{live}"


def statistics(lake: "Lake", pipeline: Pipeline) -> dict[str, Seen]:
    """Return statistics by feature, of the newest `features`; none where nothing was materialised."""
    version = lake.table(pipeline.table("features")).latest()
    if version is None or not {"statistics", "state"} <= set(version.lineage.facts):
        return {}
    return _statistics(lake, version)


def _statistics(lake: "Lake", version: "Version") -> dict[str, Seen]:
    from mlplatform.features.encoder import Encoder
    from mlplatform.features.incremental import statistics_of
    from mlplatform.features.statistics_shown import markdown

    seen = statistics_of(lake, version)
    state = lake.artifacts.open(version.lineage.facts["state"])
    encoder = Encoder.from_json(state.read("features.json"))
    found = {}
    for one in encoder.states:
        if one.name in seen.features:
            said = markdown(one, seen.features[one.name], encoder, seen.rows).split("  \n")
            figures = tuple(line for line in said if not line.startswith("!["))
            found[one.name] = Seen(version=version.number, rows=seen.rows, figures=figures)
    return found


def uses(
    lake: "Lake", pipelines: Sequence[Pipeline], live: Mapping[str, str]
) -> dict[str, list[Use]]:
    """Return the registered models that have each feature, newest first, from their `features.json`.

    Args:
        lake: Where they are registered.
        pipelines: Those whose models count: one, and whoever shares its features file.
        live: "champion" or "canary" by the digest of the model's artifact.
    """
    found: dict[str, list[Use]] = {}
    for pipeline in pipelines:
        registered = lake.table(pipeline.table("registered_model"))
        rows = registered.read().to_pylist() if registered.exists() else []
        rows.sort(key=lambda row: -int(row["model_version"]))
        for at, row in enumerate(rows):
            digest = str(row["model_digest"])
            if at >= MODELS and digest not in live:
                continue
            use = Use(
                pipeline=pipeline.name,
                model_version=int(row["model_version"]),
                live=live.get(digest, ""),
            )
            for name in _features_of(lake, digest):
                found.setdefault(name, []).append(use)
    return found


def sharing(pipeline: Pipeline, pipelines: Sequence[Pipeline]) -> list[Pipeline]:
    """Return the other pipelines that have the same features file."""
    own = _file(pipeline)
    return [each for each in pipelines if each.name != pipeline.name and _file(each) == own]


def _file(pipeline: Pipeline) -> str:
    return str((pipeline.folder / pipeline.spec.features).resolve())


def _features_of(lake: "Lake", digest: str) -> list[str]:
    try:
        artifact = lake.artifacts.open(digest)
    except MissingArtifactError:  # Freed, as its pipeline's `retention` wants of old models.
        return []
    if "features.json" not in artifact.names:
        return []
    stored: Any = json.loads(artifact.read("features.json"))
    return [str(feature["name"]) for feature in stored["features"]]
