"""The accepted schema: what judges every version, who accepted it, and what another would change.

A reviewed file `schema.pbtxt` in the pipeline's folder is it; else the newest row of
`<pipeline>/schema`, which the first version that passes its gates pins and only a person replaces.
Columns that the spec declares otherwise since are as the data has them: the spec is reviewed, too.
A schema tells the values of strings that have few: of the label and of columns in which no personal
data were found, but not of others.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.errors import ConcurrentWriteError, SpecError
from mlplatform.spec import Pipeline
from mlplatform.validate.proto import parse
from mlplatform.validate.schema_diff import diff
from mlplatform.validate.schema_rules import TRAINING, agrees, declared_by, tolerant
from mlplatform.validate.schema_text import as_text, from_text

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Version
    from mlplatform.validate.record import Profile

__all__ = [
    "FILE",
    "accept_schema",
    "accepted",
    "as_text",
    "diff",
    "environment_of",
    "from_text",
    "in_force",
    "pin",
    "reviewed",
    "store",
    "without_values",
]

READABLE = ("domain", "string_domain")
FILE = "schema.pbtxt"  # In the pipeline's folder, and in the artifact.
BINARY = "schema.pb"
FIRST = "the first version that passed its gates"
DECLARED = "the spec declares other columns"
PLATFORM = "mlplatform"  # Who accepts these.
SCHEMA_SCHEMA = pa.schema(
    {
        "schema": pa.string(),
        "dataset": pa.string(),
        "because": pa.string(),
        "by": pa.string(),
    }
)


def accepted(lake: "Lake", pipeline: Pipeline) -> bytes | None:
    """Return the accepted schema, serialized, or `None` before the first.

    Raises:
        SpecError: If `schema.pbtxt` holds no schema.
    """
    by_file = reviewed(pipeline)
    return by_file if by_file is not None else _newest(lake, pipeline)[1]


def in_force(lake: "Lake", pipeline: Pipeline, proposed: bytes) -> bytes:
    """Return the schema that judges data which proposes `proposed`.

    Raises:
        SpecError: If `schema.pbtxt` holds no schema.
    """
    by_file = reviewed(pipeline)
    if by_file is not None:
        return tolerant(by_file, pipeline.spec)
    _, pinned = _newest(lake, pipeline)
    return tolerant(_declared(pinned, pipeline, proposed), pipeline.spec)


def pin(lake: "Lake", pipeline: Pipeline, judged: "Profile", lineage: "Lineage") -> None:
    """Accept the schema of a version that passed: the very first, or for columns declared anew.

    Otherwise nothing changes: neither values nor presence is ever accepted silently, and what a
    person accepts meanwhile stays.
    """
    parent, pinned = _newest(lake, pipeline)
    if reviewed(pipeline) is not None or (pinned and agrees(pinned, pipeline.spec)):
        return
    proposed = lake.artifacts.open(judged.proposed_schema).read(BINARY)
    content = _declared(pinned, pipeline, proposed)
    why = _Why(judged.dataset, DECLARED if pinned else FIRST, PLATFORM)
    try:
        _write(lake, pipeline, content, why, lineage, parent)
    except ConcurrentWriteError:
        pin(lake, pipeline, judged, lineage)


def accept_schema(
    lake: "Lake",
    pipeline: Pipeline,
    proposed: "Profile | bytes",
    because: str,
    by: str,
    lineage: "Lineage",
) -> "Version":
    """Make a schema, or the one that a profiled version proposes, judge from now on.

    Accepting what is accepted changes nothing. Returns the version of `<pipeline>/schema`.

    Raises:
        SpecError: If nobody or no reason is named, `proposed` is no schema of the declared columns,
            or `schema.pbtxt` decides.
        ConcurrentWriteError: If another one was accepted meanwhile; nothing changes then.
    """
    for name, said in (("because", because), ("by", by)):
        if not said.strip():
            raise SpecError(f"accepting a schema needs {name!r}; say it in a few words")
    if reviewed(pipeline) is not None:
        raise SpecError(f"{pipeline.folder / FILE} decides; correct that file, or delete it first")
    if isinstance(proposed, bytes):
        content, dataset = proposed, ""
    else:
        content = lake.artifacts.open(proposed.proposed_schema).read(BINARY)
        dataset = proposed.dataset
    if not agrees(content, pipeline.spec):
        raise SpecError(
            "the schema has other columns or types than the spec declares; accept one of these"
        )
    latest, pinned = _newest(lake, pipeline)
    if latest is not None and pinned == content:
        return latest
    return _write(lake, pipeline, content, _Why(dataset, because, by), lineage, latest)


def reviewed(pipeline: Pipeline) -> bytes | None:
    """Return the schema in the pipeline's `schema.pbtxt`, or `None` without that file.

    Raises:
        SpecError: If the file holds no schema.
    """
    path = pipeline.folder / FILE
    try:
        return from_text(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as wrong:
        raise SpecError(f"{path}: cannot be read: {wrong}; correct or delete the file") from None


def without_values(content: bytes, columns: Collection[str]) -> bytes:
    """Return the schema without the values of these columns: any value is allowed in them then."""
    message = parse("Schema", content)
    gone = {f.domain for f in message.feature if f.name in columns and f.HasField("domain")}
    for feature in message.feature:
        if feature.name in columns and feature.WhichOneof("domain_info") in READABLE:
            feature.ClearField("domain_info")
            feature.ClearField("distribution_constraints")
    kept = [d for d in message.string_domain if d.name not in gone]
    del message.string_domain[:]
    message.string_domain.extend(kept)
    return bytes(message.SerializeToString(deterministic=True))


def environment_of(content: bytes) -> str:
    """Return the environment that dataset versions are judged in, "" if the schema names none."""
    return TRAINING if TRAINING in parse("Schema", content).default_environment else ""


def store(lake: "Lake", content: bytes) -> str:
    """Keep a serialized schema, also as a reviewer reads it, and return the artifact's digest."""
    return lake.artifacts.put({BINARY: content, FILE: as_text(content).encode()})


@dataclass(frozen=True)
class _Why:
    dataset: str
    because: str
    by: str


def _newest(lake: "Lake", pipeline: Pipeline) -> "tuple[Version | None, bytes | None]":
    """Return the newest version of `<pipeline>/schema`, and the schema that it pinned."""
    table = lake.table(pipeline.table("schema"))
    version = table.latest()
    rows = table.read(version, columns=["schema"]).to_pylist() if version else []
    return version, lake.artifacts.open(rows[-1]["schema"]).read(BINARY) if rows else None


def _declared(pinned: bytes | None, pipeline: Pipeline, proposed: bytes) -> bytes:
    return declared_by(pinned, proposed, pipeline.spec) if pinned is not None else proposed


def _write(
    lake: "Lake",
    pipeline: Pipeline,
    content: bytes,
    why: _Why,
    lineage: "Lineage",
    parent: "Version | None",
) -> "Version":
    row = {"schema": store(lake, content), **asdict(why)}
    inputs = {pipeline.table("dataset"): why.dataset} if why.dataset else {}
    after = parent.number if parent else -1
    token = f"{row['schema']}-after-{after}"
    rows = pa.Table.from_pylist([row], SCHEMA_SCHEMA)
    table = lake.table(pipeline.table("schema"))
    return table.append(rows, replace(lineage, inputs=inputs), token=token, expected=after)
