"""Who holds what and until when, read from what is in the lake; and what a vacuum then leaves."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from mlplatform.errors import CorruptionError, FreedError, LakeError
from mlplatform.lake import Lake, Lineage, faults, journal
from mlplatform.lake.compaction import optimize
from mlplatform.lake.vacuum import Held, Plan, carry_out, plan
from mlplatform.provenance import certificate
from mlplatform.provenance.certificate import Certificate
from mlplatform.provenance.held import held, require_known
from mlplatform.provenance.leases import Lease, Stage, leases
from mlplatform.rollout import Kind
from mlplatform_tests.provenance.generations import START, Generations

DAY = timedelta(days=1)
DATA = ("source", "dataset", "split", "features", "model", "evaluation", "gate_verdict")


def now() -> datetime:
    return datetime.now(UTC)


def vacuumed(world: Generations, at: datetime | None = None) -> Plan:
    """Vacuum without any grace, as leases stand at a time."""
    holds, lost = held(world.lake, [world.pipeline], at or now(), grace_days=0)
    assert lost == []
    planned = plan(world.lake, holds, now=now())
    carry_out(world.lake, planned, "t")
    return planned


def of(world: Generations, stage: Stage) -> list[Lease]:
    return [each for each in leases(world.lake, world.pipeline, now()) if each.stage is stage]


def certified(world: Generations, at: int) -> None:
    """Write a certificate about the model of a generation."""
    given = Certificate(
        model_version=1, model_digest=world.artifacts[at]["model"], outcome="BIT_EXACT",
        max_ulp=0, first_difference="", details={}, code_version="c", environment="e",
        hardware_class="h", made_by="t", made_at=now(), seconds=1,
    )  # fmt: skip
    certificate.write(world.lake, world.pipeline.name, given, world.lineage("certificate"))


def test_an_empty_lake_has_no_leases(tmp_path: Path):
    world = Generations(tmp_path)
    assert leases(world.lake, world.pipeline, now()) == []


def test_a_registered_model_holds_all_it_was_made_from_for_ever(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    for _ in range(5):
        world.walk()
    world.register(1)
    world.walk()
    planned = vacuumed(world, at=now() + 400 * DAY)
    for noun in DATA:
        readable = set(range(6)) if noun == "gate_verdict" else {1, 5}
        assert world.readable(noun) == readable, noun
    for kind in ("model", "state", "libraries", "report", "scan"):
        expected = set(range(6)) if kind in ("report", "model") else {1, 5}
        assert world.stored(kind) >= {1, 5}, kind
        assert world.stored(kind) <= expected, kind
    why = {t.table: {k.version.number: k.because for k in t.kept} for t in planned.tables}
    assert why["census_income/dataset"][1] == ("census_income registered model 1",)


def test_versions_of_append_tables_go_once_they_are_compacted_and_nobody_holds_them(
    tmp_path: Path,
):
    world = Generations(tmp_path, retention__report_days=1)
    for _ in range(4):
        world.walk()
    table = world.lake.table("census_income/gate_verdict")
    optimize(table, "t", least_files=2)
    vacuumed(world, at=now() + 2 * DAY)
    assert world.readable("gate_verdict") == {3}
    assert world.stored("report") == world.stored("model") == {3}
    assert table.read().num_rows == 4


def test_reports_hold_until_they_expire(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=30)
    for _ in range(3):
        world.walk()
    assert [each.until - each.since for each in of(world, Stage.REPORT)] == [30 * DAY] * 3
    vacuumed(world, at=now() + 29 * DAY)
    assert world.readable("dataset") == world.stored("report") == {0, 1, 2}
    vacuumed(world, at=now() + 31 * DAY)
    assert world.readable("dataset") == {2}


def test_what_is_live_or_a_rollback_away_never_expires(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1, retention__registered_days=10)
    for _ in range(5):
        world.walk()
    models = [world.register(n, START + n * DAY) for n in range(4)]
    world.happened(Kind.DEPLOYED, models[0], START)
    for n in (1, 2, 3):
        world.happened(Kind.CANARY, models[n], START + n * DAY)
        if n < 3:
            world.happened(Kind.PROMOTED, models[n], START + n * DAY + DAY / 2)
    assert [each.holder for each in of(world, Stage.LIVE)] == [
        "champion, model 3", "canary, model 4", "previous, model 2",
    ]  # fmt: skip
    ended = [each.until for each in of(world, Stage.REGISTERED)]
    assert ended[0] == START + 2.5 * DAY + 10 * DAY  # Until then a rollback led to it.
    assert {each.holds(now()) for each in of(world, Stage.REGISTERED)} == {False}
    vacuumed(world, at=now() + 500 * DAY)
    assert world.readable("features") == {1, 2, 3, 4}


def test_a_live_model_that_nobody_registered_is_held_all_the_same(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    world.walk()
    world.walk()
    model = Generations(tmp_path / "elsewhere")
    model.walk()
    stranger = model.register(0)
    world.lake.artifacts.put({"training.json": b"model 0"})
    world.happened(Kind.DEPLOYED, stranger, START)
    holds, lost = held(world.lake, [world.pipeline], now() + 2 * DAY, grace_days=0)
    assert lost == [f"census_income/registered_model row about model {stranger.model_digest[:12]}"]
    assert plan(world.lake, holds, now=now()).empty
    with pytest.raises(LakeError, match=r"is needed and not there.*--despite-lost"):
        require_known(lost)


def test_references_hold_while_in_force_and_for_a_time_after(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1, retention__reference_days=20)
    for _ in range(4):
        world.walk()
    world.promote_reference(0)
    world.promote_reference(2)
    assert [(e.holder, e.until is None) for e in of(world, Stage.REFERENCE)] == [
        ("reference 1, in force", True), ("reference 0", False),
    ]  # fmt: skip
    vacuumed(world, at=now() + 19 * DAY)
    assert world.readable("dataset") == world.stored("scan") == {0, 2, 3}
    vacuumed(world, at=now() + 21 * DAY)
    assert world.readable("dataset") == world.stored("scan") == {2, 3}


def test_a_certificate_holds_what_its_model_was_made_from(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    for _ in range(3):
        world.walk()
    certified(world, 0)
    vacuumed(world, at=now() + 500 * DAY)
    assert world.readable("features") == world.stored("state") == {0, 2}
    assert world.stored("model") >= {0, 2}


def test_a_walk_that_stopped_can_go_on(tmp_path: Path):
    """The newest version of each table is held with what it was made from, though that is no longer the newest."""
    world = Generations(tmp_path, retention__report_days=1)
    world.walk()
    world.walk()
    world.write("source", rows=9)
    world.write("dataset", world.made[1]["source"], rows=9)
    vacuumed(world, at=now() + 2 * DAY)
    assert world.readable("dataset") == world.readable("source") == {1}


def test_a_profile_is_kept_as_long_as_the_dataset_version_that_it_is_about(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    for _ in range(4):
        world.walk()
    world.register(1)
    vacuumed(world, at=now() + 2 * DAY)
    assert world.stored("scan") == {1, 3}
    assert world.lake.table("census_income/statistics").read().num_rows == 4


def test_whatever_rows_of_an_unknown_table_name_stays(tmp_path: Path):
    """A table that a later version of the platform adds holds what it names until somebody says otherwise."""
    world = Generations(tmp_path, retention__report_days=1)
    world.walk()
    new = world.lake.artifacts.put({"a.txt": b"new"})
    loose = world.lake.artifacts.put({"a.txt": b"loose"})
    rows = pa.table({"details": [f'{{"page": "{new}"}}'], "count": [1]})
    world.lake.table("census_income/invented").overwrite(rows, world.lineage("invented"))
    planned = vacuumed(world)
    assert list(planned.artifacts) == [loose]
    assert planned.kept_artifacts[new] == ["rows of census_income/invented"]


def test_tables_of_a_pipeline_that_is_not_declared_are_kept_whole(tmp_path: Path):
    world = Generations(tmp_path)
    who = Lineage(asset="theirs/model", run_id="r", code_version="c")
    named = [world.lake.artifacts.put({"a.txt": f"theirs {n}".encode()}) for n in range(3)]
    for digest in named:
        facts = Lineage(**{**vars(who), "facts": {"artifact": digest}})
        world.lake.table("theirs/model").overwrite(pa.table({"x": [digest]}), facts)
    planned = vacuumed(world, at=now() + 9999 * DAY)
    assert planned.empty
    assert set(planned.kept_artifacts) == set(named)
    (told,) = planned.tables
    assert {why for kept in told.kept for why in kept.because} == {
        "no pipeline 'theirs' is declared here, so nobody says what of it is needed"
    }


def test_a_lease_on_a_table_made_anew_is_told(tmp_path: Path):
    world = Generations(tmp_path)
    world.walk()
    world.register(0)
    other = Generations(tmp_path / "other")
    other.write("dataset", rows=77)
    old = Path(world.lake.root, "census_income", "dataset")
    old.rename(tmp_path / "old")
    Path(other.lake.root, "census_income", "dataset").rename(old)
    fresh = Lake(world.lake.root)
    _, lost = held(fresh, [world.pipeline], now())
    assert lost == [f"census_income/dataset {world.made[0]['dataset'].reference}"]


@pytest.mark.parametrize("noun", ["features", "split", "dataset", "registered_model"])
def test_all_that_a_lost_table_may_have_named_stays(tmp_path: Path, noun: str):
    """Not only what it was: the artifacts that its facts named, and all that came before."""
    world = Generations(tmp_path, retention__report_days=1)
    for _ in range(3):
        world.walk()
    world.happened(Kind.DEPLOYED, world.register(0), START)
    shutil.rmtree(Path(world.lake.root, "census_income", noun))
    fresh = Lake(world.lake.root)
    holds, lost = held(fresh, [world.pipeline], now() + 500 * DAY, grace_days=0)
    assert lost[0].startswith(f"census_income/{noun} ")
    planned = plan(fresh, holds, now=now())
    assert planned.empty
    assert set(planned.kept_artifacts) >= {
        files[kind] for files in world.artifacts for kind in ("state", "scan", "model", "report")
    }


def test_another_pipeline_is_vacuumed_although_something_of_one_is_lost(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    world.walk()
    world.register(0)
    shutil.rmtree(Path(world.lake.root, "census_income", "split"))
    other = replace(world.pipeline, spec=world.pipeline.spec.model_copy(update={"name": "other"}))
    assert other.name == "other"
    for n in range(2):
        world.lake.table("other/source").overwrite(pa.table({"x": [n]}), world.lineage("source"))
    fresh = Lake(world.lake.root)
    holds, lost = held(fresh, [world.pipeline, other], now(), grace_days=0)
    assert lost
    planned = plan(fresh, holds, now=now())
    assert {t.table: t.freed for t in planned.tables if t.files} == {"other/source": (0,)}


@pytest.mark.parametrize("late", ["reference", "certificate", "registered"])
def test_what_becomes_leased_after_a_vacuum_was_planned_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str
):
    world = Generations(tmp_path, retention__report_days=1)
    for _ in range(3):
        world.walk()

    def meanwhile(point: str) -> None:
        if point == "vacuum_recorded":
            monkeypatch.setattr(faults, "hook", None)
            happens = {"reference": world.promote_reference, "registered": world.register}
            happens.get(late, lambda at: certified(world, at))(1)

    def again() -> Held:
        return held(world.lake, [world.pipeline], now() + 2 * DAY, grace_days=0)[0]

    planned = plan(world.lake, again(), now=now())
    monkeypatch.setattr(faults, "hook", meanwhile)
    done = carry_out(world.lake, planned, "t", again)
    assert world.readable("dataset") == world.stored("scan") == {1, 2}
    assert done.bytes < planned.bytes
    (freed,) = journal.history(world.lake._storage)
    assert freed.tables["census_income/dataset"].versions == (0,)
    assert freed.bytes == done.bytes
    table = Lake(world.lake.root).table("census_income/dataset")
    Path(table.files(1)[0]).unlink()
    with pytest.raises(CorruptionError, match="is missing; restore it"):
        table.read(1)


def test_a_log_that_is_damaged_meanwhile_stops_the_vacuum_with_nothing_removed(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    world.walk()
    world.walk()
    holds, _ = held(world.lake, [world.pipeline], now() + 2 * DAY, grace_days=0)

    def again() -> Held:
        raise CorruptionError("entry 1 is damaged")

    with pytest.raises(CorruptionError, match="entry 1"):
        carry_out(world.lake, plan(world.lake, holds, now=now()), "t", again)
    assert world.readable("dataset") == world.stored("state") == {0, 1}
    assert list(journal.history(world.lake._storage)) == []


def test_a_time_without_end_is_for_ever(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1e12)
    world.walk()
    (report,) = of(world, Stage.REPORT)
    assert report.until is None


@pytest.mark.parametrize("days", [float("inf"), 1e12, float("nan"), -1.0])
def test_a_grace_that_is_none_is_refused(tmp_path: Path, days: float):
    world = Generations(tmp_path)
    with pytest.raises(LakeError, match=r"a grace of .* days is none; give 0 to 36,500"):
        held(world.lake, [world.pipeline], now(), grace_days=days)


def test_digests_are_found_in_columns_of_any_text_and_in_all_versions_that_stay(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    world.walk()
    names = [world.lake.artifacts.put({"a.txt": f"{n}".encode()}) for n in range(4)]
    columns = {
        "nested": pa.array([{"page": names[0], "pages": [names[1]]}]),
        "wide": pa.array([names[2]], pa.large_string()),
        "encoded": pa.array([names[3]]).dictionary_encode(),
        "count": pa.array([1]),
    }
    table = world.lake.table("census_income/invented")
    for name, column in columns.items():
        table.overwrite(pa.table({name: column}), world.lineage("invented"))
    holds, _ = held(world.lake, [world.pipeline], now())
    assert set(names) <= set(holds.names({table.name: table.history()}))
    assert not set(names) & set(holds.names({table.name: table.history()[:1]}))


def test_a_damaged_log_stops_the_vacuum_before_it_begins(tmp_path: Path):
    world = Generations(tmp_path)
    world.walk()
    world.register(0)
    entry = Path(world.lake.root, "census_income", "split", "_delta_log", f"{0:020d}.json")
    entry.write_text("")
    with pytest.raises(CorruptionError, match="is empty"):
        held(Lake(world.lake.root), [world.pipeline], now())


def test_a_freed_version_says_so_and_its_metadata_stay(tmp_path: Path):
    world = Generations(tmp_path, retention__report_days=1)
    world.walk()
    world.walk()
    vacuumed(world, at=now() + 2 * DAY)
    freed = world.made[0]["dataset"]
    with pytest.raises(FreedError, match="version 0 of census_income/dataset was freed by"):
        world.lake.table(freed.table).read(freed)
    assert Lake(world.lake.root).table(freed.table).version(0) == freed
