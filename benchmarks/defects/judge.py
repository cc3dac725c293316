"""The platform's own path from a landed file to the verdicts of its gates, with nothing left out."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from defects.plant import Defect
from defects.sets import DataSet
from mlplatform.errors import SourceError
from mlplatform.gates.data import judged, malformed_rows
from mlplatform.gates.data import overlap as overlapping
from mlplatform.gates.walk import files_landed
from mlplatform.ingest import dataset, source
from mlplatform.ingest.split import parts_of
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.spec import Pipeline
from mlplatform.validate import acceptance, reference
from mlplatform.validate.client import TfdvWorker
from mlplatform.validate.inquiry import measures_of
from mlplatform.validate.overlap import Parted, overlap
from mlplatform.validate.profile import profile
from mlplatform.verdict import Verdict

WHO = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")
LANDING = "landing"  # Stands for a gate where the file was refused as a whole.


@dataclass(frozen=True)
class Finding:
    """What was said about one batch: gates that stop the walk, each with its reason."""

    refused: dict[str, str]

    @property
    def caught(self) -> bool:
        """Whether anything stopped the batch."""
        return bool(self.refused)


class Court:
    """A lake in which one reference has landed, passed and been pinned; each batch is judged in a copy."""

    def __init__(self, data: DataSet, worker: TfdvWorker, folder: Path) -> None:
        self.data, self._worker, self._folder = data, worker, folder
        self._home = folder / "home"
        self._home.mkdir(parents=True)
        for name, table in data.files.items():
            (self._home / name).write_bytes(data.text(table))
        pipeline, lake = self._open(self._home)
        said = self._walk(pipeline, lake, source.land(pipeline, lake, WHO), data.then)
        if said.caught:
            raise SystemExit(f"{data.roles.name}: the reference is refused: {said.refused}")

    def batch(self, content: bytes, suffix: str = ".csv") -> Finding:
        """Land the bytes as one more file of a copy of the lake, and judge."""
        home = self._copy()
        pipeline, lake = self._open(home)
        (home / f"batch{suffix}").write_bytes(content)
        return self._landed(pipeline, lake, home / f"batch{suffix}")

    def planted(self, defect: Defect, rows: int, rng: np.random.Generator) -> Finding:
        """Judge what the defect makes of a batch of `rows` clean rows, or of every declared file."""
        if defect.load == "append":
            clean = self.data.drawn(rows, rng, defect.base)
            return self.batch(self._made(defect, clean, rng), defect.suffix)
        home = self._copy() if defect.load == "full" else self._empty()
        for name, table in self.data.files.items():
            (home / name).write_bytes(self._made(defect, table, rng))
        return self._landed(*self._open(home), None)

    def _made(self, defect: Defect, clean: pa.Table, rng: np.random.Generator) -> bytes:
        if defect.rows is not None:
            return self.data.text(defect.rows(clean, rng))
        return defect.data(self.data.text(clean), rng)  # type: ignore[misc]  # One of the two.

    def _open(self, home: Path) -> tuple[Pipeline, Lake]:
        return Pipeline(spec=self.data.spec, folder=home), Lake(home / "lake")

    def _copy(self) -> Path:
        scratch = self._folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(self._home, scratch)
        return scratch

    def _empty(self) -> Path:
        scratch = self._copy()
        shutil.rmtree(scratch / "lake")
        return scratch

    def _landed(self, pipeline: Pipeline, lake: Lake, file: Path | None) -> Finding:
        try:
            version = (
                source.land_file(pipeline, file, lake, WHO)
                if file
                else source.land(pipeline, lake, WHO)
            )
        except SourceError as refused:
            return Finding({LANDING: str(refused)})
        return self._walk(
            pipeline, lake, version, self.data.then if file is None else self.data.now
        )

    def _walk(self, pipeline: Pipeline, lake: Lake, landed: Version, now: datetime) -> Finding:
        """What the checks of `source`, `dataset` and `split` do; what passes is accepted."""
        spec, gates = pipeline.spec, pipeline.spec.data_gates
        seen = source.malformed(lake, pipeline, landed)
        files = {file: rows - rejected for file, (rejected, rows) in seen.by_file.items()}
        verdicts = [files_landed(landed.rows, files), malformed_rows(seen, gates.malformed_rows)]
        table = lake.table(pipeline.table("dataset"))
        rows = table.overwrite(dataset.rows(pipeline, lake, landed), WHO)
        if not rows.rows:
            return _finding(verdicts)
        profiled = profile(pipeline, self._worker, lake, rows, WHO)
        measures = measures_of(pipeline, lake, rows, profiled, landed.committed_at)
        verdicts += judged(measures, gates, now if spec.event_time else landed.committed_at)

        def parts() -> Parted:
            return ((batch, parts_of(batch, spec)) for batch in table.batches(rows))

        verdicts.append(overlapping(overlap(parts, spec), gates.overlap))
        found = _finding(verdicts)
        if not found.caught:
            acceptance.accept(lake, pipeline, profiled, WHO)
            reference.pin_first(lake, pipeline, rows, WHO)
        return found


def _finding(verdicts: list[Verdict]) -> Finding:
    return Finding({verdict.gate: verdict.because for verdict in verdicts if verdict.stops})
