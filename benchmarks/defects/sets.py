"""The two data sets: a reference that has landed, and clean rows to come, alike by construction.

The rows of Adult's training file, and the flights of 2013, are dealt at random into reference and
pool, so that whatever a gate says about a clean batch of the pool is a false alarm. Flights of the
pool move 53 weeks on: a batch comes after what has landed.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from defects.files import text_of
from defects.plant import Rng, Roles, as_text
from mlplatform.spec import PipelineSpec, load_pipeline
from mlplatform.spec import validate as validated

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"
LANDED = "reference.csv"
TEST = "test.csv"
YEAR = timedelta(weeks=53)  # Weekdays stay, and no flight of the pool meets one that landed.
FLIGHTS = 60_000  # Of 327,346 in the reference: about as many rows as Adult has.

ADULT = Roles(
    name="adult", label="income", positive=">50K", negative="<=50K", number="age", second="hours_per_week",
    related="education_num", category="sex", other_category="race", wide="occupation", text="native_country",
    group="Female", header=False,
)  # fmt: skip
FLIGHT = Roles(
    name="flights", label="late", positive="yes", negative="no", number="distance", second="departs",
    related="airport_delay", category="origin", other_category="carrier", wide="dest", text="tailnum",
    group="JFK", real="airport_delay", time="time_hour", key=("time_hour", "carrier", "flight"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What has landed, what may come, and how the gates are to read it."""

    roles: Roles
    spec: PipelineSpec
    files: Mapping[str, pa.Table]  # Declared ones, by name.
    pool: pa.Table
    then: datetime  # When the reference landed.
    now: datetime
    missing: str

    def drawn(self, rows: int, rng: Rng, base: str = "new") -> pa.Table:
        """Rows without replacement: a row that stands twice would be a defect."""
        if base == "half":
            return pa.concat_tables(
                [self.drawn(rows // 2, rng), self.drawn(rows // 2, rng, "landed")]
            )
        table = {"new": self.pool, "landed": self.files[LANDED], "test": self.files.get(TEST)}[base]
        return table.take(pa.array(rng.choice(table.num_rows, rows, replace=False)))

    def text(self, table: pa.Table) -> bytes:
        """The rows as a CSV file of this data set."""
        columns = [
            [self.missing if v is None else as_text(v) for v in c.to_pylist()]
            for c in table.columns
        ]
        header = table.column_names if self.roles.header else None
        return text_of([list(row) for row in zip(*columns, strict=True)], header)


def adult(rng: Rng) -> DataSet:
    """70 % of the training file and the whole test file have landed; the others may come."""
    spec = load_pipeline(PIPELINES / "census_income").spec
    whole, test = (_census(name, spec) for name in ("adult.data.gz", "adult.test.gz"))
    landed, pool = _dealt(whole, int(0.7 * whole.num_rows), rng)
    source = {"kind": "csv", "files": [LANDED, TEST], "header": False, "missing": ["?"]}
    return DataSet(
        roles=ADULT,
        spec=_defaults(spec, source, split={"test_files": [TEST]}),
        files={LANDED: landed, TEST: test},
        pool=pool,
        then=datetime.now(UTC),
        now=datetime.now(UTC),
        missing="?",
    )


def flights(rng: Rng) -> DataSet:
    """60,000 flights of a year have landed; others may come a year later."""
    pipeline = load_pipeline(PIPELINES / "flight_delays")
    spec = importlib.util.spec_from_file_location("flights_source", pipeline.folder / "source.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # The file is there.
    spec.loader.exec_module(module)  # type: ignore[union-attr]  # The file is there.
    landed, rest = _dealt(module.flights(), FLIGHTS, rng)
    pool = rest.take(pa.array(rng.choice(rest.num_rows, FLIGHTS, replace=False)))
    for name in ("time_hour", "departed"):
        pool = pool.set_column(
            pool.column_names.index(name), name, pc.add(pool[name], pa.scalar(YEAR))
        )
    source = {"kind": "csv", "files": [LANDED]}
    return DataSet(
        roles=FLIGHT,
        spec=_defaults(pipeline.spec, source, split={"test": 0.2}),
        files={LANDED: landed},
        pool=pool,
        then=datetime(2014, 1, 5, tzinfo=UTC),
        now=datetime(2015, 1, 12, tzinfo=UTC),
        missing="",
    )


def _dealt(table: pa.Table, rows: int, rng: Rng) -> tuple[pa.Table, pa.Table]:
    order = rng.permutation(table.num_rows)
    return table.take(pa.array(np.sort(order[:rows]))), table.take(pa.array(order[rows:]))


def _defaults(spec: PipelineSpec, source: dict[str, Any], split: dict[str, Any]) -> PipelineSpec:
    """What the pipeline says of its columns, with the gates as they are when nothing is said."""
    said = spec.model_dump(mode="json", include={
        "columns", "key", "event_time", "label", "groups", "unused", "known_after",
    })  # fmt: skip
    attributes = {**said, "name": "planted", "source": source, "split": split}
    return validated(attributes, PIPELINES)


def _census(name: str, spec: PipelineSpec) -> pa.Table:
    kinds = {c: pa.int64() if kind == "int64" else pa.string() for c, kind in spec.columns.items()}
    with pa.input_stream(
        str(PIPELINES / "census_income" / "data" / name), compression="gzip"
    ) as raw:
        text = raw.read().decode().replace(", ", ",").replace("K.\n", "K\n")
    lines = [line for line in text.splitlines(keepends=True) if line.strip() and line[0] != "|"]
    return pa.csv.read_csv(
        pa.py_buffer("".join(lines).encode()),
        read_options=pa.csv.ReadOptions(column_names=list(kinds)),
        convert_options=pa.csv.ConvertOptions(
            column_types=kinds, null_values=["?"], strings_can_be_null=True
        ),
    )
