"""Where to look: addresses of the Dagster UI, or words where nobody said where the UI is."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

ADDRESSES = "MLPLATFORM_ALERT_URLS"  # Blank-separated Apprise URLs: slack://…, mailto://…, json://…
UI = "MLPLATFORM_UI_URL"  # Of the Dagster UI as people reach it: https://dagster.example.com


@dataclass(frozen=True)
class Where:
    """The Dagster UI, by its address as people reach it; empty: unknown."""

    ui: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Where":
        """Return what `MLPLATFORM_UI_URL` says; anything but an http(s) address is as good as none.

        User and password in it are left out: alerts are read by many.
        """
        try:
            parts = urlsplit(environ.get(UI, "").strip())
        except ValueError:
            return cls()
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return cls()
        host = parts.netloc.rpartition("@")[2]
        return cls(f"{parts.scheme}://{host}{quote(parts.path.rstrip('/'), safe='/%')}")

    def check(self, table: str, gate: str, run_id: str, report: str = "") -> str:
        """Return the page of a check of the asset with this table (Dagster 1.13), or words."""
        if self.ui:
            key = "/".join(quote(part, safe="") for part in table.split("/"))
            asked = urlencode({"view": "checks", "checkDetail": gate}, quote_via=quote)
            return f"{self.ui}/assets/{key}?{asked}"
        page = f"; report: {report}" if report else ""
        return f"asset {table}, check {gate}, run {run_id} in the Dagster UI{page}"

    def run(self, run_id: str) -> str:
        """Return the page of a run, or words."""
        return f"{self.ui}/runs/{quote(run_id, safe='')}" if self.ui else f"{run_id}"
