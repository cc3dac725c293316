"""Who is told when a gate fails. Delivery addresses hold tokens, so they stay in the environment."""

import os
from pathlib import Path

import dagster as dg

from mlplatform.alerts.notify import Alerts

ADDRESSES = "MLPLATFORM_ALERT_URLS"  # Blank-separated Apprise URLs: slack://…, mailto://…, json://…


class AlertsResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Alerts kept in a log file and delivered to the addresses in `MLPLATFORM_ALERT_URLS`."""

    log: str

    def open(self) -> Alerts:
        """Return the sender, with the addresses as they are now."""
        return Alerts(os.environ.get(ADDRESSES, "").split(), Path(self.log))
