"""Point-in-time aggregates: what the events known at a row's time add up to, kept as a table of changes.

`changes` computes the table, `Lookup` joins it to many rows, an `OnlineStore` answers for one. All
three read the same values, so a row gets the same bits wherever it is asked for.
"""

from mlplatform.features.aggregates.build import FACT, build, problem
from mlplatform.features.aggregates.changes import changes
from mlplatform.features.aggregates.events import needed_columns, read_events
from mlplatform.features.aggregates.fill import fill_rows
from mlplatform.features.aggregates.lookup import Lookup
from mlplatform.features.aggregates.online import OnlineStore, OnlineStoreError, open_store
from mlplatform.features.aggregates.recount import recount
from mlplatform.features.aggregates.redis_store import RedisStore
from mlplatform.features.aggregates.sqlite_store import SqliteStore

__all__ = [
    "FACT",
    "Lookup",
    "OnlineStore",
    "OnlineStoreError",
    "RedisStore",
    "SqliteStore",
    "build",
    "changes",
    "fill_rows",
    "needed_columns",
    "open_store",
    "problem",
    "read_events",
    "recount",
]
