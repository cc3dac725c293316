"""`kill -9` of a landing at every step: the next one ends in the same tables, nothing twice."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from mlplatform.ingest.source import Access, land, malformed
from mlplatform.lake import Lake
from mlplatform_tests.faults.landings import Killer, pipeline_in
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.landings import ANN, BOB, CY, left_behind, people

Source = dict[str, Any]
GOOD, BAD = "cy,7,1.20,no\n", "di,eight,1.5,no\n"
FILES: Source = {"kind": "csv", "header": False, "files": ["a.csv", "b.csv", "c.csv"]}
POINTS_OF_THREE_FILES = 3 + 2 * 3 + 3 * 2  # Staged; two quarantines; three commits.


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with Killer() as killer:
        yield killer


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)


def three_files(folder: Path) -> Source:
    write(folder, a=GOOD + BAD, b="ed,2,1.6,yes\n", c="fay,3,1.6,no\n" + BAD)
    return FILES


def landed(folder: Path, source: Source) -> None:
    secret = Access(secret=lambda _: f"sqlite:///{folder}/clinic.db")
    land(pipeline_in(folder, source), Lake(folder / "lake"), LINEAGE, secret)


def a_changed_file(folder: Path) -> Source:
    landed(folder, three_files(folder))
    write(folder, b="ed,two,1.6,yes\ngil,4,1.5,no\n")
    return FILES


def a_parquet_file(folder: Path) -> Source:
    rows = people(ANN, BOB, CY)
    pq.write_table(rows.set_column(1, "age", [[41.0, 7.5, None]]), folder / "a.parquet")
    return {"kind": "parquet", "files": ["a.parquet"]}


def a_query(folder: Path) -> Source:
    with sqlite3.connect(folder / "clinic.db") as database:
        database.execute("CREATE TABLE people (name TEXT, age INTEGER, height REAL, member TEXT)")
        database.execute("INSERT INTO people VALUES ('ann', 41, 1.68, 'yes')")
    query = "SELECT * FROM people WHERE age > :since ORDER BY age"
    source = {"kind": "sql", "connection": "CLINIC", "cursor": "age", "query": query}
    landed(folder, source)
    with sqlite3.connect(folder / "clinic.db") as database:
        database.execute("INSERT INTO people VALUES ('bob', 42, 1.2, 'no')")
    return source


def a_changed_query(folder: Path) -> Source:
    a_query(folder)
    query = "SELECT * FROM people ORDER BY age DESC"
    return {"kind": "sql", "connection": "CLINIC", "load": "full", "query": query}


def a_grown_table(folder: Path) -> Source:
    write_deltalake(folder / "clinic", people(ANN))
    landed(folder, {"kind": "delta", "table": "clinic"})
    write_deltalake(folder / "clinic", people(BOB, CY), mode="append")
    return {"kind": "delta", "table": "clinic"}


def a_function(folder: Path) -> Source:
    text = (
        "import pyarrow as pa\n"
        "def rows():\n"
        "    for day in ('mon', 'tue'):\n"
        "        yield day, pa.table({'name': [day] * 2, 'age': [1.5, 2.0],\n"
        "                             'height': [1.5] * 2, 'member': ['yes'] * 2})\n"
    )
    (folder / "rows.py").write_text(text)
    return {"kind": "function", "function": "rows.py:rows"}


CASES: list[Callable[[Path], Source]] = [
    three_files,
    a_changed_file,
    a_parquet_file,
    a_query,
    a_changed_query,
    a_grown_table,
    a_function,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_landing_killed_at_any_step_ends_in_the_tables_of_one_that_was_not(
    killer: Killer, tmp_path: Path, case: Callable[[Path], Source]
) -> None:
    template, undisturbed = tmp_path / "template", tmp_path / "undisturbed"
    template.mkdir()
    source = case(template)
    shutil.copytree(template, undisturbed)
    landed(undisturbed, source)
    expected = left_behind(Lake(undisturbed / "lake"))

    step, died = 0, True
    while died:
        folder = tmp_path / f"killed-{step}"
        shutil.copytree(template, folder)
        died = killer.land(folder, source, step)
        landed(folder, source)
        assert left_behind(Lake(folder / "lake")) == expected, step
        step += 1
    assert step > 3
    if case is three_files:
        assert step == POINTS_OF_THREE_FILES + 1


def test_a_landing_killed_at_every_step_in_turn_comes_through(
    killer: Killer, tmp_path: Path
) -> None:
    """Every life gets one step further than the one before it got alone."""
    source = three_files(tmp_path)
    lives = 0
    while killer.land(tmp_path, source, 3 + lives % 4):
        lives += 1
        assert lives < 2 * POINTS_OF_THREE_FILES
    assert lives > 3
    lake = Lake(tmp_path / "lake")
    assert lake.table("people/source").read()["name"].to_pylist() == ["cy", "ed", "fay"]
    pipeline = pipeline_in(tmp_path, source)
    newest = lake.table("people/source").latest()
    assert newest is not None
    assert malformed(lake, pipeline, newest).rejected == 2
    assert lake.table("people/quarantine").read().num_rows == 2
