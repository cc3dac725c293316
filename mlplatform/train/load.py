"""A features version becomes what a training reads: arrays in memory, or a stream."""

import os
from pathlib import Path

import jax
import pyarrow.compute as pc

from mlplatform.errors import TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.features.table import PART
from mlplatform.ingest.split import TEST
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.families import Blend, Family, Network
from mlplatform.train.data import Data, prepare
from mlplatform.train.groups import groups_of
from mlplatform.train.stream import Streamed, row_bytes, streamed
from mlplatform.train.task import Shape, Task

# Of a memory: table, arrays and their parts stand side by side on the host for a while, and on a
# device the rows beside the network and its gradients.
SHARE = 0.2
CGROUP = Path("/sys/fs/cgroup/memory.max")


def load(
    pipeline: Pipeline, lake: Lake, features: Version, encoder: Encoder, model: Family
) -> Data | Streamed:
    """Return the training and validation rows of a features version, as `model.input` asks for.

    `auto` streams a table whose arrays would take more than `SHARE` of the host's memory, or of a
    device's. Test rows are never kept.

    Raises:
        TrainingError: If there is nothing to learn from, or trees are asked to stream.
        FeatureError: If the table was built with other features.
    """
    shape = Shape(len(encoder.vector_names), encoder.id_sizes, Task.of(pipeline.spec.label))
    if streams(model, features.rows * row_bytes(shape)):
        return streamed(pipeline, groups_of(lake, features, encoder))
    rows = lake.table(features.table).read(features, where=pc.field(PART) != TEST)
    return prepare(pipeline, rows, encoder)


def streams(model: Family, size: int) -> bool:
    """Return whether a model is trained from a stream.

    Args:
        model: As asked for. Trees read all rows at once, and so does a blend that has some.
        size: Bytes of all rows as arrays.

    Raises:
        TrainingError: If a member of a blend is to stream and another cannot.
    """
    members = list(model.members.values()) if isinstance(model, Blend) else [model]
    asked = {member.input for member in members if isinstance(member, Network)}
    if not all(isinstance(member, Network) for member in members):
        if "stream" in asked:
            raise TrainingError(
                "model: trees need all rows in memory, so nothing blended with them can stream;"
                " set input to memory, or leave the trees out"
            )
        return False
    return "stream" in asked or (asked != {"memory"} and size > SHARE * min(_memories()))


def _memories() -> list[int]:
    """Return the bytes of the host, of what a container may use of it, and of a device that has its own."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    if CGROUP.is_file() and (limit := CGROUP.read_text(encoding="ascii").strip()).isdigit():
        found.append(int(limit))
    told = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in told:
        found.append(told["bytes_limit"])
    return found
