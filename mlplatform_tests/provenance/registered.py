"""Registered models that nobody trained, in a lake with everything theirs would have: versions, artifacts, events.

Every commit is real; what is in the artifacts is made up. `Writer` says how a commit is written, so that a benchmark
can write ten thousand of them without waiting for a disk.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pyarrow as pa

from mlplatform.gates import record
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.provenance import environment, pipeline_code, surroundings
from mlplatform.registry import record as registry
from mlplatform.rollout import events
from mlplatform.rollout.traffic import Event, Kind, Model, TrafficState, after
from mlplatform.verdict import Outcome, Severity, Verdict

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMIT = "ab12" * 10
RUN = "8f77537a-0aac-42bd-a693-51678cca58bf"
ROWS = 5  # Each landing brings so many.
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202eevil"


class Writer(Protocol):
    """How commits and artifacts are written."""

    def append(self, table: str, rows: pa.Table, lineage: Lineage, token: str) -> Version:
        """Add rows."""

    def overwrite(self, table: str, rows: pa.Table, lineage: Lineage) -> Version:
        """Replace rows."""

    def put(self, files: Mapping[str, bytes]) -> str:
        """Store an artifact."""


@dataclass(frozen=True)
class Durable:
    """Writes as the platform does."""

    lake: Lake

    def append(self, table: str, rows: pa.Table, lineage: Lineage, token: str) -> Version:
        """Add rows."""
        version: Version = self.lake.table(table).append(rows, lineage, token=token)
        return version

    def overwrite(self, table: str, rows: pa.Table, lineage: Lineage) -> Version:
        """Replace rows."""
        version: Version = self.lake.table(table).overwrite(rows, lineage)
        return version

    def put(self, files: Mapping[str, bytes]) -> str:
        """Store an artifact."""
        digest: str = self.lake.artifacts.put(files)
        return digest


@dataclass
class Registered:
    """A pipeline whose models are registered one after the other.

    Attributes:
        writer: How commits are written.
        name: Of the pipeline.
        commit: The code of the models to come.
        dirty: Whether files differed from it.
        facts: More facts of the models to come; `None` leaves out those that are new.
        learning_rate: Of the models to come.
        libraries: Installed for the models to come.
        features: Content of the team's `features.py`.
    """

    writer: Writer
    name: str = "census"
    commit: str = COMMIT
    dirty: bool = False
    facts: Mapping[str, str] | None = field(default_factory=dict)
    learning_rate: float = 0.1
    libraries: Sequence[str] = ("jax==0.10.2", "numpy==2.4.6")
    features: str = "features = []\n"
    made: int = 0
    landed: int = 0
    live: TrafficState = field(default_factory=TrafficState)
    happened: int = 0
    data: dict[str, Version] = field(default_factory=dict)

    def lineage(self, noun: str, *nouns: str, facts: Mapping[str, str] | None = None) -> Lineage:
        """Return who writes an asset, from the newest versions of others."""
        inputs = {self.data[each].table: self.data[each].reference for each in nouns}
        return Lineage(
            asset=f"{self.name}/{noun}",
            run_id=RUN,
            code_version=self.commit + ("-dirty" if self.dirty else ""),
            inputs=inputs,
            facts=facts or {},
        )

    def land(self, file: str = "") -> None:
        """Let a file land, and make dataset, split and features of it."""
        self.landed += 1
        name = file or f"batch-{self.landed}.csv"
        says = {
            "generation": 0,
            "reading": "r",
            "files": [{"name": name, "sha256": "cd" * 32, "rows": ROWS}],
        }
        rows = pa.table({"age": list(range(ROWS))})
        who = self.lineage("source", facts={"landing": json.dumps(says)})
        token = f"landing:{self.landed}"
        self.data["source"] = self.writer.append(f"{self.name}/source", rows, who, token)
        ids = pa.array(range(self.landed * ROWS), pa.int64())
        for noun, read in (
            ("dataset", ["source"]),
            ("split", ["dataset"]),
            ("features", ["dataset", "split"]),
        ):
            rows = pa.table({"row_id": ids, noun: ids})
            who = self.lineage(noun, *read)
            self.data[noun] = self.writer.overwrite(f"{self.name}/{noun}", rows, who)

    def model(self, overrides: Sequence[Mapping[str, str]] = (), *, auc: float = 0.9) -> Model:
        """Register one more model of the newest data."""
        self.made += 1
        digest = self.writer.put(self._artifact())
        how = {"learning_rate": self.learning_rate, "seed": self.made}
        row = pa.table({"model_digest": [digest], "hyperparameters": [json.dumps(how)]})
        who = self.lineage("model", "dataset", "split", "features", facts=self._facts(digest))
        self.data["model"] = self.writer.overwrite(f"{self.name}/model", row, who)
        metric = pa.table({"model": [digest], "metric": ["auc"], "observed": [auc]})
        who = self.lineage("evaluation", "model", "dataset", "split", facts={"candidate": digest})
        self.data["evaluation"] = self.writer.overwrite(f"{self.name}/evaluation", metric, who)
        self._judge(digest, overrides, auc)
        return self._register(digest, overrides, auc)

    def event(self, kind: Kind, model: Model, *, by: str = "ada", reason: str = "better") -> None:
        """Record a deployment event, as `rollout.events.commit` does."""
        self.happened += 1
        percent = {Kind.CANARY: 10.0, Kind.ROLLED_BACK: 0.0}.get(kind, 100.0)
        at = BEGAN + timedelta(hours=self.happened)
        event = Event(
            kind=kind, model_digest=model.digest, model_version=model.version,
            percent=percent, by=by, reason=reason, at=at,
        )  # fmt: skip
        self.live = after(self.live, event)
        facts = events._live(event, self.live)
        row = pa.Table.from_pylist([{**vars(event), "kind": kind.value}], schema=events.schema())
        who = self.lineage("deployment", facts=facts)
        self.writer.append(f"{self.name}/deployment", row, who, f"event:{self.happened}")

    def _artifact(self) -> dict[str, bytes]:
        training = {
            "best_epoch": 3,
            "label": {"column": "income", "positive": "yes"},
            "reproducibility": {
                "seed": self.made,
                "device_kind": "cpu",
                "devices": 1,
                "bit_for_bit": True,
            },
        }
        return {
            "training.json": json.dumps(training).encode(),
            "params.safetensors": b"%d" % self.made,
        }

    def _facts(self, digest: str) -> dict[str, str]:
        known = {"artifact": digest, "spent": json.dumps({"wall_seconds": 1.5, "steps": 10})}
        if self.facts is None:
            return known
        around = {
            "python": "3.11.7", "system": "Linux", "libc": "glibc2.36", "versions": {"jax": "0.10.2"},
            "lock": {"file": "requirements/all.lock", "sha256": "ef" * 32}, "cuda": None, "driver": None,
            "hardware": {"class": "x86_64, two cores", "cores": 2, "memory_bytes": 8 << 30, "gpus": []},
            "xla_flags": [], "autotune": None,
        }  # fmt: skip
        code = {"spec.json": json.dumps({"name": self.name, "model": {"learning_rate": self.learning_rate}}),
                "features.py": self.features}  # fmt: skip
        trigger = {"kind": "drift", "because": "age moved", "evidence": "psi 0.31"}
        lines = list(self.libraries)
        return {
            **known,
            environment.FACT: environment.digest(lines),
            environment.LIST_FACT: self.writer.put({environment.FILE: environment.text(lines)}),
            surroundings.FACT: self.writer.put({surroundings.FILE: surroundings.to_bytes(around)}),
            pipeline_code.FACT: self.writer.put({n: text.encode() for n, text in code.items()}),
            "trigger": json.dumps(trigger),
            "launched_by": "sensor retrain_on_drift",
            "job": "census_walk",
            **self.facts,
        }

    def _judge(self, digest: str, overrides: Sequence[Mapping[str, str]], auc: float) -> None:
        gates = [
            {"gate": "performance", "outcome": "pass", "severity": "block", "inconclusive": "hold", "observed": auc,
             "limit": 0.8, "baseline": None, "interval": [auc - 0.01, auc + 0.01], "because": f"auc {auc}"},
            *({"gate": o["gate"], "outcome": o["outcome"], "severity": "block", "observed": 1.0, "limit": 0.0,
               "because": "too far"} for o in overrides),
        ]  # fmt: skip
        report = {
            "description": f"Made up for {self.name}", "owners": ["team:ml"], "gates": gates,
            "metrics": [{"metric": "auc", "observed": auc, "lower": auc - 0.01, "upper": auc + 0.01, "champion": None}],
        }  # fmt: skip
        said = {g["gate"]: {"outcome": g["outcome"], "because": g["because"]} for g in gates}
        verdict = Verdict(
            gate="overall", outcome=Outcome.PASS, severity=Severity.BLOCK, observed=1.0, limit=1.0,
            because="1 of 1 required gates passed", evidence={"gates": said, "overrides": list(overrides)},
        )  # fmt: skip
        subject = self.data["evaluation"]
        row = record.rows(
            [verdict], subject=subject.table, subject_digest=subject.digest, model_digest=digest,
            baseline_digest="", policy_hash="cafe" * 16, run_id=RUN, decided_at=BEGAN,
        )  # fmt: skip
        facts = {
            "report": self.writer.put({"report.json": json.dumps(report).encode()}),
            "candidate": digest,
        }
        who = self.lineage("gate_verdict", "evaluation", facts=facts)
        token = f"verdict:{self.made}"
        self.data["gate_verdict"] = self.writer.append(f"{self.name}/gate_verdict", row, who, token)

    def _register(self, digest: str, overrides: Sequence[Mapping[str, str]], auc: float) -> Model:
        nouns = ("source", "dataset", "split", "features", "model", "evaluation", "gate_verdict")
        candidate = registry.Candidate(
            model_digest=digest,
            metrics={"auc": auc},
            verdict=Outcome.PASS,
            verdict_digests={"policy": "cafe" * 16},
            code_version=self.commit,
            data_versions={self.data[n].table: self.data[n].reference for n in nouns},
            overrides=overrides,
        )
        row = registry._row(candidate, self.made, BEGAN + timedelta(hours=self.made))
        who = self.lineage(
            "registered_model", "model", "evaluation", "gate_verdict", facts={registry.FACT: digest}
        )
        token = f"model_version:{self.made}"
        self.writer.append(f"{self.name}/{registry.TABLE}", row, who, token)
        return Model(version=self.made, digest=digest)


def told(row: Mapping[str, Any], name: str) -> Any:
    """Return a value deep in JSON by its dotted path."""
    value: Any = row
    for step in name.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value
