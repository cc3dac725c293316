"""Files and tables looked at, judged and compared from the command line, with exit codes for CI."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from mlplatform.cli import data
from mlplatform.cli.data import profiling, validation
from mlplatform.cli.data.input import open_input
from mlplatform.lake import Lake
from mlplatform.validate import interpreter
from mlplatform.validate.client import TfdvWorker
from mlplatform_tests.cli.conftest import WHO, invoked
from mlplatform_tests.ingest.conftest import make_spec

ROOT = Path(__file__).parents[2]
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\u202e"  # Clears a screen, renames a window, turns text round.


def run(*words: object) -> Result:
    return invoked(data.app, *words)


def people(rows: int = 400, seed: int = 0) -> dict[str, list[object]]:
    """Clean rows: ages and cities drawn at random, a member a third of them."""
    rng = np.random.default_rng(seed)
    return {
        "city": rng.choice(["Oslo", "Rome", "Kyiv"], rows).tolist(),
        "age": rng.integers(20, 60, rows).tolist(),
        "height": rng.normal(1.7, 0.1, rows).round(6).tolist(),
        "member": np.where(rng.random(rows) < 0.3, "yes", "no").tolist(),
    }


def written(path: Path, columns: dict[str, list[object]]) -> Path:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows(zip(*columns.values(), strict=True))
    path.write_text(out.getvalue())
    return path


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return written(tmp_path / "clean.csv", people())


@pytest.fixture(scope="module")
def worker() -> Iterator[TfdvWorker]:
    with TfdvWorker(interpreter.find(None, ROOT)) as running:
        yield running


@pytest.fixture
def warm(worker: TfdvWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take this worker instead of starting one each."""

    @contextmanager
    def tfdv() -> Iterator[TfdvWorker]:
        yield worker

    for module in (profiling, validation):
        monkeypatch.setattr(module, "tfdv", tfdv)


def test_a_profile_shows_each_column_with_its_figures(clean: Path):
    shown = run("profile", clean)
    assert shown.exit_code == 0
    assert "400 rows, 4 columns; text with a header, delimited by comma" in shown.output
    (age,) = (line.split() for line in shown.output.splitlines() if line.split()[:1] == ["age"])
    assert age[1] == "int64"
    assert {"20", "59"} <= set(age)
    assert any("Oslo" in line and "%" in line for line in shown.output.splitlines())


def test_a_profile_for_machines_is_json_with_every_column(clean: Path):
    said = json.loads(run("profile", clean, "--json").stdout)
    assert said["rows"] == 400
    assert {c["name"]: c["type"] for c in said["columns"]} == {
        "city": "string",
        "age": "int64",
        "height": "float64",
        "member": "string",
    }
    assert sum(top["rows"] for top in said["columns"][0]["top"]) == 400


@pytest.mark.usefixtures("warm")
def test_a_profile_writes_one_page_that_names_the_file(clean: Path, tmp_path: Path):
    page = tmp_path / "page.html"
    shown = run("profile", clean, "--html", page)
    assert shown.exit_code == 0, shown.output
    assert f"page: {page}" in shown.output
    assert "<html" in page.read_text()[:1000].lower()
    assert list(tmp_path.glob(".*.part")) == []
    refused = run("profile", clean, "--html", tmp_path / "no" / "page.html")
    assert (refused.exit_code, "cannot be written" in refused.output) == (2, True)


def test_nothing_that_a_stranger_wrote_reaches_the_terminal_raw(tmp_path: Path):
    columns = people() | {f"x{HOSTILE}\n": [f"v{HOSTILE}"] * 400}
    path = written(tmp_path / f"f{HOSTILE.replace('/', '')}.csv", columns)
    other = written(tmp_path / "other.csv", columns | {"city": [HOSTILE] * 400})
    for shown in (
        run("profile", path),
        run("profile", path, "--json"),
        run("diff", path, other),
        run("validate", path, "--reference", other, "--no-tfdv"),
        run("validate", path, "--label", HOSTILE, "--positive", "x"),
        run("profile", tmp_path / f"missing{HOSTILE}"),
    ):
        assert not {c for c in shown.output if not c.isprintable()} - {"\n"}, shown.output


