"""What is known of a trial once it is over, in three forms: a value, Optuna's trial, and a row of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import optuna
import pyarrow as pa
from optuna.trial import FrozenTrial, TrialState

State = Literal["complete", "pruned", "failed"]
STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
NAMES = {state: name for name, state in STATES.items()}
KEPT = ("metrics", "best_epoch", "epochs", "steps", "failure")  # Optuna keeps the rest itself.


@dataclass(frozen=True, kw_only=True)
class Record:
    """A trial that is over.

    Attributes:
        number: From 0, in the order they were asked for.
        params: As they were sampled, by dotted field.
        state: How it ended.
        reports: The metric after each epoch, as the pruner saw it.
        metrics: Of validation rows, by the model of the best epoch.
        best_epoch: From 1.
        epochs: That were trained.
        steps: Updates of parameters.
        failure: Why it failed, or what cut it short.
    """

    number: int
    params: Mapping[str, Any]
    state: State
    reports: Sequence[float] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    best_epoch: int | None = None
    epochs: int = 0
    steps: int = 0
    failure: str | None = None

    def frozen(self, space: Mapping[str, Any], metric: str) -> FrozenTrial:
        """Return it as Optuna keeps it."""
        return optuna.trial.create_trial(
            state=STATES[self.state],
            value=self.metrics[metric] if self.state == "complete" else None,
            params=dict(self.params),
            distributions=dict(space),
            intermediate_values=dict(enumerate(self.reports, start=1)),
            user_attrs=self.attributes(),
        )

    def attributes(self) -> dict[str, Any]:
        """Return what Optuna does not keep itself."""
        return {name: getattr(self, name) for name in KEPT} | {"metrics": dict(self.metrics)}

    @classmethod
    def of(cls, trial: FrozenTrial) -> "Record":
        """Return what Optuna kept of a trial that is over."""
        return cls(
            number=trial.number,
            params=trial.params,
            state=NAMES[trial.state],
            reports=tuple(value for _, value in sorted(trial.intermediate_values.items())),
            **{name: trial.user_attrs[name] for name in KEPT},
        )


def schema(space: Mapping[str, Any], metrics: Sequence[str]) -> pa.Schema:
    """Return the columns of a study's table: what was searched, how it ended, and how good it was."""
    return pa.schema(
        [
            ("trial", pa.int32()),
            ("state", pa.string()),
            *((path, _type(of)) for path, of in space.items()),
            *((f"validation_{name}", pa.float64()) for name in metrics),
            ("best_epoch", pa.int32()),
            ("epochs_trained", pa.int32()),
            ("steps", pa.int64()),
            ("reports", pa.list_(pa.float64())),
            ("failure", pa.string()),
        ]
    )


def table(records: Sequence[Record], space: Mapping[str, Any], metrics: Sequence[str]) -> pa.Table:
    """Return a row for each trial, in the order they were asked for."""
    rows = [
        {
            "trial": one.number,
            "epochs_trained": one.epochs,
            **vars(one),
            **{path: _cell(space[path], value) for path, value in one.params.items()},
            **{f"validation_{name}": value for name, value in one.metrics.items()},
        }
        for one in sorted(records, key=lambda one: one.number)
    ]
    return pa.Table.from_pylist(rows, schema=schema(space, metrics))


def records(rows: pa.Table, space: Mapping[str, Any]) -> list[Record]:
    """Return the trials that a study's table tells of."""
    metrics = [name for name in rows.column_names if name.startswith("validation_")]
    return [
        Record(
            number=row["trial"],
            params={path: _param(of, row[path]) for path, of in space.items()},
            metrics={n.removeprefix("validation_"): row[n] for n in metrics if row[n] is not None},
            epochs=row["epochs_trained"],
            **{name: row[name] for name in ("state", "best_epoch", "steps", "failure")},
            reports=tuple(row["reports"]),
        )
        for row in rows.to_pylist()
    ]


def _type(of: Any) -> pa.DataType:
    """Return a column's type: choices are told as text, since they may be of several kinds."""
    if isinstance(of, optuna.distributions.CategoricalDistribution):
        return pa.string()
    return pa.int64() if isinstance(of, optuna.distributions.IntDistribution) else pa.float64()


def _cell(of: Any, param: Any) -> Any:
    return str(param) if isinstance(of, optuna.distributions.CategoricalDistribution) else param


def _param(of: Any, cell: Any) -> Any:
    if isinstance(of, optuna.distributions.CategoricalDistribution):
        return next(choice for choice in of.choices if str(choice) == cell)
    return cell
