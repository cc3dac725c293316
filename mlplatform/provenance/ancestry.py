"""Everything a version was made from, read from the commits of the lake alone."""

from typing import TYPE_CHECKING

from mlplatform.errors import GateRefusedError

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version


def ancestors(lake: "Lake", *versions: "Version") -> dict[str, str]:
    """Return table name and `Version.reference` of the given versions and of all they were made from.

    Raises:
        GateRefusedError: If two of them were made from different contents of one table: what was
            judged then is not what was trained on.
    """
    found: dict[str, str] = {version.table: version.reference for version in versions}
    waiting = list(versions)
    while waiting:
        version = waiting.pop(0)
        for table, reference in version.lineage.inputs.items():
            known = found.setdefault(table, reference)
            if content(known) != content(reference):
                raise GateRefusedError(
                    f"{version.table} was made from {table} {number(reference)}, but "
                    f"{versions[0].table} from version {number(known)}; materialise the whole walk"
                )
            if known is reference:
                waiting.append(lake.table(table).version(number(reference)))
    return found


def content(reference: str) -> str:
    """Return the content digest, shortened, of a `Version.reference`."""
    return reference.partition(":")[2]


def number(reference: str) -> int:
    """Return the Delta version of a `Version.reference`."""
    return int(reference.partition(":")[0])