def test_columns_that_stand_twice_or_have_no_name_are_renamed_and_said(tmp_path: Path):
    (tmp_path / "a.csv").write_text("n,n,,a b\n1,2,x,y\n3,4,z,w\n")
    shown = run("profile", tmp_path / "a.csv")
    assert shown.exit_code == 0
    assert "2 rows, 4 columns" in shown.output
    assert "malformed" not in shown.output
    for new, old in (("n_2", "n"), ("column_3", ""), ("a_b", "a b")):
        assert f"column {new} is {old!r} there" in shown.output


def test_records_that_are_no_rows_are_counted_and_shown_by_line(tmp_path: Path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3\n4,5\n6,7,8\n" + "1,2\n" * 40)
    shown = run("profile", tmp_path / "a.csv")
    assert shown.exit_code == 0
    assert "2 records are malformed" in shown.output
    assert "line 3" in shown.output
    assert "line 5" in shown.output


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.csv", None, "no such file"),
        ("empty.csv", b"", "empty"),
        ("cut.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 9999)[:60], "gzip"),
        ("broken.parquet", b"PAR1broken", "no readable Parquet"),
        ("binary.csv", b"PK\x03\x04\x00", "zip"),
        ("no/such/table", None, "no such file"),
    ],
)
@pytest.mark.parametrize("command", ["profile", "validate", "diff"])
def test_what_cannot_be_read_is_one_line_and_exit_code_2(
    tmp_path: Path, clean: Path, command: str, name: str, content: bytes | None, said: str
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    shown = run(command, *([clean] if command == "diff" else []), path)
    assert shown.exit_code == 2
    assert said in shown.output
    assert shown.output.startswith("Error: ")
    assert shown.output.count("\n") == 1


def test_a_folder_that_is_no_delta_table_cannot_be_read(tmp_path: Path):
    shown = run("profile", tmp_path)
    assert (shown.exit_code, "is a folder" in shown.output) == (2, True)


def test_a_delta_folder_is_read_as_a_table(tmp_path: Path):
    table = pa.table({**people(), "no text": [1.5] * 400})
    Lake(tmp_path / "lake").table("a/b").overwrite(table, WHO)
    shown = run("profile", tmp_path / "lake" / "a" / "b")
    assert shown.exit_code == 0, shown.output
    assert "400 rows, 5 columns; version 0 of a Delta table" in shown.output
    assert "column no_text is 'no text' there" in shown.output


def test_a_table_of_the_lake_is_read_by_name_and_version(lake: Lake):
    table = lake.table("people/dataset")
    table.overwrite(pa.table(people(300)), WHO)
    table.overwrite(pa.table(people(500, seed=1)), WHO)
    assert "500 rows" in run("profile", "people/dataset").output
    assert "300 rows, 4 columns; version 0 of" in run("profile", "people/dataset@0").output
    for missing in ("people/dataset@7", "people/nothing"):
        assert run("profile", missing).exit_code == 2


def test_clean_data_passes_and_says_what_nobody_asked(clean: Path):
    shown = run("validate", clean)
    assert shown.exit_code == 0, shown.output
    assert "not judged: freshness; it needs --event-time" in shown.output
    assert "not judged: label_leakage" in shown.output
    assert "not judged: distribution; it needs --reference" in shown.output
    assert "FAIL" not in shown.output


def test_a_gate_that_refuses_says_why_and_gives_exit_code_1(tmp_path: Path):
    columns = people()
    columns["age"][::2] = [None] * 200
    columns["city"][:40] = [f"someone{n}@example.com" for n in range(40)]
    shown = run("validate", written(tmp_path / "bad.csv", columns))
    assert shown.exit_code == 1
    failed = {line.split()[1] for line in shown.output.splitlines() if line.startswith("FAIL")}
    assert "sensitive_data" in failed
    assert "@example.com" not in shown.output.replace("…", "")


def test_a_label_that_a_column_gives_away_is_refused(tmp_path: Path):
    columns = people()
    columns["copy"] = [float(m == "yes") for m in columns["member"]]
    path = written(tmp_path / "leak.csv", columns)
    assert run("validate", path).exit_code == 0
    shown = run("validate", path, "--label", "member", "--positive", "yes")
    assert shown.exit_code == 1
    assert any(
        line.startswith("FAIL") and "label_leakage" in line for line in shown.output.splitlines()
    )
    assert run("validate", path, "--label", "member").exit_code == 2
    assert run("validate", path, "--label", "nothing", "--positive", "x").exit_code == 2


def test_a_key_that_stands_twice_is_refused(tmp_path: Path):
    path = written(tmp_path / "a.csv", people() | {"id": [*range(399), 0]})
    assert run("validate", path).exit_code == 0
    shown = run("validate", path, "--key", "id")
    assert shown.exit_code == 1
    assert any(
        line.startswith("FAIL") and "duplicates" in line for line in shown.output.splitlines()
    )


def test_old_data_is_refused_by_its_event_time(tmp_path: Path):
    path = written(tmp_path / "a.csv", people() | {"at": ["2001-02-03T04:05:06Z"] * 400})
    shown = run("validate", path, "--event-time", "at")
    assert shown.exit_code == 1
    assert any(
        line.startswith("FAIL") and "freshness" in line for line in shown.output.splitlines()
    )
    assert run("validate", path, "--event-time", "age").exit_code == 2


def test_a_policy_file_sets_limits_and_may_only_warn(clean: Path, tmp_path: Path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("data_gates: {row_count: {minimum: 1000}}\n")
    refused = run("validate", clean, "--policy", policy)
    assert refused.exit_code == 1
    assert any(
        line.startswith("FAIL") and "row_count" in line for line in refused.output.splitlines()
    )
    policy.write_text("attributes: {data_gates: {row_count: {minimum: 1000, severity: warn}}}\n")
    warned = run("validate", clean, "--policy", policy)
    assert warned.exit_code == 0
    assert any(
        line.startswith("WARN") and "row_count" in line for line in warned.output.splitlines()
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("other: {}", "has no section `data_gates:`"),
        ("data_gates: {row_count: {minimum: many}}", "data_gates.row_count.minimum"),
        ("data_gates: {row_counts: {}}", "data_gates.row_counts"),
        ("data_gates: {value_ranges: {columns: {weight: [0, 1]}}}", "names 'weight'; columns:"),
        ("a: [", "no readable YAML"),
    ],
)
def test_a_wrong_policy_is_one_line(clean: Path, tmp_path: Path, content: str, said: str):
    (tmp_path / "policy.yaml").write_text(content)
    shown = run("validate", clean, "--policy", tmp_path / "policy.yaml")
    assert (shown.exit_code, shown.output.count("\n")) == (2, 1)
    assert said in shown.output


@pytest.mark.usefixtures("warm")
def test_a_reference_shows_what_changed_and_tfdv_finds_values_outside_its_categories(
    clean: Path, tmp_path: Path
):
    fresh = written(tmp_path / "fresh.csv", people(seed=1))
    passed = run("validate", fresh, "--reference", clean)
    assert passed.exit_code == 0, passed.output
    assert "changes since the reference:" in passed.output
    assert "without TFDV" not in passed.output
    columns = people(seed=2)
    columns["city"][:8] = ["Atlantis"] * 8
    other = written(tmp_path / "other.csv", columns)
    shown = run("validate", other, "--reference", clean)
    assert shown.exit_code == 1
    schema = [line for line in shown.output.splitlines() if "data_schema" in line]
    assert schema[0].startswith("FAIL")
    assert "1 new values: 'Atlantis'" in shown.output
    without = run("validate", other, "--reference", clean, "--no-tfdv")
    assert "not checked without TFDV" in without.output


def test_columns_that_went_or_came_break_the_schema_of_the_reference(clean: Path, tmp_path: Path):
    columns = people(seed=1)
    columns["weight"] = columns.pop("age")
    path = written(tmp_path / "other.csv", columns)
    shown = run("validate", path, "--reference", clean, "--no-tfdv")
    assert shown.exit_code == 1
    (schema,) = (line for line in shown.output.splitlines() if "data_schema" in line)
    assert schema.startswith("FAIL")
    assert "age" in schema
    assert "weight" in schema


def test_text_is_read_in_the_types_of_the_reference(clean: Path, tmp_path: Path):
    columns = people(seed=1)
    columns["age"][:100] = ["unknown"] * 100
    shown = run("validate", written(tmp_path / "b.csv", columns), "--reference", clean, "--no-tfdv")
    assert shown.exit_code == 1
    assert any(
        line.startswith("FAIL") and "malformed_rows" in line for line in shown.output.splitlines()
    )
    assert "'unknown' is no int64" in shown.output


def test_a_table_is_judged_as_its_pipeline_says(lake: Lake):
    columns = people()
    columns["age"] = [
        90 if m == "yes" else a for m, a in zip(columns["member"], columns["age"], strict=True)
    ]
    lake.table("people/dataset").overwrite(pa.table(columns), WHO)
    shown = run("validate", "people/dataset")
    assert shown.exit_code == 1
    assert any(
        line.startswith("FAIL") and "label_leakage" in line for line in shown.output.splitlines()
    )


def test_equal_rows_in_any_order_and_format_do_not_differ(clean: Path, tmp_path: Path):
    table = pa.table(people())
    pq.write_table(table.take(list(reversed(range(400)))), tmp_path / "other.parquet")
    shown = run("diff", clean, tmp_path / "other.parquet")
    assert shown.exit_code == 0, shown.output
    assert "hold the same 400 rows" in shown.output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"city": ["Oslo"] * 400}, "city: 2 vanished values"),
        ({"age": [40] * 400}, "age: deviation"),
        ({"age": [None] * 100 + people()["age"][100:]}, "age: missing values 0.0% became 25.0%"),
        ({"weight": [1.5] * 400}, "weight: the column is new"),
        ({"city": ["Rome", *people()["city"][1:-1], "Kyiv"]}, ""),
    ],
)
def test_every_difference_is_told_and_gives_exit_code_1(
    clean: Path, tmp_path: Path, changes: dict[str, list[object]], said: str
):
    shown = run("diff", clean, written(tmp_path / "other.csv", people() | changes))
    assert shown.exit_code == 1
    assert said in shown.output


