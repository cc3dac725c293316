"""Which artifacts table versions need: the one place that knows where digests of artifacts stand.

- **Facts** of a commit: every sha256 in them that is a stored artifact's is needed by that version:
  `artifact`, `state`, `statistics`, `scores`, `candidate`, `champion`, `report`, `libraries`,
  `surroundings`, `pipeline_code`, `best`, and whatever comes to be.
- **Rows** of the versions that stay, in columns of texts or nested values, by the last part of the table's name:
  `DATA` holds data, in which no artifact is named;
  `MENTIONED` tells what happened to artifacts, which leases hold as long as they are needed;
  `ABOUT_DATASETS` says of each row which dataset version it is about, and needs what it names as
  long as that version stays; every row of any other table needs what it names.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlplatform.errors import FreedError

if TYPE_CHECKING:
    import pyarrow as pa

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
        about = f"{owner}/dataset"
        if noun in ABOUT_DATASETS and name not in self._strange and about in kept:
            stay = {version.digest for version in kept[about]}
        for row in _texts(self._lake.table(name), kept[name]):
            if stay is None or row.get(ABOUT) in stay:
                yield from (found for value in row.values() for found in digests(_as_text(value)))


def of_facts(version: "Version") -> list[str]:
    """Return every digest in the facts of a version's commit."""
    return [found for fact in version.lineage.facts.values() for found in digests(fact)]


def _texts(table: "Table", versions: Collection["Version"]) -> Iterator[dict[str, Any]]:
    """Yield what may name something of each row of these versions; a batch at a time is in memory."""
    for version in table.tips(versions):
        try:
            columns = [field.name for field in table.parquet(version)[2] if _may_name(field.type)]
            for batch in table.batches(version, columns) if columns and version.rows else ():
                yield from batch.to_pylist()
        except FreedError:  # Held too late, or never to be read again: it names nothing to anybody.
            continue


def _may_name(type_: "pa.DataType") -> bool:
    """Whether a column's values may hold a text."""
    import pyarrow.types as pt

    if pt.is_dictionary(type_):
        return _may_name(type_.value_type)
    return not (pt.is_temporal(type_) or pt.is_boolean(type_) or _is_number(type_))


def _is_number(type_: "pa.DataType") -> bool:
    import pyarrow.types as pt

    return bool(pt.is_integer(type_) or pt.is_floating(type_) or pt.is_decimal(type_))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _add(why: defaultdict[str, list[str]], found: Iterable[str], reason: str) -> None:
    for digest in dict.fromkeys(found):
        why[digest].append(reason)
