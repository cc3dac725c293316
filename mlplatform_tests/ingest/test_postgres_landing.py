"""A pipeline's source in a real PostgreSQL server: landed whole, by cursor, and through kills."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.source import Access, land, malformed
from mlplatform.lake import Lake
from mlplatform.spec import Pipeline
from mlplatform_tests.ingest.conftest import LINEAGE, make_spec

if TYPE_CHECKING:
    from mlplatform_tests.servers import Postgres

pytest_plugins = ("mlplatform_tests.servers",)

COLUMNS = {"id": "int64", "total": "float64", "paid": "bool", "at": "timestamp", "who": "string"}
SECTIONS = {"columns": COLUMNS, "label": {"column": "paid", "positive": "true"}}
NEWER = "SELECT * FROM orders WHERE id > :since ORDER BY id"


@pytest.fixture
def orders(postgres: "Postgres") -> "Postgres":
    postgres.run(
        "DROP TABLE IF EXISTS orders",
        "CREATE TABLE orders (id int8 PRIMARY KEY, total numeric, paid bool, at timestamp, who uuid)",
    )
    sell(postgres, 1, 10)
    return postgres


def sell(server: "Postgres", first: int, last: int) -> None:
    server.run(
        f"""INSERT INTO orders SELECT i, i * 1.25, i % 2 = 0, '2024-01-01 00:00' , md5('')::uuid
            FROM generate_series({first}, {last}) AS i"""  # noqa: S608  Ours.
    )


def pipeline(tmp_path: Path, query: str, **source: Any) -> Pipeline:
    said = {"kind": "sql", "connection": "SHOP_DB", "query": query, **source}
    return Pipeline(spec=make_spec(source=said, **SECTIONS), folder=tmp_path)


def access(server: "Postgres") -> Access:
    return Access(secret={"SHOP_DB": server.uri}.__getitem__)


def ids(lake: Lake) -> list[int]:
    return list(lake.table("people/source").read()["id"].to_pylist())


def test_a_full_load_is_the_result_as_it_is_now_and_no_version_when_nothing_changed(
    orders: "Postgres", tmp_path: Path, lake: Lake
) -> None:
    shop = pipeline(tmp_path, "SELECT * FROM orders ORDER BY id", load="full")
    first = land(shop, lake, LINEAGE, access(orders))
    row = lake.table("people/source").read().slice(1, 1).to_pylist()[0]
    assert (row["total"], row["paid"], row["who"]) == (
        2.5,
        True,
        "d41d8cd9-8f00-b204-e980-0998ecf8427e",
    )
    assert (row["at"].isoformat(), row["source_line"]) == ("2024-01-01T00:00:00+00:00", 2)
    assert land(shop, lake, LINEAGE, access(orders)) == first
    orders.run("DELETE FROM orders WHERE id > 3", "UPDATE orders SET total = 0 WHERE id = 1")
    assert land(shop, lake, LINEAGE, access(orders)).number == first.number + 1
    assert ids(lake) == [1, 2, 3]
    assert lake.table("people/source").read(first).num_rows == 10


def test_a_cursor_lands_what_is_new_as_one_batch_and_what_does_not_fit_in_quarantine(
    orders: "Postgres", tmp_path: Path, lake: Lake
) -> None:
    shop = pipeline(tmp_path, NEWER, cursor="id")
    first = land(shop, lake, LINEAGE, access(orders))
    assert land(shop, lake, LINEAGE, access(orders)) == first
    sell(orders, 11, 13)
    orders.run("UPDATE orders SET at = 'infinity' WHERE id = 12")
    second = land(shop, lake, LINEAGE, access(orders))
    assert (second.number, second.rows) == (first.number + 1, 12)
    assert ids(lake) == [*range(1, 12), 13]
    files = lake.table("people/source").read()["source_file"].to_pylist()
    assert (len(set(files[:10])), len(set(files[10:])), len(set(files))) == (1, 1, 2)
    seen = malformed(lake, shop, second)
    assert (seen.rejected, seen.rows) == (1, 13)
    assert seen.examples[0]["column"] == "at"


KILLED = """
from pathlib import Path
from mlplatform.ingest.source import Access, land
from mlplatform.lake import Lake
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.lives import lived
from mlplatform_tests.ingest.test_postgres_landing import NEWER, pipeline, sell
from mlplatform_tests.servers import Postgres

def live(step):
    shop = pipeline(Path(FOLDER), NEWER, cursor="id")
    sell(Postgres(Path(HOME)), 11 + 5 * step, 15 + 5 * step)
    land(shop, Lake(Path(FOLDER) / "lake"), LINEAGE, Access(secret=lambda _: URI))

print(lived(range(4), live))
"""


def test_each_row_lands_once_though_landings_are_killed_and_rows_keep_coming(
    orders: "Postgres", tmp_path: Path, lake: Lake, fresh_python: Callable[[str], str]
) -> None:
    """Killed with the data written, before the commit and after it; each life begins with sales."""
    head = f"URI, HOME, FOLDER = {orders.uri!r}, {str(orders.home)!r}, {str(tmp_path)!r}"
    assert fresh_python(head + KILLED) == "[True, True, True, False]\n"
    before = lake.table("people/source").latest()
    assert land(pipeline(tmp_path, NEWER, cursor="id"), lake, LINEAGE, access(orders)) == before
    assert ids(lake) == list(range(1, 31))


def test_a_query_that_fails_after_some_batches_leaves_nothing(
    postgres: "Postgres", tmp_path: Path, lake: Lake
) -> None:
    query = """SELECT id, 1.5 AS total, true AS paid, now() AS at, repeat('x', 400) AS who
               FROM generate_series(1, 90000) AS id WHERE 1 / (90000 - id) >= 0"""
    with pytest.raises(SourceError, match=r"^SHOP_DB: the query failed: division by zero"):
        land(pipeline(tmp_path, query, load="full"), lake, LINEAGE, access(postgres))
    assert lake.tables() == []
    assert not list(tmp_path.rglob("*.parquet"))
