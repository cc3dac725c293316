"""A registered model by its version or digest: its row, and the version of `<pipeline>/model` that holds it.

Quick in a table of 10,000 versions that was never compacted, and where entries of other models are damaged.
`rollout.find` takes what is live, too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.errors import CorruptionError, LakeError, RegistryError
from mlplatform.lake.commit import COMPACT
from mlplatform.registry.record import FACT, TABLE, RegisteredModel, from_row

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.lake.commit import Commit
    from mlplatform.lake.peek import Peek


@dataclass(frozen=True)
class Found:
    """A registered model: its pipeline, its row, and the version of `<pipeline>/model` it came from."""

    pipeline: str
    record: RegisteredModel
    model: "Version"


def known_pipelines(lake: "Lake") -> list[str]:
    """Return the pipelines that registered a model in this lake, sorted."""
    return [name for name in lake.folders() if lake.peek(f"{name}/{TABLE}").newest() >= 0]


def by_version(lake: "Lake", pipeline: str, version: int) -> RegisteredModel:
    """Return the row of a model version, with about 14 log entries read of 10,000.

    Row k came with the first commit that left k rows; rows are only ever added, also by a compaction.

    Raises:
        RegistryError: If there is no such version.
    """
    table = lake.peek(f"{pipeline}/{TABLE}")
    last = table.newest()
    held = _held(table, last)
    if not 1 <= version <= held:
        raise RegistryError(f"{pipeline} has no model version {version}; {_range(held)}")
    number = _first_with(table, version, last)
    return _row(lake, table, number, version)


def registration(lake: "Lake", pipeline: str, version: int) -> "Version":
    """Return the version of the table that added the row of a model version there is."""
    table = lake.peek(f"{pipeline}/{TABLE}")
    return table.commit(_first_with(table, version, table.newest())).version


def model_version(lake: "Lake", pipeline: str, record: RegisteredModel) -> "Version":
    """Return the version of `<pipeline>/model` that holds the artifact of a registered model.

    Raises:
        CorruptionError: If what is there is another model, or another version than was registered.
    """
    name = f"{pipeline}/model"
    reference = record.data_versions.get(name)
    if reference is None:
        raise CorruptionError(
            f"{pipeline}/{TABLE} {record.model_version} names no version of {name}; restore its row"
        )
    version = lake.peek(name).commit(int(reference.partition(":")[0])).version
    artifact = version.lineage.facts.get("artifact")
    if (version.reference, artifact) != (reference, record.model_digest):
        raise CorruptionError(
            f"{pipeline} version {record.model_version} was made from {name} {reference} with artifact "
            f"{record.model_digest[:16]}, but the lake holds {version.reference} with {str(artifact)[:16]}; "
            "it was made anew since"
        )
    return version


def newest(lake: "Lake", pipeline: str) -> RegisteredModel:
    """Return the row of the model registered last; `RegistryError` when there is none."""
    held = _held(table := lake.peek(f"{pipeline}/{TABLE}"), table.newest())
    if not held:
        raise RegistryError(f"{pipeline}: nothing is registered; materialise {pipeline}/{TABLE}")
    return by_version(lake, pipeline, held)


def by_digest(lake: "Lake", pipelines: Iterable[str], begin: str) -> Found:
    """Return the one registered model whose digest begins so, in any of the pipelines.

    Raises:
        RegistryError: If there is none, or several; it names them.
        CorruptionError: If there is none, but not all could be read.
    """
    damage: list[LakeError] = []
    found = [
        (name, record) for name in pipelines for record in _beginning(lake, name, begin, damage)
    ]
    if not found and damage:
        raise damage[0]
    if not found:
        raise RegistryError(f"no registered model has a digest that begins {begin!r}")
    if len(found) > 1:
        some = ", ".join(f"{n}@{r.model_version} {r.model_digest[:16]}" for n, r in found[:5])
        raise RegistryError(f"{len(found)} models have a digest that begins {begin!r}: {some}")
    name, record = found[0]
    return Found(name, record, model_version(lake, name, record))


def _beginning(
    lake: "Lake", pipeline: str, begin: str, damage: list[LakeError]
) -> list[RegisteredModel]:
    """Return the registered models of a pipeline whose digest begins so; what cannot be read goes to `damage`."""
    table = lake.peek(f"{pipeline}/{TABLE}")
    rows: list[dict[str, Any]] = []
    try:
        for number in table.naming([FACT], begin):
            rows += _listed(table, number, damage)
    except LakeError as wrong:
        damage.append(wrong)
    return [from_row(row) for row in rows if row["model_digest"].startswith(begin)]


def _listed(table: "Peek", number: int, damage: list[LakeError]) -> list[dict[str, Any]]:
    try:
        return table.listed(number)
    except LakeError as wrong:
        damage.append(wrong)
        return []


def _first_with(table: "Peek", rows: int, newest: int) -> int:
    """Return the number of the first commit that left so many rows; the likely one is tried first."""
    likely = rows - 1
    if likely <= newest and _added(table.commit(likely), rows):
        return likely
    low, high = 0, newest
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _held(table, middle) >= rows else (middle + 1, high)
    return low


def _added(commit: "Commit", row: int) -> bool:
    """Whether a commit itself added the row at this place, from 1."""
    held, count = commit.version.rows, sum(file.rows for file in commit.files)
    return commit.kind != COMPACT and held - count < row <= held


def _held(table: "Peek", number: int) -> int:
    return table.commit(number).version.rows if number >= 0 else 0


def _row(lake: "Lake", table: "Peek", number: int, version: int) -> RegisteredModel:
    """Return one row: from the commit that added it, else (its file was freed, say) from the newest version."""
    try:
        rows = table.listed(number)
    except LakeError:
        rows = lake.table(table.name).read().to_pylist()
    mine = [row for row in rows if row["model_version"] == version]
    if len(mine) != 1:
        raise CorruptionError(
            f"{table.name} holds {len(mine)} rows of model version {version}; restore it"
        )
    return from_row(mine[0])


def _range(held: int) -> str:
    return f"there are 1 to {held}" if held else "nothing is registered yet"
