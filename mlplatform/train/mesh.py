"""The devices that share each batch: rows and state lie on all of them, batches are dealt out.

Gradients are summed over the devices, which adds in another order than one device does: the result
is the same up to rounding. Devices of several processes are one mesh.
"""

from typing import TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mlplatform.errors import TrainingError
from mlplatform.train import together
from mlplatform.train.task import Rows
from mlplatform.train.trainer import AXIS

Tree = TypeVar("Tree")


def mesh_of(devices: int | None) -> Mesh | None:
    """Return the mesh of a training; None is one device.

    Args:
        devices: How many share each batch. None is every GPU there is, and of a CPU, whose cores
            share one device's work already, one. With several processes it is all devices of all.

    Raises:
        TrainingError: If there are not as many.
    """
    there = jax.devices() if together.count() > 1 else jax.local_devices()
    if together.count() > 1:
        wanted = len(there)
    elif devices is None:
        wanted = len(there) if there[0].platform == "gpu" else 1
    else:
        wanted = devices
    if not 1 <= wanted <= len(there):
        kind = there[0].platform
        raise TrainingError(f"{wanted} devices are asked for; of {kind} there are {len(there)}")
    return Mesh(np.array(there[:wanted]), (AXIS,)) if wanted > 1 else None


def size(mesh: Mesh | None) -> int:
    """Return how many devices train."""
    return 1 if mesh is None else int(mesh.size)


def even(batch_size: int, rows: int, mesh: Mesh | None) -> int:
    """Return the nearest batch size, of at most `rows`, that every device has an equal part of.

    Raises:
        TrainingError: If there are fewer rows than devices.
    """
    devices = size(mesh)
    if rows < devices:
        raise TrainingError(f"{rows} training rows cannot be shared by {devices} devices")
    most = rows - rows % devices
    return min(max(round(batch_size / devices), 1) * devices, most)


def replicated(tree: Tree, mesh: Mesh | None) -> Tree:
    """Put arrays of the host on every device; every process gives the same."""
    found: Tree
    if mesh is None or together.count() == 1:
        found = jax.device_put(tree, None if mesh is None else _placed(mesh))
        return found
    where = _placed(mesh)

    def put(leaf: np.ndarray) -> jax.Array:
        host = np.asarray(leaf)
        return jax.make_array_from_callback(host.shape, where, lambda at: host[at])

    found = jax.tree.map(put, tree)
    return found


def share(batch_size: int, mesh: Mesh | None) -> slice:
    """Return which rows of each batch this process has to put on its devices."""
    if mesh is None or together.count() == 1:
        return slice(0, batch_size)
    mine = [at for at, of in enumerate(mesh.devices) if of.process_index == jax.process_index()]
    each = batch_size // size(mesh)
    return slice(mine[0] * each, (mine[-1] + 1) * each)


def dealt_out(window: Rows, mesh: Mesh | None) -> Rows:
    """Put batches ([steps, batch, …]) on the devices, each its part of every batch.

    Args:
        window: Of each batch what `share` says.
        mesh: The devices.
    """
    where = None if mesh is None else _placed(mesh, None, AXIS)
    if together.count() == 1:
        return Rows(*jax.device_put(tuple(window), where))
    make = jax.make_array_from_process_local_data
    return Rows(*(make(where, np.asarray(array)) for array in window))  # type: ignore[no-untyped-call] # JAX leaves it untyped.


def _placed(mesh: Mesh, *axes: str | None) -> NamedSharding:
    return NamedSharding(mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call] # JAX leaves it untyped.
