"""A model that was trained at any time, scored again on its own test rows beside any other."""

from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
from mlplatform.evaluate.assessment import assess
from mlplatform.evaluate.looked_up import Stored
from mlplatform.features.predicts import Predicts
from mlplatform.ingest.split import TEST, rows_of
from mlplatform.judging.candidate import Candidate, Surroundings
from mlplatform.judging.upstream import Upstream
from mlplatform.model_measures import Opponent
from mlplatform.provenance.ancestry import ancestors, number

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline


def assembled(
    lake: "Lake",
    pipeline: "Pipeline",
    digest: str,
    baseline: str,
    surroundings: Surroundings,
    *,
    any_policy: bool = False,
) -> tuple[Candidate, "pa.Table"]:
    """Return a model ready to be judged, and its metrics as `evaluate.assessment` tells them.

    Args:
        lake: With both models, and the rows the first was made from.
        pipeline: Whose.
        digest: The model's artifact.
        baseline: That of the other one; empty: none.
        surroundings: Of servers.
        any_policy: Whether gates on what it was made from count under any policy; see `Upstream.of`.

    Raises:
        LakeError: If no version of the `model` table names the artifact, or rows are gone.
        PlatformError: If the model cannot be scored. A baseline that cannot be is told by the gates.
    """
    model = version_of(lake, pipeline, digest)
    made_from = ancestors(lake, model)
    dataset, split = (_read(lake, pipeline, made_from, noun) for noun in ("dataset", "split"))
    if dataset is None or split is None:
        raise LakeError(f"{model.table} {model.reference} names no dataset and split")
    aggregates = _read(lake, pipeline, made_from, "aggregates")
    rows = rows_of(TEST, *(lake.table(each.table).read(each) for each in (dataset, split)))
    predicts = Predicts.of(pipeline.spec.label)
    models = {each: Stored(each, lake, aggregates, predicts) for each in (digest, baseline) if each}
    assessed = assess(pipeline.spec, rows, models, dispensable={baseline} - {digest})
    unscored = assessed.unscored.get(baseline, "")
    candidate = Candidate(
        pipeline=pipeline,
        lake=lake,
        digest=digest,
        model=model,
        dataset=dataset,
        split=split,
        aggregates=aggregates,
        champion=Opponent(digest=baseline, unscored=unscored) if baseline else None,
        scores=assessed.scores,
        upstream=Upstream.of(lake, pipeline, model, any_policy=any_policy),
        surroundings=surroundings,
    )
    return candidate, assessed.metrics


def version_of(lake: "Lake", pipeline: "Pipeline", digest: str) -> "Version":
    """Return the newest version of the `model` table that names an artifact.

    Raises:
        LakeError: If none does.
    """
    table = lake.table(pipeline.table("model"))
    named = [each for each in table.history() if each.lineage.facts.get("artifact") == digest]
    if not named:
        raise LakeError(f"{table.name}: no version names the model {digest[:16]}")
    return max(named, key=lambda each: each.number)


def _read(
    lake: "Lake", pipeline: "Pipeline", made_from: dict[str, str], noun: str
) -> "Version | None":
    table = pipeline.table(noun)
    at = made_from.get(table)
    return None if at is None else lake.table(table).version(number(at))
