"""Which artifacts table versions need: the one place that knows where digests of artifacts stand.

- **Facts** of a commit: every sha256 in them that is a stored artifact's is needed by that version:
  `artifact`, `state`, `statistics`, `scores`, `candidate`, `champion`, `report`, `libraries`,
  `surroundings`, `pipeline_code`, `best`, and whatever comes to be.
- **Rows** of the newest version of a table, by the last part of its name:
  `DATA` holds data, in which no artifact is named;
  `MENTIONED` tells what happened to artifacts, which leases hold as long as they are needed;
  `ABOUT_DATASETS` says of each row which dataset version it is about, and needs what it names as
  long as that version stays; every row of any other table needs what it names.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Table, Version

DATA = ("source", "quarantine", "dataset", "split", "aggregates", "features", "predictions")
MENTIONED = (
    *("gates", "gate_verdict", "evaluation", "deployment", "registered_model", "mlflow_index"),
    *("reference", "certificate"),
)
ABOUT_DATASETS = ("statistics", "accepted")
ABOUT = "dataset_digest"  # Their column with the content digest of the dataset version.

_DIGEST = re.compile("(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def digests(text: str) -> list[str]:
    """Return every sha256 in hexadecimal that stands in a text."""
    return _DIGEST.findall(text)


class Named:
    """Says which artifacts stay.

    Args:
        lake: Where the tables are.
        leased: Artifacts that leases name, with the reasons.
        strange: Tables whose pipeline is not declared: whatever they name stays.
    """

    def __init__(
        self, lake: "Lake", leased: Mapping[str, Sequence[str]], strange: Collection[str] = ()
    ) -> None:
        self._lake, self._leased, self._strange = lake, leased, strange

    def __call__(self, kept: Mapping[str, Collection["Version"]]) -> dict[str, list[str]]:
        """Return why each artifact stays that these versions, by table, or leases need."""
        why: defaultdict[str, list[str]] = defaultdict(list)
        for digest, reasons in self._leased.items():
            why[digest].extend(reasons)
        for table, versions in kept.items():
            for version in versions:
                _add(why, of_facts(version), f"facts of {table} {version.number}")
        for table in kept:
            _add(why, self._of_rows(table, kept), f"rows of {table}")
        return dict(why)

    def _of_rows(self, name: str, kept: Mapping[str, Collection["Version"]]) -> Iterator[str]:
        owner, _, noun = name.rpartition("/")
        if noun in DATA or (noun in MENTIONED and name not in self._strange):
            return
        stay: set[str] | None = None
        if noun in ABOUT_DATASETS and name not in self._strange:
            stay = {version.digest for version in kept.get(f"{owner}/dataset", ())}
        for row in _texts(self._lake.table(name)):
            if stay is None or row.get(ABOUT) in stay:
                yield from (found for text in row.values() for found in digests(text or ""))


def of_facts(version: "Version") -> list[str]:
    """Return every digest in the facts of a version's commit."""
    return [found for fact in version.lineage.facts.values() for found in digests(fact)]


def _texts(table: "Table") -> Iterable[dict[str, Any]]:
    """Return the text columns of the rows of the newest version."""
    version = table.latest()
    if version is None or not version.rows:
        return []
    schema = table.parquet(version)[2]
    columns = [field.name for field in schema if str(field.type) == "string"]
    return table.read(version, columns=columns).to_pylist() if columns else []


def _add(why: defaultdict[str, list[str]], found: Iterable[str], reason: str) -> None:
    for digest in dict.fromkeys(found):
        why[digest].append(reason)
