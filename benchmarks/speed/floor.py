"""The floor: what the matrix products of one training cost alone, each shape timed on this machine.

Of a layer's three products (forwards, the weight's gradient, the gradient of what it read) the first
layer has no use for the third: nobody asks how the loss changes with the rows themselves.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

AT_ONCE = 64  # Times that a product is computed in one timing.
TURNS = 5


@dataclass(frozen=True)
class Product:
    """One product of two matrices.

    Attributes:
        name: What it is for.
        left: Shape.
        right: Shape.
        over: The axis of each that is summed over.
    """

    name: str
    left: tuple[int, int]
    right: tuple[int, int]
    over: tuple[int, int]

    @property
    def made(self) -> tuple[int, int]:
        """Shape of the result."""
        return self.left[1 - self.over[0]], self.right[1 - self.over[1]]

    @property
    def flops(self) -> int:
        """Operations."""
        return 2 * self.left[0] * self.left[1] * self.made[1]


def products(widths: list[int], batch: int) -> list[Product]:
    """Return the products of one step, whose first layer reads the rows as they are."""
    found = []
    for at, (read, units) in enumerate(itertools.pairwise(widths)):
        rows, weight, gradient = (batch, read), (read, units), (batch, units)
        found.append(Product(f"forward {at}", rows, weight, (1, 0)))
        found.append(Product(f"weight gradient {at}", rows, gradient, (0, 0)))
        if at:
            found.append(Product(f"input gradient {at}", gradient, weight, (1, 1)))
    return found


def flops(widths: list[int], rows: int) -> int:
    """Return the operations of one pass over `rows`."""
    return sum(product.flops for product in products(widths, rows))


def floor(widths: list[int], batch: int, steps: int) -> dict[str, Any]:
    """Return the work of `steps` steps in GFLOP, and the seconds of their products by XLA and by NumPy's BLAS.

    `microseconds` are of each product of a step: their sum, times `steps`, is `seconds`.
    """
    step = products(widths, batch)
    timed = {product: seconds(product) for product in step}
    said: dict[str, Any] = {"gflop": round(sum(each.flops for each in step) * steps / 1e9, 2)}
    for library in ("xla", "numpy"):
        said[library] = {
            "seconds": sum(timed[each][library] for each in step) * steps,
            "microseconds": {each.name: round(timed[each][library] * 1e6, 1) for each in step},
        }
    return said


def seconds(product: Product) -> dict[str, float]:
    """Return the seconds of one product by each library, within a program that does nothing else."""
    rng = np.random.default_rng(0)
    left, right = (rng.random(s, np.float32) for s in (product.left, product.right))
    on_device = jax.device_put((left, right))
    # NumPy multiplies rows by columns: what is summed over lies last in the one, first in the other.
    turned = (left.T if product.over[0] == 0 else left, right.T if product.over[1] else right)
    out = np.empty(product.made, np.float32)

    def by_numpy() -> None:
        for _ in range(AT_ONCE):
            np.matmul(*turned, out=out)

    return {
        "xla": _least(lambda: jax.block_until_ready(_by_xla(*on_device, product))) / AT_ONCE,
        "numpy": _least(by_numpy) / AT_ONCE,
    }


@partial(jax.jit, static_argnames="product")
def _by_xla(left: jax.Array, right: jax.Array, product: Product) -> Any:
    """Compute the product time after time."""
    over = ((product.over[0],), (product.over[1],))

    def again(_: Any, last: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        made = jax.lax.dot_general(left, last[0], (over, ((), ())))
        # One number of the next product is of this one: else XLA would compute a single one.
        return jax.lax.dynamic_update_slice(last[0], made[:1, :1], (0, 0)), made

    return jax.lax.fori_loop(0, AT_ONCE, again, (right, jnp.zeros(product.made)))


def _least(task: Callable[[], Any]) -> float:
    """Return the least seconds of some turns, after one that does not count."""
    task()
    found = []
    for _ in range(TURNS):
        started = time.perf_counter()
        task()
        found.append(time.perf_counter() - started)
    return min(found)
