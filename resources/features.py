"""What maps features over tables: this machine, or Daft on a Ray cluster, by one setting."""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from mlplatform.features.engine import Engine
    from mlplatform.lake import Table, Version


class FeatureEngineResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The engine that `MLPLATFORM_ENGINE` names. Nothing of Daft or Ray is imported before it is asked for."""

    engine: str = "local"
    ray_address: str = ""

    def of(self, table: "Table", version: "Version") -> "Engine":
        """Return the engine for the rows of one dataset version."""
        from mlplatform.features.engine import engine

        return engine(self.engine, table, version, self.ray_address)
