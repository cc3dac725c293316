"""Who is told when a gate fails. Delivery addresses hold tokens, so they stay in the environment."""

import os
from pathlib import Path

import dagster as dg

from mlplatform.alerts.notify import Alerts
from mlplatform.alerts.where import ADDRESSES, UI

__all__ = ["ADDRESSES", "UI", "AlertsResource"]


class AlertsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Alerts kept in a log file and delivered to the addresses in `MLPLATFORM_ALERT_URLS`.

    Links go to the Dagster UI at `MLPLATFORM_UI_URL`, where it is set.
    """

    log: str

    def open(self) -> Alerts:
        """Return the sender, with the addresses as they are now."""
        return Alerts.from_environment(os.environ, Path(self.log))