def test_one_row_more_and_one_value_swapped_between_rows_differ(clean: Path, tmp_path: Path):
    columns = people()
    columns["age"][0], columns["age"][1] = 21, 22
    base = written(tmp_path / "base.csv", columns)
    columns["age"][0], columns["age"][1] = 22, 21
    columns["city"][:2] = ["Oslo", "Rome"]
    assert run("diff", base, written(tmp_path / "swapped.csv", columns)).exit_code == 1
    more = {name: [*values, values[0]] for name, values in people().items()}
    shown = run("diff", clean, written(tmp_path / "more.csv", more))
    assert (shown.exit_code, "rows: 400 became 401" in shown.output) == (1, True)


def faces(path: Path, length: float = 1.0, rows: int = 1_100) -> Path:
    """People with a vector of this length each; the last one, too short, is behind a guess's rows."""
    values = np.random.default_rng(1).normal(0, 1, (rows, 4))
    values *= length / np.linalg.norm(values, axis=1, keepdims=True)
    lists = [*values.tolist()[:-1], [0.5]]
    table = pa.table(people(rows)).append_column("face", pa.array(lists, pa.list_(pa.float64())))
    pq.write_table(table, path)
    return path


def test_vectors_in_a_file_are_profiled_judged_and_told_apart(tmp_path: Path, warm: None):
    one = faces(tmp_path / "one.parquet")
    shown = run("profile", one, "--html", tmp_path / "page.html")
    assert shown.exit_code == 0, shown.output
    (line,) = (line for line in shown.output.splitlines() if line.split()[:1] == ["face"])
    assert "vector[4]" in line
    assert "vectors of 4 numbers, mean length 1" in line
    assert "1 x not 4 numbers" in shown.output
    assert (tmp_path / "page.html").stat().st_size
    assert run("diff", one, one).output.strip() == "malformed records: 1 became 1"
    longer = faces(tmp_path / "longer.parquet", 3.0)
    told = run("diff", one, longer)
    assert told.exit_code == 1
    assert "face: mean length 1 became 3" in told.output
    judged = run("validate", longer, "--reference", one)
    assert judged.exit_code == 0, judged.output
    assert "vectors are not compared: face" in judged.output


