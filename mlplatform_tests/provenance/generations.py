"""A lake with models in it, made of real commits in milliseconds: each generation reads what the one before it left."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from mlplatform.lake import Lake, Lineage, Version
from mlplatform.registry.record import Candidate, RegisteredModel, register
from mlplatform.rollout import Event, Kind
from mlplatform.rollout.events import append
from mlplatform.spec import Pipeline, load_pipeline
from mlplatform.validate.reference import REFERENCE_SCHEMA
from mlplatform.verdict import Outcome
from mlplatform_tests.small import small_pipeline

START = datetime(2026, 1, 1, tzinfo=UTC)


class Generations:
    """A pipeline and what its walks left in the lake.

    Attributes:
        lake: The lake.
        pipeline: The small census pipeline.
        made: The versions of each generation, by noun.
        artifacts: The artifacts of each generation: state, scan, model, report.
    """

    def __init__(self, folder: Path, **changes: object) -> None:
        self.lake = Lake(folder / "lake")
        self.pipeline: Pipeline = load_pipeline(small_pipeline(folder / "pipelines", **changes))
        self.made: list[dict[str, Version]] = []
        self.artifacts: list[dict[str, str]] = []

    def write(self, noun: str, *inputs: Version, rows: int = 3, **facts: str) -> Version:
        """Overwrite a table with rows that are its own."""
        name = self.pipeline.table(noun)
        at = len(self.made)
        data = pa.table({"x": [at, *range(rows)]})
        return self.lake.table(name).overwrite(data, self.lineage(noun, *inputs, **facts))

    def lineage(self, noun: str, *inputs: Version, **facts: str) -> Lineage:
        """Who writes: the run of this generation."""
        return Lineage(
            asset=self.pipeline.table(noun),
            run_id=f"run-{len(self.made)}",
            code_version="c",
            inputs={v.table: v.reference for v in inputs},
            facts=facts,
        )

    def walk(self) -> dict[str, Version]:
        """Walk from source to verdict; return the versions by noun."""
        at, put = len(self.made), self.lake.artifacts.put
        kinds = ("state", "scan", "model", "report", "libraries")
        files = {kind: put({"training.json": f"{kind} {at}".encode()}) for kind in kinds}
        source = self.write("source")
        dataset = self.write("dataset", source)
        split = self.write("split", dataset)
        features = self.write("features", dataset, split, state=files["state"])
        facts = {"artifact": files["model"], "libraries": files["libraries"]}
        model = self.write("model", dataset, split, features, **facts)
        evaluation = self.write("evaluation", model, dataset, split, candidate=files["model"])
        facts = {"report": files["report"], "candidate": files["model"]}
        who = self.lineage("gate_verdict", evaluation, **facts)
        table = self.lake.table(self.pipeline.table("gate_verdict"))
        verdict = table.append(pa.table({"gate": [f"verdict {at}"]}), who, token=f"verdict {at}")
        profile = pa.table({"dataset_digest": [dataset.digest], "scan": [files["scan"]]})
        kept = self.lake.table(self.pipeline.table("statistics"))
        kept.append(profile, self.lineage("statistics", dataset), token=f"profile {at}")
        versions = (source, dataset, split, features, model, evaluation, verdict)
        self.made.append({v.table.rpartition("/")[2]: v for v in versions})
        self.artifacts.append(files)
        return self.made[-1]

    def register(self, at: int, when: datetime = START) -> RegisteredModel:
        """Register the model of a generation."""
        versions = self.made[at]
        candidate = Candidate(
            model_digest=self.artifacts[at]["model"],
            metrics={},
            verdict=Outcome.PASS,
            verdict_digests={},
            code_version="c",
            data_versions={v.table: v.reference for v in versions.values()},
        )
        return register(self.lake, self.pipeline.name, candidate, self.lineage("r"), when)

    def happened(self, kind: Kind, model: RegisteredModel, when: datetime) -> None:
        """Something happened to a registered model."""
        event = Event(
            kind=kind,
            model_digest=model.model_digest,
            model_version=model.model_version,
            percent=100,
            by="t",
            reason="t",
            at=when,
        )
        table = self.lake.table(self.pipeline.table("deployment"))
        append(table, event, self.lineage("deployment"), token=f"{kind}{when}")

    def promote_reference(self, at: int) -> None:
        """Make the dataset of a generation the reference."""
        dataset, files = self.made[at]["dataset"], self.artifacts[at]
        row = {
            "dataset": dataset.reference,
            "dataset_digest": dataset.digest,
            "rows": dataset.rows,
            "statistics": files["scan"],
            "scan": files["scan"],
            "because": "t",
            "by": "t",
        }
        table = self.lake.table(self.pipeline.table("reference"))
        rows = pa.Table.from_pylist([row], REFERENCE_SCHEMA)
        table.append(rows, self.lineage("reference", dataset), token=f"reference {at}")

    def days(self, count: float) -> datetime:
        """Return the time so many days from now."""
        return datetime.now(UTC) + timedelta(days=count)

    def readable(self, noun: str) -> set[int]:
        """Return the generations whose version of a table reads, from a lake opened anew."""
        fresh = Lake(self.lake.root).table(self.pipeline.table(noun))
        found = set()
        for at, versions in enumerate(self.made):
            try:
                fresh.read(versions[noun])
            except Exception:  # noqa: S112 - whatever it is, it does not read.
                continue
            found.add(at)
        return found

    def stored(self, kind: str) -> set[int]:
        """Return the generations whose artifact of a kind is there."""
        root = Path(self.lake.root, "_artifacts")
        return {at for at, files in enumerate(self.artifacts) if (root / files[kind]).exists()}
