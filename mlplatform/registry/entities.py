"""What a log says, in MLflow's own types. MLflow is imported by then."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

    from mlplatform.registry.plan import Plan

CONTEXT = "mlflow.data.context"  # MLflow's own name; its UI shows it beside a dataset.


def values(said: "Plan") -> "Iterator[Any]":
    """Yield every parameter, tag and metric point."""
    from mlflow.entities import Metric, Param, RunTag

    yield from (Param(name, value) for name, value in said.params.items())
    yield from (RunTag(name, value) for name, value in said.tags.items())
    yield from (Metric(name, float(value), at, step) for name, value, at, step in said.points)


def by_kind(said: list[Any]) -> dict[str, Any]:
    """Return the values as the arguments of `MlflowClient.log_batch`."""
    from mlflow.entities import Metric, Param, RunTag

    kinds = {"metrics": Metric, "params": Param, "tags": RunTag}
    return {name: [each for each in said if isinstance(each, kind)] for name, kind in kinds.items()}


def datasets(said: "Plan") -> "list[DatasetInput]":
    """Return the table versions that were read, as MLflow's dataset inputs."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=table,
                digest=reference,
                source_type="delta",
                source=json.dumps({"table": table, "version": reference.partition(":")[0]}),
            ),
            [InputTag(CONTEXT, context)],
        )
        for table, reference, context in said.inputs
    ]
