"""Where JAX keeps compiled programs and trainings their state: the second run compiles nothing, and loses nothing."""

import logging
from collections.abc import Callable
from pathlib import Path

import dagster as dg
from pydantic import Field

LOGGER = logging.getLogger(__name__)


class ComputeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """JAX's surroundings. Nothing of JAX is imported before an asset that computes asks for it."""

    compile_cache: str
    checkpoints: str = Field(default="", description="Folder of trainings under way.")

    def prepare(self, warn: Callable[[str], None] = LOGGER.warning) -> None:
        """Point JAX at the compilation cache, and let it compute the same again.

        `warn` hears it where a GPU was in use before that could be asked for.
        """
        import jax

        from mlplatform.train.compile_cache import enable
        from mlplatform.train.reproducible import apply

        late = apply()
        enable(self.folder)
        if late and jax.default_backend() == "gpu":
            warn(late)

    @property
    def folder(self) -> Path:
        """Where compiled programs lie."""
        return Path(self.compile_cache)
