"""What every asset has in common: what decides its content, and how its version is published."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dagster as dg
import pyarrow as pa

from assets.nouns import NOUNS
from mlplatform.errors import LakeError
from mlplatform.ingest.landed import FACT  # How files were read: long, and not for people.
from mlplatform.lake import Lake, Lineage, Table, Version
from mlplatform.provenance import policy
from mlplatform.provenance.code import LOCAL, code_identity, committed, rooms_digest
from mlplatform.spec import Pipeline, spec_digest
from resources import ROOT, settings_from_environment

ARTIFACTS = frozenset({"artifact", "state", "scores", "statistics"})  # Facts that name an artifact.
NO_TABLE = -1  # What a first version expects to find: a second first run is refused.


class Later(Mapping[str, Any]):
    """What is known of rows once they have been streamed: told once, when first asked for."""

    def __init__(self, tell: Callable[[], Mapping[str, Any]]) -> None:
        self._tell = tell

    def __getitem__(self, name: str) -> Any:
        return self._told[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)

    @cached_property
    def _told(self) -> Mapping[str, Any]:
        return self._tell()


@dataclass(frozen=True)
class Made:
    """What an asset's own code returns: its rows, and what is worth showing or keeping.

    A reader is streamed into the table; `Later` tells what is known only after that. Rows that are
    `added_to` the newest version go behind its own; others replace them.
    """

    rows: pa.Table | pa.RecordBatchReader
    facts: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)
    added_to: Version | None = None


def lineage(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
    pipeline: Pipeline,
    noun: str,
    inputs: Sequence[Version],
    recipe: str = "",
    facts: Mapping[str, str] | None = None,
) -> Lineage:
    """Return who writes this commit, and from what."""
    return Lineage(
        asset=pipeline.table(noun),
        run_id=context.run.run_id,
        code_version=str(code_identity(ROOT)),
        recipe=recipe,
        inputs={version.table: version.reference for version in inputs},
        facts={} if facts is None else facts,
    )


def recipe(pipeline: Pipeline, noun: str, inputs: Sequence[Version], **more: str) -> str:
    """Return a digest of everything that decides the asset's content: equal recipe, equal content."""
    kind = NOUNS[noun]
    ingredients = {
        "inputs": {version.table: version.digest for version in inputs},
        "code": rooms_digest(kind.rooms),
        "spec": spec_digest(pipeline.spec, *kind.sections) if kind.sections else "",
        "libraries": policy.libraries(kind.libraries),
        **more,
    }
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()


def policy_in_force(pipeline: Pipeline) -> str:
    """Return a digest of the limits, and of the code that judges by them: a verdict by others is none."""
    return policy.in_force(pipeline)


def features_code(pipeline: Pipeline) -> str:
    """Return a digest of what the pipeline's features compute, whichever files say so."""
    from mlplatform.features.identity import digest
    from mlplatform.features.load import load_feature_set

    return digest(load_feature_set(pipeline))


def publish(
    context: dg.AssetExecutionContext,
    lake: Lake,
    pipeline: Pipeline,
    noun: str,
    inputs: Sequence[Version],
    make: Callable[[], Made],
    **more: str,
) -> dg.MaterializeResult[Version]:
    """Return the version with this recipe: the one the table already has, or a new one from `make`."""
    table = lake.table(pipeline.table(noun))
    wanted = recipe(pipeline, noun, inputs, **more)
    latest = table.latest()
    anew = hashlib.sha256(f"{wanted}:committed".encode()).hexdigest()
    if latest is not None and latest.lineage.recipe in (wanted, anew):
        if not stands(context, latest):
            wanted = anew  # By the same recipe equal rows would be no version of their own.
        elif _whole(context, lake, latest):
            return materialised(context, lake, latest, {}, reused=True)
    started = time.perf_counter()
    made = make()
    who = lineage(context, pipeline, noun, inputs, wanted, made.facts)
    before = latest.number if latest else NO_TABLE
    if latest is not None and made.added_to == latest:
        token = f"{wanted}:{latest.reference}"
        version = table.append(made.rows, who, token=token, expected=before)
    else:
        version = table.overwrite(made.rows, who, expected=before)
    seconds = {"seconds": round(time.perf_counter() - started, 2)}
    return materialised(context, lake, version, {**made.shown, **seconds}, reused=False)


def stands(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, version: Version
) -> bool:
    """Tell whether a version may be taken again: outside of local development one by a commit replaces others."""
    environment, code = settings_from_environment().environment, version.lineage.code_version
    if environment in LOCAL or committed(code) or not committed(str(code_identity(ROOT))):
        return True
    says = f"{version.table} {version.number} was made by uncommitted code; making it again"
    context.log.warning(says)
    return False


def _whole(context: dg.AssetExecutionContext, lake: Lake, version: Version) -> bool:
    """Tell whether the artifacts a version names are undamaged; making it again mends them."""
    facts = version.lineage.facts
    try:
        for name in ARTIFACTS & facts.keys():
            lake.artifacts.open(facts[name]).verify()
    except LakeError as damaged:
        context.log.warning("%s: %s; making it again", version.table, damaged)
        return False
    return True


def newest(table: Table) -> Version:
    """Return the newest version of a table that has one.

    Raises:
        LakeError: If it has none.
    """
    version = table.latest()
    if version is None:
        raise LakeError(f"{table.name} has no version; materialise it first")
    return version


def materialised(
    context: dg.AssetExecutionContext,
    lake: Lake,
    version: Version,
    shown: Mapping[str, Any],
    *,
    reused: bool,
) -> dg.MaterializeResult[Version]:
    """Return Dagster's record of a version, and say it in the log."""
    what = "nothing new" if reused else "written"
    says = f"{version.table}: version {version.number}, {version.rows:,} rows, {what}"
    context.log.info(says)
    return dg.MaterializeResult(
        value=version,
        data_version=dg.DataVersion(version.reference),
        tags={"delta/version": str(version.number)},
        metadata={
            "delta/version": version.number,
            "dagster/row_count": version.rows,
            "dagster/uri": lake.table(version.table).uri,
            "digest": version.digest,
            "reused": reused,
            "inputs": dg.MetadataValue.json(dict(version.lineage.inputs)),
            "written_by_run": version.lineage.run_id,
            **{
                f"fact/{name}": value
                for name, value in version.lineage.facts.items()
                if name != FACT
            },
            **shown,
        },
    )
