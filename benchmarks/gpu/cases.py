"""The cases: a network, rows of one shape, and the work a step takes at least.

Rows are random numbers: speed does not depend on what they say, and the script needs no files.
"""

import itertools
from dataclasses import dataclass, replace

import jax
import numpy as np

from mlplatform.train.nets.categories import Categories
from mlplatform.train.nets.mlp import MlpNet
from mlplatform.train.nets.net import Net
from mlplatform.train.nets.numeric import Numeric
from mlplatform.train.nets.tabm import TabMNet
from mlplatform.train.task import Rows, Scale, Task
from mlplatform.train.trainer import Hyper, Plan, Seeds, State, start

# Of AdamW in f32 a step and parameter: weight, gradient and two moments read, all but the gradient written.
MOVED_BYTES = 4 * (4 + 3)
ADULT = (11, 9, 17, 8, 7, 4, 43)  # Ids of its seven categories, the reserved ones included.


@dataclass(frozen=True)
class Case:
    """One training.

    Attributes:
        name: In results.
        hidden: Units of each layer.
        vectors: Float features.
        ids: Ids of each id feature.
        width: Numbers an id.
        members: Of a TabM; 0 is a perceptron.
        trials: Trainings at once, under `vmap`; 0 is one without it.
        rows: On the device.
        batch: Rows a step.
        steps: In one call.
    """

    name: str
    hidden: tuple[int, ...]
    vectors: int
    ids: tuple[int, ...] = ()
    width: int = 8
    members: int = 0
    trials: int = 0
    rows: int = 1 << 20
    batch: int = 8192
    steps: int = 100

    @property
    def net(self) -> Net:
        """The network."""
        numeric, categories = Numeric(self.vectors, None), Categories(self.ids, self.width)
        if self.members:
            return TabMNet(numeric, categories, self.hidden, self.members, 1)
        return MlpNet(numeric, categories, self.hidden, 1)

    @property
    def plan(self) -> Plan:
        """The program: products in bfloat16, everything else in f32."""
        return Plan(
            net=self.net, task=Task("binary"), optimizer="adamw", schedule="constant_schedule",
            epochs=1_000, steps=self.steps, segments=1, batch_size=self.batch, bfloat16=True,
        )  # fmt: skip

    @property
    def weights(self) -> int:
        """Weights that products read: all but the tables of ids."""
        widths = (self.vectors + self.width * len(self.ids), *self.hidden)
        shared = sum(a * b for a, b in itertools.pairwise(widths))
        return shared + self.hidden[-1]

    @property
    def flops(self) -> int:
        """Operations of the products of one step: 2 a weight and use of it, row, member and trial.

        A weight is used forwards, for its own gradient, and for the gradient of what it read. Of plain
        numbers nobody asks the last; of ids and of what the members of a TabM scale it is needed.
        """
        unasked = 0 if self.members else self.vectors * self.hidden[0]
        uses = 3 * self.weights - unasked
        return 2 * uses * self.batch * max(self.members, 1) * max(self.trials, 1)

    @property
    def moved(self) -> int:
        """Bytes that one step moves at least: the optimizer's, of every parameter."""
        parameters = self.weights + self.width * sum(self.ids)
        return MOVED_BYTES * parameters * max(self.trials, 1)

    def made(self) -> tuple[State, Rows, Seeds, Hyper]:
        """Return what the first call takes, on the device."""
        rng = np.random.default_rng(0)
        rows = Rows(
            rng.normal(size=(self.rows, self.vectors)).astype(np.float32),
            rng.integers(0, self.ids or 1, (self.rows, len(self.ids)), np.int32),
            rng.integers(0, 2, self.rows).astype(np.float32),
            np.ones(self.rows, np.float32),
        )
        initial = self.net.init(0, rows)
        state = start(self.plan, initial.params, initial.fixed, Scale(np.float32(0), np.float32(1)))
        hyper = Hyper(*map(np.float32, (1e-3, 1e-4, 0.1, 0, 0, 0, np.inf)))
        if self.trials:
            state, hyper = jax.tree.map(self._many, (state, hyper))
        return jax.device_put((state, rows, Seeds(np.uint32(1), np.uint32(2)), hyper))

    def _many(self, one: np.ndarray) -> np.ndarray:
        return np.repeat(np.asarray(one)[None], self.trials, axis=0)


_TRIAL = Case("", hidden=(128, 128), vectors=116, batch=512, steps=400)
CASES = (
    Case("adult_mlp", hidden=(128, 64), vectors=5, ids=ADULT, rows=1 << 22, batch=16384),
    Case("large_mlp", hidden=(8192,) * 4, vectors=1024, rows=1 << 17, steps=20),
    Case("tabm", hidden=(512, 512), vectors=128, members=32, batch=2048),
    *(replace(_TRIAL, name=f"trials_{many:02}", trials=many) for many in (1, 4, 16, 32)),
    Case("embeddings", hidden=(256,), vectors=13, ids=(100_000,) * 26, width=16),
)


def tiny(case: Case) -> Case:
    """Return a case so small that a CPU runs it at once: it shows that the script works, and no more."""
    return replace(
        case,
        hidden=(16,) * len(case.hidden),
        ids=tuple(min(size, 32) for size in case.ids),
        members=min(case.members, 2),
        trials=min(case.trials, 2),
        rows=256,
        batch=32,
        steps=2,
    )
