"""What changed between two models is told, and nothing is said to be the same that was not compared."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from mlplatform.lake import Lake
from mlplatform.lake.compaction import optimize
from mlplatform.provenance import data_difference
from mlplatform.provenance.changes import changes, library_changes
from mlplatform.provenance.code_difference import code_change
from mlplatform.provenance.difference import Difference, differ
from mlplatform.provenance.difference_sections import UNKNOWN, sections
from mlplatform_tests.provenance.conftest import story_of
from mlplatform_tests.provenance.registered import HOSTILE, Durable, Registered


def difference(root: Path, one: str = "census@1", other: str = "census@2") -> Difference:
    """Return what changed, without a checkout to ask."""
    return differ(Lake(root), None, story_of(root, one), story_of(root, other))


def test_rows_that_came_and_went_are_counted(two_models):
    tables = {each.table: each for each in difference(two_models).tables}
    assert (tables["source"].added, tables["source"].removed) == (5, 0)
    assert (tables["dataset"].added, tables["dataset"].removed) == (5, 0)
    assert tables["dataset"].rows == (5, 10)
    back = {each.table: each for each in difference(two_models, "census@2", "census@1").tables}
    assert (back["source"].added, back["source"].removed) == (0, 5)
    assert (back["dataset"].added, back["dataset"].removed) == (0, 5)


def test_files_that_landed_between_are_named(two_models):
    assert [file.name for file in difference(two_models).landed] == [HOSTILE]
    back = difference(two_models, "census@2", "census@1")
    assert [file.name for file in back.landed] == [HOSTILE]
    assert "older in the second" in back.landed_note


def test_rows_and_files_are_told_across_a_compaction(tmp_path, monkeypatch):
    lake = Lake(tmp_path)
    made = Registered(Durable(lake))
    made.land()
    made.land()
    made.model()
    for _ in range(2):
        made.land()
        optimize(lake.table("census/source"), "test", least_files=2)
        made.land()
    made.model()
    names = [f"batch-{number}.csv" for number in range(3, 7)]
    for ends, counts in (("12", (20, 0)), ("21", (0, 20))):
        told = difference(tmp_path, *(f"census@{end}" for end in ends))
        source = next(each for each in told.tables if each.table == "source")
        assert (source.added, source.removed) == counts
        assert [file.name for file in told.landed] == names
    monkeypatch.setattr(data_difference, "LANDED", 3)
    told = difference(tmp_path)
    assert [file.name for file in told.landed] == names[-3:]
    assert told.landed_note == "the newest 3 of 4 commits"


def test_a_replaced_table_does_not_continue_what_it_replaced_though_it_was_compacted(tmp_path):
    lake = Lake(tmp_path)
    made = Registered(Durable(lake))
    made.land()
    made.model()
    lake.table("census/source").overwrite(pa.table({"age": [1]}), made.lineage("source"))
    made.land()
    optimize(lake.table("census/source"), "test", least_files=2)
    made.land()
    made.model()
    told = difference(tmp_path)
    source = next(each for each in told.tables if each.table == "source")
    assert (source.added, source.removed) == (None, None)
    assert [file.name for file in told.landed] == ["batch-2.csv", "batch-3.csv"]


def test_whether_the_test_rows_are_the_same_is_not_said_where_it_is_not_known(two_models):
    lake, one = Lake(two_models), story_of(two_models, "census@2")
    bare = replace(one, steps=[each for each in one.steps if each.noun not in {"dataset", "split"}])
    torn = replace(
        one,
        steps=[
            replace(each, problem="damaged", digest="") if each.noun == "split" else each
            for each in one.steps
        ],
    )
    for before, after in ((bare, bare), (one, torn), (torn, one)):
        told = differ(lake, None, before, after)
        assert told.same_rows is None
        note = next(part.note for part in sections(told) if part.at == "metrics")
        assert note.startswith("Not known whether")
    assert differ(lake, None, story_of(two_models, "census@1"), torn).same_rows is False


def test_parameters_libraries_metrics_and_gates_are_compared(two_models):
    told = difference(two_models)
    assert [(c.what, c.before, c.after) for c in told.spec] == [("model.learning_rate", 0.1, 0.2)]
    assert [c.what for c in told.hyperparameters] == ["learning_rate", "seed"]
    assert [(c.what, c.before, c.after) for c in told.libraries] == [
        ("jax", "0.10.2", "0.10.3"),
        ("scipy", None, "1.0"),
    ]
    assert told.surroundings == []
    assert [(m.metric, m.before.observed, m.after.observed) for m in told.metrics] == [
        ("auc", 0.9, 0.92)
    ]
    assert told.same_rows is False
    assert [g.gate for g in told.gates] == ["fairness", "performance"]


def test_the_teams_own_files_are_shown_as_a_diff(two_models):
    assert difference(two_models).code.diff.split("\n") == [
        *("--- a/features.py", "+++ b/features.py", "@@ -1 +1 @@"),
        *("-features = []", "+features = [1]"),
    ]


def test_a_model_differs_in_nothing_from_itself(two_models):
    told = difference(two_models, "census@2", "census@2")
    assert all(table.same for table in told.tables)
    assert (told.landed, told.spec, told.libraries, told.gates) == ([], [], [], [])
    assert told.code.same
    assert told.code.diff == ""
    assert told.same_rows
    assert told.same_gates == 2


def test_what_is_not_on_record_is_not_called_the_same(two_models):
    one, other = (story_of(two_models, ref) for ref in ("census@1", "census@2"))
    bare = replace(
        one, spec=None, surroundings=None, libraries=None, code=replace(one.code, pipeline=None)
    )
    told = differ(Lake(two_models), None, bare, other)
    assert (told.spec, told.surroundings, told.libraries, told.code.diff) == (
        None,
        None,
        None,
        None,
    )
    notes = {part.at: part.note for part in sections(told)}
    assert (notes["spec"], notes["environment"], notes["libraries"]) == (UNKNOWN,) * 3


def test_a_version_whose_rows_are_gone_is_not_compared(two_models, tmp_path):
    root = tmp_path / "lake"
    shutil.copytree(two_models, root)
    for file in Lake(root).table("census/dataset").files(0):
        Path(file).unlink()
    dataset = next(t for t in difference(root).tables if t.table == "dataset")
    assert (dataset.added, dataset.removed, dataset.rows) == (None, None, (5, 10))
    assert "is missing" in dataset.note


def test_versions_too_large_to_compare_are_counted_by_the_log_alone(two_models, monkeypatch):
    monkeypatch.setattr(data_difference, "LARGEST_BYTES", 10)
    dataset = next(t for t in difference(two_models).tables if t.table == "dataset")
    assert (dataset.added, dataset.rows) == (None, (5, 10))
    assert dataset.note.startswith("not compared row by row")


def test_models_of_two_pipelines_are_compared(two_models, tmp_path):
    root = tmp_path / "lake"
    shutil.copytree(two_models, root)
    other = Registered(Durable(Lake(root)), name="fraud")
    other.land()
    other.learning_rate = 0.5
    other.model(auc=0.7)
    told = difference(root, "census@1", "fraud@1")
    assert (told.before, told.after) == ("census@1", "fraud@1")
    assert {t.table for t in told.tables if not t.same} >= {"model", "evaluation"}


@pytest.fixture
def checkout(tmp_path):
    """A git repository and its two commits."""
    commits = []
    for content in ("one", "two"):
        (tmp_path / "file.py").write_text(content)
        (tmp_path / f"{content}.md").write_text(content)
        _git(tmp_path, "init", "-q")
        _git(tmp_path, "add", ".")
        _git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@t.t", "commit", "-q", "-m", content)
        commits.append(_git(tmp_path, "rev-parse", "HEAD").strip())
    return tmp_path, commits


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_files_that_changed_between_the_commits_are_named(two_models, checkout):
    root, (one, other) = checkout
    code = story_of(two_models, "census@1").code
    said = code_change(
        Lake(two_models), root, replace(code, commit=one), replace(code, commit=other, said="x")
    )
    assert said.files == (("M", "file.py"), ("A", "two.md"))
    assert not said.same


def test_a_hook_of_git_leads_to_no_other_repository(two_models, checkout, monkeypatch, tmp_path):
    root, (one, other) = checkout
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    code = story_of(two_models, "census@1").code
    said = code_change(
        Lake(two_models), root, replace(code, commit=one), replace(code, commit=other)
    )
    assert said.files == (("M", "file.py"), ("A", "two.md"))


def test_a_commit_that_the_checkout_lacks_is_said(two_models, checkout):
    root, (one, _) = checkout
    code = story_of(two_models, "census@1").code
    said = code_change(Lake(two_models), root, replace(code, commit=one), code)
    assert said.files is None
    assert said.why == "this checkout has no commit ab12ab12ab12; fetch it"


def test_changes_that_no_commit_holds_are_said(two_models):
    code = story_of(two_models, "census@1").code
    dirty = replace(code, dirty=True, said=f"{code.commit}-dirty")
    said = code_change(Lake(two_models), None, dirty, dirty)
    assert not said.same
    assert said.why == "the first and the second had changes that no commit holds"


def test_leaves_that_differ_only_in_kind_differ():
    assert [c.what for c in changes({"a": 1, "b": 1, "c": None}, {"a": True, "b": 1}) or []] == [
        "a",
        "c",
    ]
    assert changes(None, {}) is None
    assert changes({"a": []}, {"a": []}) == []


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"a.b": 1}, {"a": {"b": 1}}, ['"a.b"', "a.b"]),
        ({"a": {"b": 1}, "a.b": 2}, {"a": {"b": 3}, "a.b": 2}, ["a.b"]),
        ({"a": [{"b": 1}]}, {"a[0]": {"b": 1}}, ['"a[0]".b', "a[0].b"]),
        ({"": {"a": 1}}, {"a": 1}, ['"".a', "a"]),
        ({"x": [1, 0]}, {"x": [True, False]}, ["x"]),
        ({"x": [1]}, {"x": [1.0]}, ["x"]),
        ({}, {"a": 1}, ["a"]),
        ({"a": {}}, {}, ["a"]),
    ],
)
def test_no_two_leaves_are_taken_for_one(before, after, wanted):
    assert [each.what for each in changes(before, after)] == wanted


def test_a_library_with_a_dot_keeps_its_name():
    assert [each.what for each in library_changes(["a.b==1"], ["a.b==2"])] == ["a.b"]


def test_libraries_that_went_are_told():
    gone = library_changes(["a==1", "b==2"], ["b==2"])
    assert [(c.what, c.before, c.after) for c in gone] == [("a", "1", None)]
