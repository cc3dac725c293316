"""What is trained where the device's memory does not hold a batch: half of it."""

from jax.sharding import Mesh

from mlplatform.errors import TrainingError
from mlplatform.train import mesh

NO_MEMORY = "RESOURCE_EXHAUSTED"  # How XLA says so.


def halved(name: str, batch: int, rows: int, shared: Mesh | None = None) -> tuple[int, str]:
    """Return the batch to try after one that was too large, and what is to be noted.

    Args:
        name: Whose model it is, for messages.
        batch: Rows that did not fit.
        rows: Of training.
        shared: The devices that have an equal part each.

    Raises:
        TrainingError: If there is no smaller one.
    """
    if batch <= mesh.size(shared):
        raise TrainingError(
            f"{name}: not even one row a batch fits into a device's memory;"
            " make the model smaller, or set model.input to stream"
        )
    half = mesh.even(batch // 2, rows, shared)
    return half, f"{batch} rows a batch did not fit into memory: trained with {half}"
