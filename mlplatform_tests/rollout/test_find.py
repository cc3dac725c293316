"""A reference to a model finds one registered model, or says what there is."""

import shutil
from pathlib import Path

import pytest

from mlplatform.errors import CorruptionError, RegistryError
from mlplatform.lake import Lake, Lineage
from mlplatform.lake.compaction import optimize
from mlplatform.registry.find import known_pipelines
from mlplatform.rollout import events
from mlplatform.rollout.find import find
from mlplatform.rollout.traffic import Kind
from mlplatform_tests.provenance.registered import Durable, Registered


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Root of a lake: 1 was champion, 2 is, 3 is on trial, 4 was never deployed; and their digests."""
    root = tmp_path_factory.mktemp("four") / "lake"
    made = Registered(Durable(Lake(root)))
    made.land()
    models = [made.model() for _ in range(4)]
    made.event(Kind.DEPLOYED, models[0])
    made.event(Kind.CANARY, models[1])
    made.event(Kind.PROMOTED, models[1])
    made.event(Kind.CANARY, models[2])
    return root, [model.digest for model in models]


def version(root: Path, ref: str) -> int:
    lake = Lake(root)
    return find(lake, known_pipelines(lake), ref).record.model_version


@pytest.mark.parametrize(
    ("ref", "wanted"),
    [
        ("census", 2),
        ("census@champion", 2),
        ("census@challenger", 3),
        ("census@previous", 1),
        ("census@newest", 4),
        ("census@1", 1),
        ("census@4", 4),
        ("census/deployment", 2),
        ("census/deployment@0", 1),
    ],
)
def test_a_reference_finds_its_model(four, ref, wanted):
    assert version(four[0], ref) == wanted


def test_a_digest_finds_its_model_in_any_pipeline(four):
    root, digests = four
    assert [version(root, digest[:8]) for digest in digests] == [1, 2, 3, 4]
    assert version(root, digests[2]) == 3


def test_what_is_found_names_the_version_that_holds_the_artifact(four):
    root, digests = four
    lake = Lake(root)
    found = find(lake, ["census"], "census@3")
    assert found.model == lake.table("census/model").version(2)
    assert found.model.lineage.facts["artifact"] == digests[2] == found.record.model_digest


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("census@5", "no model version 5; there are 1 to 4"),
        ("census@0", "there are 1 to 4"),
        (
            "census@live",
            "expected a version number or one of champion, challenger, previous, newest",
        ),
        ("fraud", r"names no model; expected a pipeline \(census\)"),
        ("abc", "8 digits of a digest"),
        ("0123456789ab", "no registered model has a digest that begins"),
        ("census/deployment@x", "expected a version of the table"),
    ],
)
def test_what_is_not_there_is_refused_and_what_is_there_is_named(four, ref, said):
    with pytest.raises(RegistryError, match=said):
        version(four[0], ref)


def test_a_role_that_nobody_has_names_those_that_somebody_has(tmp_path):
    made = Registered(Durable(Lake(tmp_path)))
    made.land()
    made.event(Kind.DEPLOYED, made.model())
    with pytest.raises(RegistryError, match=r"no challenger; it has @champion \(version 1\)"):
        version(tmp_path, "census@challenger")


def test_a_lake_without_models_says_so(tmp_path):
    with pytest.raises(RegistryError, match="there is none"):
        version(tmp_path, "census")


def test_compacted_tables_give_the_same_answers(four, tmp_path):
    """A compaction is a log entry between the versions, and what it holds are many rows."""
    root, digests = four
    copy = tmp_path / "lake"
    shutil.copytree(root, copy)
    for noun in ("registered_model", "deployment"):
        optimize(Lake(copy).table(f"census/{noun}"), "test", least_files=2)
    for file in (copy / "census" / "registered_model").glob("*.parquet"):
        if file.name not in _alive(copy):
            file.unlink()  # As a vacuum does with the files that were compacted.
    refs = [
        "census",
        "census@challenger",
        "census@previous",
        "census@newest",
        "census@1",
        "census@3",
    ]
    assert [version(copy, ref) for ref in refs] == [version(root, ref) for ref in refs]
    assert [version(copy, digest[:8]) for digest in digests] == [1, 2, 3, 4]


def _alive(root: Path) -> set[str]:
    return {Path(file).name for file in Lake(root).table("census/registered_model").files()}


def test_events_that_do_not_say_who_is_live_are_added_up(tmp_path):
    """As a lake has them that is older than the facts in its commits."""
    lake = Lake(tmp_path)
    made = Registered(Durable(lake))
    made.land()
    model = made.model()
    event = events.Event(
        kind=Kind.DEPLOYED, model_digest=model.digest, model_version=1, percent=100.0,
        by="ada", reason="first", at=events_at(),
    )  # fmt: skip
    who = Lineage(asset="census/deployment", run_id="test", code_version="test")
    events.append(lake.table("census/deployment"), event, who, "event:1")
    assert version(tmp_path, "census") == 1


def events_at():
    from mlplatform_tests.provenance.registered import BEGAN

    return BEGAN


def test_a_table_that_was_made_anew_is_no_answer(four, tmp_path):
    copy = tmp_path / "lake"
    shutil.copytree(four[0], copy)
    shutil.rmtree(copy / "census" / "model")
    other = Registered(Durable(Lake(copy)), facts=None, made=9)
    other.data = {
        n: Lake(copy).table(f"census/{n}").latest() for n in ("dataset", "split", "features")
    }
    with pytest.raises(RegistryError):
        version(copy, "census@77")
    other.writer.overwrite("census/model", _row(), other.lineage("model"))
    with pytest.raises(CorruptionError, match="it was made anew since"):
        version(copy, "census@1")


def _row():
    import pyarrow as pa

    return pa.table({"model_digest": ["x"], "hyperparameters": ["{}"]})


def test_a_deployment_of_a_model_that_is_registered_otherwise_is_refused(tmp_path):
    made = Registered(Durable(Lake(tmp_path)))
    made.land()
    model = made.model()
    made.event(Kind.DEPLOYED, events.Model(version=model.version, digest="f" * 64))
    with pytest.raises(CorruptionError, match="restore the one that is wrong"):
        version(tmp_path, "census")


def _entry(root: Path, number: int) -> Path:
    return root / "census" / "registered_model" / "_delta_log" / f"{number:020d}.json"


@pytest.mark.parametrize("damage", [Path.unlink, lambda entry: entry.write_bytes(b"{}")])
def test_a_damaged_entry_hides_no_model_but_its_own(four, tmp_path, damage):
    root, digests = tmp_path / "lake", four[1]
    shutil.copytree(four[0], root)
    damage(_entry(root, 1))
    for number in (0, 2, 3):
        assert version(root, digests[number][:8]) == number + 1
        assert version(root, f"census@{number + 1}") == number + 1
    with pytest.raises(CorruptionError, match=r"log entry .*01\.json (is missing|was not written)"):
        version(root, digests[1][:8])


def test_a_damaged_newest_entry_hides_no_model_by_its_digest(four, tmp_path):
    root, digests = tmp_path / "lake", four[1]
    shutil.copytree(four[0], root)
    _entry(root, 3).write_bytes(b"{}")
    assert version(root, digests[0][:8]) == 1


def test_a_damaged_compaction_hides_no_model_by_its_digest(four, tmp_path):
    root, digests = tmp_path / "lake", four[1]
    shutil.copytree(four[0], root)
    optimize(Lake(root).table("census/registered_model"), "test", least_files=2)
    _entry(root, 4).write_bytes(b"{}")
    assert [version(root, digest[:8]) for digest in digests] == [1, 2, 3, 4]
