"""Everything a version was made from, read from the commits of the lake alone."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version


def ancestors(lake: "Lake", *versions: "Version") -> dict[str, str]:
    """Return table name and `Version.reference` of the given versions and of all they were made from.

    Where two paths lead to different versions of one table, the one nearest to `versions` is kept: a walk never
    mixes versions, so this happens only to tables that judge others.
    """
    found: dict[str, str] = {version.table: version.reference for version in versions}
    waiting = list(versions)
    while waiting:
        for table, reference in waiting.pop(0).lineage.inputs.items():
            if table not in found:
                found[table] = reference
                waiting.append(lake.table(table).version(number(reference)))
    return found


def number(reference: str) -> int:
    """Return the Delta version of a `Version.reference`."""
    return int(reference.partition(":")[0])