def test_a_vector_is_neither_key_nor_label_and_has_no_range(tmp_path: Path):
    one = faces(tmp_path / "one.parquet")
    for words in (["--key", "face"], ["--label", "face", "--positive", "1"]):
        asked = run("validate", one, *words)
        assert asked.exit_code == 2
        assert "column 'face' is vector[4]: neither label nor key" in asked.output
    policy = tmp_path / "policy.yaml"
    policy.write_text("data_gates: {value_ranges: {columns: {face: [0, 1]}}}")
    asked = run("validate", one, "--policy", policy)
    assert asked.exit_code == 2
    assert "value_ranges.columns names 'face', a vector[4]" in asked.output


def test_a_file_of_vectors_alone_and_tables_of_them_can_be_looked_at(
    tmp_path: Path, lake: Lake, warm: None
):
    table = pq.read_table(faces(tmp_path / "one.parquet")).slice(0, 50).select(["face"])
    pq.write_table(table, tmp_path / "alone.parquet")
    shown = run("profile", tmp_path / "alone.parquet", "--html", tmp_path / "page.html")
    assert "vector[4]" in shown.output
    lake.table("faces/vectors").overwrite(table, WHO)
    assert "vector[4]" in run("profile", "faces/vectors").output
    folder = tmp_path / ".mlplatform" / "lake" / "faces" / "vectors"
    assert "vector[4]" in run("profile", folder).output
    text = written(tmp_path / "text.csv", {"face": ["a", "b"]})
    assert "face: vector[4] became string" in run("diff", tmp_path / "alone.parquet", text).output


def test_text_is_read_as_a_pipeline_declares_it_where_one_is_meant(tmp_path: Path):
    said = {"missing": ["?"], "header": False, "encoding": "latin-1", "comment": "#"}
    spec = make_spec(**said)  # Of name, age, height and the label, member.
    rows = "# people\nJosé,41,?,yes\nbob,?,1.5,no\n"
    path = tmp_path / "people.csv"
    columns = {"name": "string", "age": "int64", "height": "float64"}
    for text in (rows, rows.replace(",yes", "").replace(",no", "")):
        path.write_bytes(text.encode("latin-1"))
        (chunk,) = open_input(str(path), spec).chunks(columns)
        assert chunk.rows.select(list(columns)).to_pylist() == [
            {"name": "José", "age": 41, "height": None},
            {"name": "bob", "age": None, "height": 1.5},
        ]
    path.write_bytes("height;name;x y;age\n1.5;José;a;?\n".encode("latin-1"))
    (chunk,) = open_input(str(path), spec).chunks(columns)
    assert chunk.rows["name"].to_pylist() == ["José"]
    assert chunk.rows["x_y"].to_pylist() == ["a"]
    path.write_text("a,b\n1,2\n")
    assert list(open_input(str(path), spec).columns) == ["a", "b"]
