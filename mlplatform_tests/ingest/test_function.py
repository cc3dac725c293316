"""A Python function as a source: its rows, or batches that land once by their names."""

from textwrap import dedent

import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.source import land, malformed, withdraw_file
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.landings import left_behind, names, pipeline_of

HEAD = """
import pathlib
import pyarrow as pa
HERE = pathlib.Path(__file__).parent

def people(*names, age=41):
    count = len(names)
    return pa.table({"name": pa.array(names, pa.string()), "age": pa.array([age] * count),
                     "height": [1.5] * count, "member": ["yes"] * count})
"""


@pytest.fixture
def function_of(tmp_path):
    """Write the function `rows` with this body; return its pipeline."""

    def make(body, load="append", **changes):
        text = HEAD + "\ndef rows():\n    " + dedent(body).replace("\n", "\n    ")
        (tmp_path / "rows.py").write_text(text)
        source = {"kind": "function", "function": "rows.py:rows", "load": load, **changes}
        return pipeline_of(tmp_path, **source)

    return make


def test_each_named_batch_lands_once_and_a_landed_one_is_not_even_read(function_of, lake, table):
    land(function_of("yield 'mon', people('ann')"), lake, LINEAGE)
    more = (
        "yield 'mon', (1 / 0 for _ in range(9))\nyield 'tue', iter([people('bob'), people('cy')])"
    )
    version = land(function_of(more), lake, LINEAGE)
    assert (version.number, names(lake)) == (1, ["ann", "bob", "cy"])
    assert table.read()["source_file"].to_pylist() == ["mon", "tue", "tue"]
    assert table.read()["source_line"].to_pylist() == [1, 1, 2]
    assert land(function_of(more), lake, LINEAGE) == version


def test_a_table_or_an_iterator_of_tables_or_batches_is_the_whole_with_full(function_of, lake):
    for body in (
        "return people('ann', 'bob')",
        "yield people('ann')\nyield people('bob')",
        "return iter(people('ann', 'bob').to_batches(max_chunksize=1))",
        "return people('ann', 'bob').to_reader()",
    ):
        assert land(function_of(body, load="full"), lake, LINEAGE).number == 0
    assert names(lake) == ["ann", "bob"]
    land(function_of("return people('cy')", load="full"), lake, LINEAGE)
    assert names(lake) == ["cy"]


def test_with_files_it_reads_it_is_called_only_when_one_of_them_changed(
    function_of, lake, tmp_path
):
    body = """
        (HERE / "calls").open("a").write("x")
        return people((HERE / "who.txt").read_text())
    """
    (tmp_path / "who.txt").write_text("ann")
    pipeline = function_of(dedent(body).strip(), load="full", reads=["who.txt"])
    for _ in range(3):
        land(pipeline, lake, LINEAGE)
    assert (tmp_path / "calls").read_text() == "x"
    (tmp_path / "who.txt").write_text("bob")
    land(pipeline, lake, LINEAGE)
    assert names(lake) == ["bob"]
    assert (tmp_path / "calls").read_text() == "xx"


def test_rows_that_do_not_convert_are_quarantined_by_batch(function_of, lake):
    pipeline = function_of("yield 'mon', people('ann')\nyield 'tue', people('bob', age=1.5)")
    seen = malformed(lake, pipeline, land(pipeline, lake, LINEAGE))
    assert seen.by_file == {"mon": (0, 1), "tue": (1, 1)}
    assert names(lake) == ["ann"]


def test_other_columns_read_every_batch_again_and_refuse_when_one_is_gone(function_of, lake, table):
    both = "yield 'mon', people('ann')\nyield 'tue', people('bob')"
    land(function_of(both), lake, LINEAGE)
    before = left_behind(lake)
    columns = {"name": "string", "age": "float64", "member": "string"}
    with pytest.raises(SourceError, match="no longer yields mon, which landed; yield every batch"):
        land(function_of("yield 'tue', people('bob')", columns=columns), lake, LINEAGE)
    assert left_behind(lake) == before
    land(function_of(both, columns=columns), lake, LINEAGE)
    assert table.read()["age"].to_pylist() == [41.0, 41.0]


def test_a_withdrawn_batch_is_passed_over_unread_also_when_all_is_read_again(function_of, lake):
    pipeline = function_of("yield 'mon', people('ann')\nyield 'tue', people('bob')")
    land(pipeline, lake, LINEAGE)
    without = withdraw_file(pipeline, "tue", lake, LINEAGE)
    more = "yield 'mon', people('ann')\nyield 'tue', 7\n"
    assert land(function_of(more), lake, LINEAGE) == without
    columns = {"name": "string", "age": "float64", "member": "string"}
    land(function_of(more, columns=columns), lake, LINEAGE)
    assert names(lake) == ["ann"]
    land(function_of(more + "yield 'tue-2', people('bob')", columns=columns), lake, LINEAGE)
    land(function_of(more + "yield 'tue-2', 7", columns=columns), lake, LINEAGE)
    assert names(lake) == ["ann", "bob"]


REFUSED = {
    "raises": ("yield 'mon', people('ann')\nraise ValueError('no\\nluck')", r"rows\.py:13: ValueError: no$"),
    "raises at once": ("return 1 / 0", r"rows\.py:12: ZeroDivisionError: division by zero$"),
    "no pairs": ("yield people('ann')", "rows gave Table, expected a pair"),
    "no iterable": ("return 7", "rows gave int, expected pairs"),
    "no rows": ("yield 'mon', [7]", "rows gave int, expected pyarrow Tables"),
    "a name twice": ("yield 'a', people()\nyield 'a', people()", "yields the batch 'a' twice"),
    "a name of two lines": ("yield 'a\\nb', people()", "rows gave tuple, expected a pair"),
    "no syntax": ("return (", r"rows\.py:12: SyntaxError: '\(' was never closed$"),
    "another column": ("yield 'a', people().drop(['age'])", "^a: no column 'age'; it has name"),
    "nothing": ("yield from ()", "the source has nothing to land"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_goes_wrong_in_it_is_one_line_and_nothing_lands(function_of, lake, case):
    body, message = REFUSED[case]
    with pytest.raises(SourceError, match=message) as error:
        land(function_of(body), lake, LINEAGE)
    assert "\n" not in str(error.value)
    assert lake.tables() == []


def test_a_missing_function_or_file_is_named(function_of, lake, tmp_path):
    with pytest.raises(SourceError, match="has no function other; correct source"):
        land(function_of("return 1", function="rows.py:other"), lake, LINEAGE)
    with pytest.raises(SourceError, match=r"who\.txt: No such file.*correct source\.function or"):
        land(function_of("return 1", load="full", reads=["who.txt"]), lake, LINEAGE)
