"""Where JAX keeps compiled programs and trainings their state: the second run compiles nothing, and loses nothing."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg
from pydantic import Field

from mlplatform.errors import TrainingError
from mlplatform.settings import Processes

LOGGER = logging.getLogger(__name__)


class ComputeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """JAX's surroundings. Nothing of JAX is imported before an asset that computes asks for it."""

    compile_cache: str
    checkpoints: str = Field(default="", description="Folder of trainings under way.")
    studies: str = Field(default="", description="Folder of the trials of studies.")
    coordinator: str = Field(default="", description="Of many processes that share a training.")
    processes: int | None = Field(default=None, description="How many there are.")
    process: int | None = Field(default=None, description="Which this is; 0 runs the steps.")
    devices: int | None = Field(default=None, description="That share each batch.")
    one_process: bool = Field(default=True, description="All steps of a run share one process.")

    def prepare(self, warn: Callable[[str], None] = LOGGER.warning, *, joins: bool = False) -> None:
        """Point JAX at the compilation cache, and let it compute the same again.

        Args:
            warn: Hears it where a GPU was in use before that could be asked for.
            joins: Whether this process is to train with others, now or in a later step. They have
                to know each other before JAX is first used.

        Raises:
            TrainingError: If there are other processes and they do not come.
        """
        import jax

        from mlplatform.train.compile_cache import enable
        from mlplatform.train.distributed import start
        from mlplatform.train.reproducible import apply

        late = apply(autotuned_to=self._autotuned_to)
        enable(self.folder)
        start(self._processes if joins else None)
        if late and jax.default_backend() == "gpu":
            warn(late)

    def storage(self, name: str) -> str:
        """Return the URL of a database for studies from the environment variable of this name.

        Raises:
            TrainingError: If it is not set. The URL may hold a password, so it is never shown.
        """
        if not os.environ.get(name):
            raise TrainingError(
                f"tuning.storage names the environment variable {name}, which is not set"
            )
        return os.environ[name]

    @property
    def _processes(self) -> Processes | None:
        if not self.coordinator:
            return None
        return Processes(coordinator=self.coordinator, count=self.processes, number=self.process)

    def autotuned(self) -> bytes | None:
        """Return what XLA found by timing a GPU's kernels, as it wrote it; None where it timed none."""
        file = self._autotuned_to
        return file.read_bytes() if file is not None and file.is_file() else None

    @property
    def _autotuned_to(self) -> Path | None:
        from mlplatform.provenance.hardware import hardware
        from mlplatform.provenance.surroundings import AUTOTUNE

        return self.folder / AUTOTUNE if hardware().gpus else None

    @property
    def folder(self) -> Path:
        """Where compiled programs lie."""
        return Path(self.compile_cache)
