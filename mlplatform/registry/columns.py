"""Tables of an earlier release get the columns it did not have."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lineage, Table


def widened(
    table: "Table", schema: "pa.Schema", added: Mapping[str, str], lineage: "Lineage"
) -> None:
    """Bring a table to `schema`, in one commit, so that rows of it can be appended; once.

    Every row there is has the text of `added` in the columns it lacked. A table that does not exist,
    or that has all columns, stays as it is.

    Raises:
        ConcurrentWriteError: If somebody else wrote meanwhile; nothing is written then.
    """
    import pyarrow as pa

    newest = table.latest()
    if newest is None:
        return
    rows = table.read(newest)
    lacking = [name for name in schema.names if name not in rows.column_names and name in added]
    if not lacking:
        return
    for name in lacking:
        rows = rows.append_column(name, pa.array([added[name]] * rows.num_rows, pa.string()))
    table.overwrite(rows.select(schema.names).cast(schema), lineage, expected=newest.number)
