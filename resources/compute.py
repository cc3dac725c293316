"""Where JAX keeps compiled programs, so that the second run of a program compiles nothing."""

from pathlib import Path

import dagster as dg


class ComputeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """JAX's surroundings. Nothing of JAX is imported before an asset that computes asks for it."""

    compile_cache: str

    def prepare(self) -> None:
        """Point JAX at the compilation cache."""
        from mlplatform.train.compile_cache import enable

        enable(self.folder)

    @property
    def folder(self) -> Path:
        """Where compiled programs lie."""
        return Path(self.compile_cache)
