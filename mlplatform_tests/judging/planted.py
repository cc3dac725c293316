"""A lake with loans of which one column knows the label, all of it or most, and a model that reads it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from mlplatform.evaluate.feature_leakage import feature_leakage as measured
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import NumberInput, VocabularyInput
from mlplatform.features.state import IdState, NumericState
from mlplatform.gates import record
from mlplatform.gates.data.label import label_leakage
from mlplatform.gates.data.privacy import sensitive_data
from mlplatform.gates.features import feature_leakage
from mlplatform.judging.integrity import Said
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.measures import DataMeasured
from mlplatform.spec import Pipeline, validate
from mlplatform.validate.leakage import leaks
from mlplatform.validate.scan import Plan, scan
from mlplatform.validate.sensitive import sensitive
from mlplatform.verdict import Verdict

FLAG, POLICY, ROWS = "was_flagged_by_manual_review", "policy", 800
SPEC = {
    "name": "loans",
    "source": {"kind": "parquet", "files": ["loans.parquet"]},
    "columns": {"amount": "float64", FLAG: "string", "mail": "string", "good": "string"},
    "label": {"column": "good", "positive": "yes"},
    "data_gates": {"label_leakage": {"severity": "warn"}, "sensitive_data": {"severity": "warn"}},
    "feature_gates": {"feature_leakage": {"severity": "warn"}},
}


@dataclass(frozen=True)
class Planted:
    """Of how many rows the good ones are a share, and which shares of good and other rows are flagged."""

    good: float = 0.4
    flagged: float = 0.0
    others: float = 1.0
    rows: int = ROWS

    def table(self) -> pa.Table:
        """Amounts that say nothing, the planted flag, addresses, and the label."""
        dice = np.random.default_rng(3)
        good = dice.random(self.rows) < self.good
        flag = dice.random(self.rows) < np.where(good, self.flagged, self.others)
        return pa.table(
            {
                "amount": dice.normal(size=self.rows),
                FLAG: np.where(flag, "flagged", "no"),
                "mail": [f"person{i}@example.com" for i in range(self.rows)],
                "good": np.where(good, "yes", "no"),
            }
        )


COPY = Planted()


def featured(table: pa.Table, encoder: Encoder) -> pa.Table:
    """The feature table of these rows, all for training: numbers as they are, and an id for each text."""
    columns = {}
    for state in encoder.states:
        values = table[state.name].to_numpy()
        if isinstance(state, NumericState):
            columns[state.vectors[0]] = values.astype(np.float32)
        else:
            columns[next(iter(state.ids))] = (
                np.unique(values, return_inverse=True)[1].astype(np.int32) + 2
            )
    label = np.asarray(table["good"].to_numpy() == "yes", np.int8)
    return pa.table({"part": ["train"] * table.num_rows, "label": label, **columns})


def encoder(*columns: str) -> Encoder:
    """Features of the same names: numbers of floats, categories of texts."""
    inputs, states = [], []
    for place, name in enumerate(columns):
        if SPEC["columns"][name] == "float64":
            inputs.append(NumberInput(column=name, type="float64"))
            states.append(
                NumericState(
                    name=name, input=place, scale="none", log=False, clip=(), fill=0.0,
                    indicator=False, edges=(), mean=0.0, deviation=1.0,
                )
            )  # fmt: skip
        else:
            inputs.append(VocabularyInput(column=name, type="string", vocabulary=("a", "b")))
            states.append(IdState(name=name, input=place, size=4))
    return Encoder(inputs=tuple(inputs), states=tuple(states))


class Loans:
    """Every version from `source` to a `model` that reads `columns`; keywords replace sections of the spec."""

    def __init__(
        self, folder: Path, *columns: str, planted: Planted = COPY, **changes: object
    ) -> None:
        self.pipeline = Pipeline(
            spec=validate({**SPEC, **changes}, folder / "defs.yaml"), folder=folder
        )
        self.lake = Lake(folder / "lake")
        self.encoder = encoder(*columns)
        self.artifact = self.lake.artifacts.put({"features.json": self.encoder.to_json()})
        self.rows = table = planted.table()
        self.source = self.write("source", table)
        self.dataset = self.write("dataset", table, self.source)
        self.split = self.write("split", table.select(["amount"]), self.dataset)
        made = featured(table, self.encoder)
        read = (self.dataset, self.split)
        self.features = self.write("features", made, *read, state=self.artifact)
        inputs = (self.dataset, self.split, self.features)
        self.model = self.write(
            "model", table.select(["good"]).slice(0, 1), *inputs, artifact=self.artifact
        )

    def write(self, noun: str, data: pa.Table, *read: Version, **facts: str) -> Version:
        """Commit a table as its asset would."""
        inputs = {version.table: version.reference for version in read}
        who = Lineage(
            asset=f"loans/{noun}", run_id="run", code_version="c0ffee", inputs=inputs, facts=facts
        )
        return self.lake.table(f"loans/{noun}").overwrite(data, who)

    def verdicts(self) -> dict[str, tuple[Verdict, str]]:
        """What the gates that name columns really say of these rows, each with the digest it is about."""
        spec = self.pipeline.spec
        plan = Plan(columns=spec.columns, label="good", positive="yes")
        view = scan(self.rows.to_batches(), plan).view()
        seen = DataMeasured(
            rows=self.rows.num_rows, leaks=leaks(spec, [view]), sensitive=sensitive([view.columns])
        )
        told = measured(self.pipeline, self.lake, self.features)
        gates, dataset = spec.data_gates, self.dataset.digest
        return {
            "label_leakage": (label_leakage(seen, gates.label_leakage), dataset),
            "sensitive_data": (sensitive_data(seen, gates.sensitive_data), dataset),
            "feature_leakage": (
                feature_leakage(told, spec.feature_gates.feature_leakage),
                self.features.digest,
            ),
        }

    def said(self, *, policy: str = POLICY, **more: tuple[Verdict, str]) -> Said:
        """The gates table with these verdicts, and `more` of them."""
        listed = {**self.verdicts(), **more}
        tables = [
            record.rows(
                [verdict], subject="loans", subject_digest=digest, policy_hash=policy, run_id="run",
                decided_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            for verdict, digest in listed.values()
        ]  # fmt: skip
        return Said(pa.concat_tables(tables), POLICY)
