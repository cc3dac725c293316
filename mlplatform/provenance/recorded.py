"""All that is on record of how a registered model was made, read and checked before anything is done with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.errors import CorruptionError, LakeError, MissingArtifactError, ReproductionError
from mlplatform.provenance import environment, pipeline_code, surroundings, surroundings_read
from mlplatform.provenance.ancestry import number
from mlplatform.provenance.checkout import commit_of
from mlplatform.provenance.committed import code_of
from mlplatform.provenance.making import SCAN_FACT

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.lake.artifacts import Artifact
    from mlplatform.registry.find import Found

TRAINING, STATE_FACT = "training.json", "state"
READ = ("dataset", "split", "features")  # By every model.


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One registered model and what it was made from, all of it there and undamaged.

    Attributes:
        pipeline: Its name.
        model_version: Of the registry.
        model: Version of `<pipeline>/model`.
        artifact: The model's files.
        commit: Of the code.
        code: The team's part of it.
        around: The surroundings, as `surroundings.seen` told them.
        autotune: What XLA found by timing a GPU's kernels; None on a CPU.
        libraries: Lines of `environment.installed`.
        read: Versions by noun: dataset, split, features, study.
        scan: Artifact that counted the dataset's rows.
        training: What the artifact says of its training.
        made_by: Code of every version behind it, by table and `Version.reference`, as `committed.code_of` tells it.
    """

    pipeline: str
    model_version: int
    model: "Version"
    artifact: "Artifact"
    commit: str
    code: "Artifact"
    around: Mapping[str, Any]
    autotune: bytes | None
    libraries: tuple[str, ...]
    read: "Mapping[str, Version]"
    scan: str
    training: Mapping[str, Any]
    made_by: Mapping[str, str]

    @property
    def platform(self) -> str:
        """What trained it, in JAX's word: cpu or gpu."""
        return str(self.training.get("reproducibility", {}).get("platform", "cpu"))

    @property
    def devices(self) -> int:
        """How many devices shared each batch."""
        return int(self.training.get("reproducibility", {}).get("devices", 1))

    @property
    def hardware_class(self) -> str:
        """What it was trained on."""
        return str(self.around.get("hardware", {}).get("class", ""))


def recorded(lake: "Lake", found: "Found") -> Recorded:
    """Return what is on record of a model, after every byte of it and of its data was read.

    Raises:
        ReproductionError: Naming what is not on record, not there any more, or damaged.
    """
    facts, model = found.model.lineage.facts, found.model
    name = f"{found.pipeline} version {found.record.model_version}"
    itself = f"{model.table} {model.reference}"
    with _about(name):
        artifact = _whole(lake, found.record.model_digest, "the model's artifact")
        _require_trained(facts)
        commit = commit_of(model.lineage.code_version)
        around = _whole(lake, _fact(facts, surroundings.FACT), "the surroundings")
        told = surroundings_read.read(_file(around, surroundings.FILE))
        listed = _whole(lake, _fact(facts, environment.LIST_FACT), "the list of libraries")
        read = _read(lake, found)
        return Recorded(
            pipeline=found.pipeline,
            model_version=found.record.model_version,
            model=model,
            artifact=artifact,
            commit=commit,
            code=_whole(lake, _fact(facts, pipeline_code.FACT), "the pipeline's code"),
            around=told,
            autotune=_file(around, told["autotune"]) if told["autotune"] else None,
            libraries=tuple(_file(listed, environment.FILE).decode(errors="replace").splitlines()),
            read=read,
            scan=_whole(lake, _fact(facts, SCAN_FACT), "the counts of the dataset").digest,
            training=surroundings_read.training(_file(artifact, TRAINING), TRAINING),
            made_by={of: code for of, code in code_of(lake, model).items() if of != itself},
        )


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Say which model it is that cannot be made again."""
    try:
        yield
    except ReproductionError as wrong:
        raise ReproductionError(f"{name} cannot be made again: {wrong}") from None


def _fact(facts: Mapping[str, str], fact: str) -> str:
    value = facts.get(fact)
    if not value:
        raise ReproductionError(
            f"there is no record of its {fact.replace('_', ' ')}: it is older than that; train again"
        )
    return value


def _require_trained(facts: Mapping[str, str]) -> None:
    from mlplatform.registry.recertify import FROM_FACT

    if before := facts.get(FROM_FACT):
        raise ReproductionError(
            f"no training made it: its program was exported anew from model {before[:16]}; make that one again"
        )


def _whole(lake: "Lake", digest: str, what: str) -> "Artifact":
    """Return an artifact whose every byte was read."""
    try:
        artifact = lake.artifacts.open(digest)
        artifact.verify()
    except MissingArtifactError as gone:
        raise ReproductionError(f"{what} is gone: {gone}") from None
    except CorruptionError as damaged:
        raise ReproductionError(f"{what} is damaged: {damaged}") from None
    return artifact


def _file(artifact: "Artifact", name: str) -> bytes:
    try:
        return artifact.read(name)
    except LakeError as wrong:
        raise ReproductionError(str(wrong)) from None


def _read(lake: "Lake", found: "Found") -> "dict[str, Version]":
    """Return the versions that the model read, every file of them checked, and what their commits name."""
    read = {}
    for table, reference in found.model.lineage.inputs.items():
        version = _version(lake, table, reference)
        read[table.removeprefix(f"{found.pipeline}/")] = version
    for noun in READ:
        if noun not in read:
            raise ReproductionError(f"its commit names no version of {found.pipeline}/{noun}")
    _whole(lake, _fact(read["features"].lineage.facts, STATE_FACT), "the state of the features")
    return read


def _version(lake: "Lake", table: str, reference: str) -> "Version":
    try:
        version = lake.table(table).version(number(reference))
        if version.reference != reference:
            raise ReproductionError(
                f"{table} {reference} is gone: version {version.number} is {version.reference} now;"
                " the table was made anew"
            )
        lake.table(table).parquet(version)  # Reads and checks every file of it.
    except LakeError as wrong:
        raise ReproductionError(f"{table} {reference} cannot be read: {wrong}") from None
    return version
