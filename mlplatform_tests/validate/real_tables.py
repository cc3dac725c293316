"""Real tables, dealt at random into a reference and rows to come, with what the gates say of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mlplatform.gates.data import judged
from mlplatform.measures import DataMeasured
from mlplatform.spec import PipelineSpec, load_pipeline
from mlplatform.spec import validate as validated
from mlplatform.validate.measure import measured
from mlplatform.validate.profile import plan_of
from mlplatform.validate.scan import Scan, Scanner
from mlplatform.verdict import Verdict

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"
OLD, NEW = 0, 1  # Atoms.
REFERENCE_ROWS = 20_000
FLIGHTS = {
    "time_hour": "timestamp",
    "carrier": "string",
    "tailnum": "string",
    "origin": "string",
    "dest": "string",
    "distance": "int64",
    "dep_delay": "float64",
    "sched_dep_time": "int64",
    "late": "string",
}


@dataclass(frozen=True)
class World:
    """A reference, and rows of the same world that it does not have."""

    spec: PipelineSpec
    reference: pa.Table
    pool: pa.Table
    now: datetime

    @property
    def scan(self) -> Scan:
        """Of the reference."""
        return scanned(self.spec, {OLD: self.reference})

    def batch(self, rows: int, seed: int) -> pa.Table:
        """Rows to come, none twice."""
        chosen = np.random.default_rng(seed).choice(self.pool.num_rows, rows, replace=False)
        return self.pool.take(pa.array(chosen))

    def measured(self, batch: pa.Table, reference: Scan) -> DataMeasured:
        """What is measured when the batch lands after the reference."""
        scan = scanned(self.spec, {OLD: self.reference, NEW: batch}, reference)
        return measured(
            self.spec,
            scan,
            new=[NEW],
            reference=reference,
            accepted_rows=self.reference.num_rows,
            anomalies=[],
            distances=None,
            landed_at=self.now,
        )

    def failed(self, batch: pa.Table, reference: Scan) -> dict[str, Verdict]:
        """Verdicts that the batch does not pass, by gate."""
        verdicts = judged(self.measured(batch, reference), self.spec.data_gates, self.now)
        return {verdict.gate: verdict for verdict in verdicts if not verdict.passed}

    def first(self) -> list[Verdict]:
        """Verdicts on the reference as the first version there ever was."""
        m = measured(
            self.spec,
            self.scan,
            new=[OLD],
            reference=None,
            accepted_rows=None,
            anomalies=[],
            distances=None,
            landed_at=self.now,
        )
        return judged(m, self.spec.data_gates, self.now)


def scanned(spec: PipelineSpec, atoms: Mapping[int, pa.Table], like: Scan | None = None) -> Scan:
    """Scan tables, each an atom."""
    scanner = Scanner(plan_of(spec, lambda batch: np.asarray(batch["atom"]), like))
    for atom, table in atoms.items():
        marked = table.append_column("atom", pa.array(np.full(table.num_rows, atom, np.int8)))
        for batch in marked.combine_chunks().to_batches():
            scanner.add(batch)
    return scanner.result()


@cache
def adult() -> World:
    """UCI Adult's training file, with the gates as they are when nothing is said."""
    spec = load_pipeline(PIPELINES / "census_income").spec
    kinds = {name: pa.int64() if t == "int64" else pa.string() for name, t in spec.columns.items()}
    with pa.input_stream(
        str(PIPELINES / "census_income/data/adult.data.gz"), compression="gzip"
    ) as raw:
        text = raw.read().decode().replace(", ", ",").strip().encode()
    table = pa.csv.read_csv(
        pa.py_buffer(text),
        read_options=pa.csv.ReadOptions(column_names=list(kinds)),
        convert_options=pa.csv.ConvertOptions(
            column_types=kinds, null_values=["?"], strings_can_be_null=True
        ),
    )
    said = spec.model_dump(mode="json", include={"columns", "label", "groups", "unused"})
    return _dealt(table, {**said, "source": {"kind": "csv", "files": ["adult.csv"]}})


@cache
def flights() -> World:
    """A part of the flights out of New York in 2013, and whether they arrived late."""
    table = pq.read_table(PIPELINES / "flight_delays/data/flights.parquet")
    late = pa.array(np.where(np.asarray(table["arr_delay"].fill_null(0)) > 15, "yes", "no"))
    table = table.append_column("late", late)
    table = pa.table(
        {name: table[name].cast(ARROW[kind], safe=False) for name, kind in FLIGHTS.items()}
    )
    return _dealt(
        table.take(pa.array(np.random.default_rng(0).permutation(table.num_rows)[:40_000])),
        {
            "columns": FLIGHTS,
            "event_time": "time_hour",
            "known_after": {"dep_delay": "known when the flight leaves the gate"},
            "label": {"column": "late", "positive": "yes"},
            "source": {"kind": "parquet", "files": ["flights.parquet"]},
        },
    )


ARROW = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def _dealt(table: pa.Table, attributes: Mapping[str, Any]) -> World:
    order = np.random.default_rng(1).permutation(table.num_rows)
    parts = [table.take(pa.array(o)) for o in (order[:REFERENCE_ROWS], order[REFERENCE_ROWS:])]
    spec = validated({"name": "real", **attributes}, PIPELINES)
    return World(spec, parts[0], parts[1], now=datetime(2014, 1, 2, tzinfo=UTC))
