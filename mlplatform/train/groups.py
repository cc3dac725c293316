"""The groups of rows of a features version, each read by itself, in any order.

A group is what its Parquet file holds together: 262,144 rows, or as many as one commit added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlplatform.errors import FeatureError
from mlplatform.features.encoder import Encoder
from mlplatform.features.labels import LABEL, WEIGHT
from mlplatform.features.table import PART, arrays
from mlplatform.lake import Lake, Version
from mlplatform.lake.storage import explained
from mlplatform.train.task import Rows


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of one version, in written order.

    Attributes:
        filesystem: Of pyarrow, in which the files lie.
        places: File and number in it of each group.
        files: What the footer of each file says.
        encoder: That made the features.
        columns: Of the table.
    """

    filesystem: Any
    places: Sequence[tuple[str, int]]
    files: dict[str, pq.FileMetaData]
    encoder: Encoder
    columns: tuple[str, ...]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.places)

    def labels(self, at: int) -> pa.Table:
        """Return part, label and weight, where there is one, of every row of group `at`."""
        known = (PART, LABEL, WEIGHT)
        return self._read(at, [name for name in known if name in self.columns])

    def rows(self, at: int, *parts: str) -> list[Rows]:
        """Return the rows of group `at` that are of each of some parts; no others are kept."""
        features = (*self.encoder.vector_names, *self.encoder.id_names)
        known = [name for name in (LABEL, WEIGHT) if name in self.columns]
        table = self._read(at, [PART, *known, *features])
        named = table.column(PART)
        return [Rows(*arrays(table.filter(pc.equal(named, part)), self.encoder)) for part in parts]

    def _read(self, at: int, columns: list[str]) -> pa.Table:
        path, group = self.places[at]
        with explained(f"read {path}"), self.filesystem.open_input_file(path) as stream:
            file = pq.ParquetFile(
                stream, metadata=self.files[path], read_dictionary=[PART], pre_buffer=True
            )
            return file.read_row_group(group, columns=columns)


def groups_of(lake: Lake, version: Version, encoder: Encoder) -> Groups:
    """Return the groups of a features version; every file has been verified.

    Raises:
        FeatureError: If the table was built with other features.
        LakeError: If there is no such version.
        CorruptionError: If a file or the log differs from what was written.
    """
    filesystem, paths, schema = lake.table(version.table).parquet(version)
    wanted = (PART, LABEL, *encoder.vector_names, *encoder.id_names)
    lost = [name for name in wanted if name not in schema.names]
    if lost:
        raise FeatureError(f"the feature table lacks {lost[0]!r}; build it again with this encoder")
    files = {path: pq.read_metadata(path, filesystem=filesystem) for path in paths}
    places = [(path, at) for path, file in files.items() for at in range(file.num_row_groups)]
    return Groups(filesystem, places, files, encoder, tuple(schema.names))


def joined(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts, one after the other."""
    return Rows(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def every(rows: Rows, step: int, before: int) -> Rows:
    """Return each `step`-th row, counted over a part of which `before` rows came earlier."""
    return Rows(*(array[-before % step :: step] for array in rows))
