"""TFDV's statistics as a page to look at: Facets Overview in one HTML file that needs no network.

The page is Facets' own distribution (`facets_dist/README.md`), made for HTML imports, which browsers
have dropped: its content is put into the page instead, behind the polyfill it was made with.
"""

import base64
import gzip
import html
import re
from pathlib import Path

from mlplatform.validate.proto import parse

DIST = Path(__file__).with_name("facets_dist")
BUNDLE, POLYFILL = "facets-jupyter.html.gz", "webcomponents-lite.js.gz"
CURRENT, REFERENCE = "current", "reference"
NONCE = "facets"
# Nothing is loaded and no handler in markup runs, whatever the bundle does with what the data say.
POLICY = (
    f"default-src 'none'; script-src 'nonce-{NONCE}'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)


def page(
    statistics: bytes,
    reference: bytes | None = None,
    *,
    title: str = "Statistics",
    names: tuple[str, str] = (CURRENT, REFERENCE),
) -> bytes:
    """Return one HTML file that shows the statistics, beside those of the reference if there is one.

    Column names and values reach it in base64 only, so none can break out of the page.

    Args:
        statistics: A serialized DatasetFeatureStatisticsList.
        reference: Another one.
        title: Heading of the page.
        names: What the page calls the two.

    Raises:
        WorkerError: If an argument is no serialized DatasetFeatureStatisticsList.
    """
    shown = base64.b64encode(_together(statistics, reference, names)).decode()
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{html.escape(title)}</title>",
            "<style>body{margin:16px;font-family:sans-serif}h1{font-size:18px}</style>",
            f"<script nonce={NONCE}>{_polyfill()}</script></head><body>",
            f"<h1>{html.escape(title)}</h1>{_bundle()}",
            f'<facets-overview proto-input="{shown}"></facets-overview></body></html>\n',
        ]
    ).encode()


def _together(statistics: bytes, reference: bytes | None, names: tuple[str, str]) -> bytes:
    message = parse("DatasetFeatureStatisticsList", statistics)
    if reference is not None:
        message.datasets.extend(parse("DatasetFeatureStatisticsList", reference).datasets)
    for dataset, name in zip(message.datasets, names, strict=False):
        dataset.name = name
    return bytes(message.SerializeToString(deterministic=True))


def _bundle() -> str:
    content = re.sub(r"^\s*<!doctype html>", "", _unpacked(BUNDLE), count=1)
    content = re.sub(r"@font-face\s*\{[^}]*\}", "", content)  # Of files beside the page.
    return content.replace("<script>", f"<script nonce={NONCE}>")


def _polyfill() -> str:
    # A browser's tools would look for the map.
    return re.sub(r"//# sourceMappingURL=\S+", "", _unpacked(POLYFILL))


def _unpacked(name: str) -> str:
    return gzip.decompress((DIST / name).read_bytes()).decode()
