"""TFDV's statistics as a page to look at: Facets Overview in one HTML file that needs no network.

The page is Facets' own distribution (`facets_dist/README.md`), made for HTML imports, which browsers
have dropped: its content is put into the page instead, behind the polyfill it was made with.
"""

import base64
import gzip
import html
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.validate.proto import parse

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import statistics_pb2

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
    personal: Collection[str] = (),
) -> bytes:
    """Return one HTML file that shows the statistics, beside those of the reference if there is one.

    Column names and values reach it in base64 only, so none can break out of the page. Strings that
    look like personal data are masked, and every one of a column where such data are found among
    its most frequent values; of numbers the page shows ranges and quantiles as they are.

    Args:
        statistics: A serialized DatasetFeatureStatisticsList.
        reference: Another one.
        title: Heading of the page.
        names: What the page calls the two.
        personal: Columns that hold personal data, besides those where it is found here.

    Raises:
        WorkerError: If an argument is no serialized DatasetFeatureStatisticsList.
    """
    shown = base64.b64encode(_together(statistics, reference, names, personal)).decode()
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


def _together(
    statistics: bytes, reference: bytes | None, names: tuple[str, str], personal: Collection[str]
) -> bytes:
    message = parse("DatasetFeatureStatisticsList", statistics)
    if reference is not None:
        message.datasets.extend(parse("DatasetFeatureStatisticsList", reference).datasets)
    for dataset, name in zip(message.datasets, names, strict=False):
        dataset.name = name
    _mask(message, personal)
    return bytes(message.SerializeToString(deterministic=True))


def _mask(message: "statistics_pb2.DatasetFeatureStatisticsList", known: Collection[str]) -> None:
    """Mask strings; those that look the same then are counted as one."""
    from mlplatform.validate.sensitive import in_values, mask, personal

    texts = [f for d in message.datasets for f in d.features if f.HasField("string_stats")]
    held = {*known, *(_name(f) for f in texts if in_values(_name(f), _values(f.string_stats)))}
    for feature in texts:

        def shown(value: str, name: str = _name(feature)) -> str:
            return mask(value) if name in held or personal(value) else value

        stats = feature.string_stats
        top, ranks = Counter[str](), Counter[str]()
        for entry in stats.top_values:
            top[shown(entry.value)] += entry.frequency
        for bucket in stats.rank_histogram.buckets:
            ranks[shown(bucket.label)] += bucket.sample_count
        for field in ("top_values", "rank_histogram", "weighted_string_stats"):
            stats.ClearField(field)
        for value, rows in top.most_common():
            stats.top_values.add(value=value, frequency=rows)
        for rank, (value, rows) in enumerate(ranks.most_common()):
            stats.rank_histogram.buckets.add(
                low_rank=rank, high_rank=rank, label=value, sample_count=rows
            )


def _name(feature: "statistics_pb2.FeatureNameStatistics") -> str:
    return feature.name or ".".join(feature.path.step)


def _values(stats: "statistics_pb2.StringStatistics") -> list[str]:
    """Return the distinct values that the statistics tell."""
    ranked = [bucket.label for bucket in stats.rank_histogram.buckets]
    return list(dict.fromkeys([*(entry.value for entry in stats.top_values), *ranked]))


def _bundle() -> str:
    content = re.sub(r"^\s*<!doctype html>", "", _unpacked(BUNDLE), count=1)
    content = re.sub(r"@font-face\s*\{[^}]*\}", "", content)  # Of files beside the page.
    return content.replace("<script>", f"<script nonce={NONCE}>")


def _polyfill() -> str:
    # A browser's tools would look for the map.
    return re.sub(r"//# sourceMappingURL=\S+", "", _unpacked(POLYFILL))


def _unpacked(name: str) -> str:
    return gzip.decompress((DIST / name).read_bytes()).decode()
