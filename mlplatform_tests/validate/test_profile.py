"""Profiles: one pass, every version judged by the accepted schema and the reference, and kept."""

import base64
import re
from dataclasses import replace

import pyarrow as pa
import pytest
from pyarrow import csv

from mlplatform.errors import SourceError, SpecError, WorkerError
from mlplatform.ingest.dataset import rows as dataset_rows
from mlplatform.ingest.source import land, land_file, withdraw_file
from mlplatform.lake import Table
from mlplatform.spec import Pipeline
from mlplatform.validate import acceptance, reference
from mlplatform.validate import statistics as stats
from mlplatform.validate.profile import NEW, PAGE, load_scan, profile
from mlplatform.validate.proto import parse
from mlplatform.validate.record import FileSeen, from_row, profiles_of, to_table
from mlplatform.validate.scan import store
from mlplatform_tests.validate.conftest import LINEAGE, NEVER, people, people_spec, replaced


def good(pipeline, worker, lake, version):
    """Profile a version that passes its gates, and do what follows; the first becomes the reference."""
    judged = profile(pipeline, worker, lake, version, LINEAGE)
    acceptance.accept(lake, pipeline, judged, LINEAGE)
    reference.pin_first(lake, pipeline, version, LINEAGE)
    return judged


def moved(rows=40):
    """People who all live elsewhere and are ten years older."""
    table = replaced(people(rows), "city", ["Bonn"] * rows, pa.string())
    return replaced(table, "age", [30 + n for n in range(rows)], pa.int64())


def test_a_profile_is_of_all_rows_and_of_no_column_but_the_declared(
    pipeline, worker, lake, dataset
):
    version = dataset(a=people(40), official=replaced(people(8), "age", [None] * 8, pa.int64()))
    got = profile(pipeline, worker, lake, version, LINEAGE)
    assert (got.dataset, got.dataset_digest) == (version.reference, version.digest)
    assert (got.rows, got.training_rows, got.new_rows) == (48, 40, 48)
    assert got.missing_shares == {"city": 0, "age": pytest.approx(8 / 48), "height": 0, "member": 0}
    assert (got.files, got.known_files) == (_named("a.csv", "official.csv"), ())
    assert (got.anomalies, got.distances, got.reference) == ((), (), "")


def test_statistics_scan_schema_anomalies_and_page_are_artifacts_that_can_be_read(
    pipeline, worker, lake, dataset
):
    got = profile(pipeline, worker, lake, dataset(a=people(40), official=people(8)), LINEAGE)
    kept = lake.artifacts.open(got.statistics)
    counts = {name: stats.rows(kept.read(name)) for name in kept.names}
    assert counts == {"all.pb": 48, "training.pb": 40, "new.pb": 48}
    schema = lake.artifacts.open(got.schema).read("schema.pb")
    anomalies = worker.anomalies(kept.read("all.pb"), schema, "TRAINING")
    assert anomalies == lake.artifacts.open(got.anomalies_artifact).read("all.pb")
    assert b'name: "height"' in lake.artifacts.open(got.schema).read("schema.pbtxt")
    assert load_scan(lake, got.scan).view().rows == 48
    assert b"<facets-overview" in lake.artifacts.open(got.page).read(PAGE)


def test_a_category_that_only_the_test_rows_have_is_an_anomaly(pipeline, worker, lake, dataset):
    unseen = replaced(people(8), "city", ["Atlantis"] * 8, pa.string())
    version = dataset(a=people(40), official=unseen)
    (anomaly,) = profile(pipeline, worker, lake, version, LINEAGE).anomalies
    assert (anomaly.column, anomaly.reason) == ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")


def test_a_column_without_a_value_is_an_anomaly_from_the_first_version_on(
    pipeline, worker, lake, dataset
):
    version = dataset(a=replaced(people(40), "height", [None] * 40, pa.float64()))
    (anomaly,) = profile(pipeline, worker, lake, version, LINEAGE).anomalies
    assert (anomaly.column, anomaly.reason) == ("height", "FEATURE_TYPE_NOT_PRESENT")


def test_later_versions_are_judged_by_the_first_versions_schema(pipeline, worker, lake, dataset):
    first = good(pipeline, worker, lake, dataset(a=people(40)))
    second = good(pipeline, worker, lake, dataset(a=moved()))
    assert second.schema == first.schema
    assert second.proposed_schema != first.proposed_schema
    assert [anomaly.column for anomaly in second.anomalies] == ["city"]
    assert good(pipeline, worker, lake, dataset(a=people(80))).anomalies == ()
    assert lake.table("people/schema").latest().rows == 1


def test_new_rows_are_those_of_files_that_the_version_accepted_before_did_not_have(
    pipeline, worker, lake, dataset
):
    good(pipeline, worker, lake, dataset(a=people(40)))
    refused = dataset(a=people(40), b=moved(30))
    assert profile(pipeline, worker, lake, refused, LINEAGE).new_rows == 30
    third = profile(pipeline, worker, lake, dataset(a=people(40), c=people(20)), LINEAGE)
    assert (third.rows, third.new_rows, third.judged) == (60, 20, "new")
    new = lake.artifacts.open(third.statistics).read("new.pb")
    assert stats.rows(new) == load_scan(lake, third.scan).view(NEW).rows == 20


def _named(*names):
    """Files whose identities are not known: the dataset was not made from a source."""
    return tuple(FileSeen(name=name) for name in names)


@pytest.fixture
def landed(lake, pipeline, tmp_path):
    """Lands files as `source` and makes the dataset of them: `landed(a=…, b=…)`."""

    def made(source):
        by = replace(LINEAGE, inputs={source.table: source.reference})
        return lake.table("people/dataset").overwrite(dataset_rows(pipeline, lake, source), by)

    def write(**files):
        for name, rows in files.items():
            csv.write_csv(rows, tmp_path / f"{name}.csv")
        return made(land(pipeline, lake, LINEAGE))

    write.made = made
    return write


def test_rows_of_a_changed_file_are_new_and_those_of_the_others_are_not(
    pipeline, worker, lake, landed
):
    official = people(8)
    good(pipeline, worker, lake, landed(a=people(40), b=people(20), official=official))
    changed = landed(a=people(40), b=moved(20), official=official)
    got = profile(pipeline, worker, lake, changed, LINEAGE)
    assert (got.rows, got.new_rows, got.judged) == (68, 20, "new")
    assert got.unchanged_files == {"a.csv", "official.csv"}
    assert from_row(to_table(got).to_pylist()[0]) == got
    assert max(d.value for d in got.distances if d.column == "city") == pytest.approx(1.0)
    acceptance.accept(lake, pipeline, got, LINEAGE)
    later = landed(a=people(40), b=moved(20), c=people(12), official=official)
    assert profile(pipeline, worker, lake, later, LINEAGE).new_rows == 12


def test_rows_of_another_batch_under_the_name_of_a_withdrawn_one_are_new(
    pipeline, worker, lake, landed, tmp_path
):
    landed(a=people(40), official=people(8))
    folder = tmp_path / "later"
    folder.mkdir()

    def batch(rows):
        csv.write_csv(rows, folder / "c.csv")
        return landed.made(land_file(pipeline, folder / "c.csv", lake, LINEAGE))

    first = good(pipeline, worker, lake, batch(people(12)))
    withdraw_file(pipeline, "c.csv", lake, LINEAGE)
    second = profile(pipeline, worker, lake, batch(moved(12)), LINEAGE)
    assert [file.name for file in second.known_files] == [file.name for file in first.files]
    assert (second.new_rows, second.judged) == (12, "new")


def test_no_value_of_a_column_with_personal_data_is_in_row_page_or_schema(
    pipeline, worker, lake, dataset
):
    """Also where only few new rows have them, and the label's classes stay."""
    version = dataset(a=people(40))
    good(pipeline, worker, lake, version)
    mails = replaced(
        people(12), "city", [f"ann{n % 3}@example.org" for n in range(12)], pa.string()
    )
    got = profile(pipeline, worker, lake, dataset(a=people(40), b=mails), LINEAGE)
    assert {top.value for c in got.columns if c.name == "city" for top in c.top} == {
        "Xxxx",
        "xxx9@xxxxxxx.xxx",
    }
    text = lake.artifacts.open(got.proposed_schema).read("schema.pbtxt")
    assert b"example.org" not in text
    assert b"Oslo" not in text
    assert b'value: "yes"' in text
    page = lake.artifacts.open(got.page).read(PAGE)
    (shown,) = re.findall(rb'proto-input="([^"]+)"', page)
    assert b"example.org" not in base64.b64decode(shown)


def test_distances_are_of_the_new_rows_where_there_are_enough_and_else_of_all(
    pipeline, worker, lake, dataset
):
    good(pipeline, worker, lake, dataset(a=people(30)))
    enough = profile(pipeline, worker, lake, dataset(a=people(30), b=moved(30)), LINEAGE)
    few = profile(pipeline, worker, lake, dataset(a=people(30), b=moved(9)), LINEAGE)
    assert (enough.judged, few.judged) == ("new", "all")
    far, near = ({d.column: d for d in got.distances} for got in (enough, few))
    assert far["city"].kind == far["member"].kind == "l_infinity"
    assert far["age"].kind == far["height"].kind == "jensen_shannon"
    assert far["city"].value == pytest.approx(1.0)
    assert near["city"].value == pytest.approx(9 / 39)
    assert 0 < near["age"].value < far["age"].value <= 1


def test_a_version_without_new_rows_is_profiled_whole(pipeline, worker, lake, dataset):
    good(pipeline, worker, lake, dataset(a=people(40), b=people(20)))
    fewer = profile(pipeline, worker, lake, dataset(a=people(40)), LINEAGE)
    assert (fewer.rows, fewer.new_rows, fewer.judged) == (40, 0, "all")
    assert {distance.column for distance in fewer.distances} == set(pipeline.spec.columns)


def test_values_that_no_row_had_before_are_seen_among_few_new_rows(pipeline, worker, lake, dataset):
    """Half of the 8 new rows, which are less than 1 % of all: too few to be seen among those."""
    good(pipeline, worker, lake, dataset(a=people(800)))
    cities = ["Atlantis", "Berlin"] * 4
    few = replaced(people(8), "city", cities, pa.string())
    loose = {"data_schema": {"max_unseen_share": 0.1}, "min_new_rows": 5}
    tolerant = replace(pipeline, spec=people_spec(data_gates=loose))
    got = profile(tolerant, worker, lake, dataset(a=people(800), b=few), LINEAGE)
    assert [anomaly.column for anomaly in got.anomalies] == ["city"]


def test_drift_is_no_anomaly_of_the_schema(pipeline, worker, lake, dataset):
    good(pipeline, worker, lake, dataset(a=people(40)))
    taller = replaced(people(40), "height", [9.0 + n for n in range(40)], pa.float64())
    got = profile(pipeline, worker, lake, dataset(a=taller), LINEAGE)
    assert got.anomalies == ()
    assert max(d.value for d in got.distances if d.column == "height") > 0.5


def test_a_profile_found_in_the_lake_is_the_one_computed_and_no_worker_starts(
    pipeline, worker, lake, dataset
):
    """Also once the version is accepted and is itself the reference."""
    version = dataset(a=people(40), official=people(8))
    computed = good(pipeline, worker, lake, version)
    assert good(pipeline, NEVER, lake, version) == computed
    later = dataset(a=people(40), b=moved(30))
    judged = good(pipeline, worker, lake, later)
    assert good(pipeline, NEVER, lake, later) == judged
    assert lake.table("people/statistics").latest().rows == 2


def test_an_equal_version_has_the_same_profile_under_its_own_number(
    pipeline, worker, lake, dataset
):
    first = profile(pipeline, worker, lake, dataset(a=people(40)), LINEAGE)
    dataset(a=people(30))
    again = dataset(a=people(40))
    found = profile(pipeline, NEVER, lake, again, LINEAGE)
    assert found == replace(first, dataset=again.reference)


def test_another_schema_asks_tfdv_for_anomalies_only(pipeline, worker, lake, dataset, tmp_path):
    version = dataset(a=people(40))
    first = profile(pipeline, worker, lake, version, LINEAGE)
    text = lake.artifacts.open(first.schema).read("schema.pbtxt").decode()
    (tmp_path / "schema.pbtxt").write_text(text.replace('value: "Kyiv"', 'value: "Bonn"'))
    asked = []
    second = profile(pipeline, _Listening(worker, asked), lake, version, LINEAGE)
    assert asked == ["anomalies"]
    assert [anomaly.column for anomaly in second.anomalies] == ["city"]
    assert second.statistics == first.statistics


class _Listening:
    """A worker that says what it was asked."""

    def __init__(self, worker, asked):
        self._worker, self._asked = worker, asked

    def __getattr__(self, name):
        self._asked.append(name)
        return getattr(self._worker, name)


def test_a_promoted_version_and_the_reference_have_the_same_bins(pipeline, worker, lake, dataset):
    good(pipeline, worker, lake, dataset(a=people(40)))
    second = dataset(a=moved(35))
    profile(pipeline, worker, lake, second, LINEAGE)
    reference.promote(lake, pipeline, second, "they moved", "me", LINEAGE)
    again = profile(pipeline, worker, lake, second, LINEAGE)
    assert (again.reference, again.distances) == ("", ())
    pinned = load_scan(lake, reference.current(lake, pipeline).scan)
    assert load_scan(lake, again.scan).frames == pinned.frames
    assert profile(pipeline, NEVER, lake, second, LINEAGE) == again
    third = profile(pipeline, worker, lake, dataset(a=people(50)), LINEAGE)
    assert third.reference == reference.current(lake, pipeline).digest
    assert load_scan(lake, third.scan).frames == pinned.frames


def test_what_was_measured_in_other_bins_than_the_reference_has_is_measured_again(
    pipeline, worker, lake, dataset
):
    """The bins of the very first look at a version are its own."""
    first, second = dataset(a=people(40)), dataset(a=moved(35))

    def seen(version):
        return profile(pipeline, worker, lake, version, LINEAGE)

    own = seen(first)
    seen(second)
    reference.promote(lake, pipeline, second, "so", "me", LINEAGE)
    seen(first)
    reference.promote(lake, pipeline, first, "so", "me", LINEAGE)
    pinned = load_scan(lake, reference.current(lake, pipeline).scan)
    assert load_scan(lake, own.scan).frames != pinned.frames
    assert load_scan(lake, seen(first).scan).frames == pinned.frames


def test_a_damaged_artifact_is_measured_again(pipeline, worker, lake, dataset, tmp_path):
    version = dataset(a=people(40))
    first = profile(pipeline, worker, lake, version, LINEAGE)
    path = tmp_path / "lake" / "_artifacts" / first.scan / "scan.bin"
    path.write_bytes(path.read_bytes()[:-1])
    assert profile(pipeline, worker, lake, version, LINEAGE) == first
    assert lake.artifacts.open(first.scan).verify()
    assert lake.table("people/statistics").latest().rows == 1


def test_a_damaged_artifact_that_tfdv_makes_otherwise_now_is_kept_and_found(
    pipeline, worker, lake, dataset, tmp_path
):
    version = dataset(a=people(40))
    first = profile(pipeline, worker, lake, version, LINEAGE)
    path = tmp_path / "lake" / "_artifacts" / first.statistics / "all.pb"
    path.write_bytes(path.read_bytes()[:-1])
    mended = profile(pipeline, _Otherwise(worker), lake, version, LINEAGE)
    assert mended.statistics != first.statistics
    assert profile(pipeline, NEVER, lake, version, LINEAGE) == mended


class _Otherwise:
    """A worker of another version, which puts the same into other bytes."""

    def __init__(self, worker):
        self._worker = worker

    def __getattr__(self, name):
        return getattr(self._worker, name)

    def statistics(self, views, columns):
        """Name the data set."""
        found = self._worker.statistics(views, columns)
        for view, content in found.items():
            message = parse("DatasetFeatureStatisticsList", content)
            message.datasets[0].name = f"{view} now"
            found[view] = message.SerializeToString()
        return found


def test_beside_a_reference_that_cannot_be_read_a_version_is_profiled_and_can_replace_it(
    pipeline, worker, lake, dataset, monkeypatch
):
    good(pipeline, worker, lake, dataset(a=people(40)))
    monkeypatch.setattr(store, "MAGIC", b"mlplatform scan 999\n")
    second = dataset(a=moved(35))
    got = profile(pipeline, worker, lake, second, LINEAGE)
    assert (got.like, got.distances != ()) == ("", True)
    assert profile(pipeline, NEVER, lake, second, LINEAGE) == got
    reference.promote(lake, pipeline, second, "so", "me", LINEAGE)
    assert profile(pipeline, worker, lake, second, LINEAGE).reference == ""
    first = profile(pipeline, worker, lake, dataset(a=people(40)), LINEAGE)
    assert first.like == reference.current(lake, pipeline).scan


@pytest.mark.parametrize(
    "changes",
    [
        {"split": {}},
        {"data_gates": {"min_new_rows": 10, "value_ranges": {"columns": {"age": [0, 30]}}}},
        {"data_gates": {"min_new_rows": 11}},
        {"key": ["age"]},
    ],
    ids=str,
)
def test_what_decides_the_measurements_is_part_of_what_a_profile_is_found_by(
    pipeline, worker, lake, dataset, changes
):
    version = dataset(a=people(40), official=people(8))
    profile(pipeline, worker, lake, version, LINEAGE)
    same = {
        **_files(),
        "split": {"test_files": ["official.csv"]},
        "data_gates": {"min_new_rows": 10},
    }
    unchanged, other = (
        Pipeline(spec=people_spec(**spec), folder=pipeline.folder)
        for spec in (same, {**same, **changes})
    )
    profile(unchanged, NEVER, lake, version, LINEAGE)
    with pytest.raises(WorkerError, match="no-such-interpreter"):
        profile(other, NEVER, lake, version, LINEAGE)


def _files():
    return {"source": {"kind": "csv", "files": ["*.csv"]}}


def test_a_gates_limit_alone_asks_for_no_new_measurement(pipeline, worker, lake, dataset):
    version = dataset(a=people(40), official=people(8))
    first = profile(pipeline, worker, lake, version, LINEAGE)
    spec = people_spec(
        **_files(),
        split={"test_files": ["official.csv"]},
        data_gates={"min_new_rows": 10, "row_count": {"minimum": 7}},
    )
    assert profile(replace(pipeline, spec=spec), NEVER, lake, version, LINEAGE) == first


def test_the_row_says_which_dataset_version_it_was_made_from(pipeline, worker, lake, dataset):
    version = dataset(a=people(40))
    good(pipeline, worker, lake, version)
    for name in ("statistics", "schema", "accepted", "reference"):
        lineage = lake.table(f"people/{name}").latest().lineage
        assert lineage.inputs == {"people/dataset": version.reference}, name


def test_a_worker_that_fails_leaves_no_row_and_the_next_attempt_completes(
    pipeline, worker, lake, dataset
):
    version = dataset(a=people(40))
    with pytest.raises(WorkerError, match="no-such-interpreter"):
        profile(pipeline, NEVER, lake, version, LINEAGE)
    assert profiles_of(lake, pipeline, version) == []
    assert profile(pipeline, worker, lake, version, LINEAGE).rows == 40


def test_killed_before_its_row_is_written_the_rerun_writes_the_same_row_once(
    pipeline, worker, lake, dataset, monkeypatch
):
    version, found = dataset(a=people(40)), []

    def dies(_table, rows, *_given, **_named):
        found.append(rows)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Table, "append", dies)
        with pytest.raises(KeyboardInterrupt):
            profile(pipeline, worker, lake, version, LINEAGE)
    got = profile(pipeline, worker, lake, version, LINEAGE)
    assert [from_row(row) for row in found[0].to_pylist()] == [got]
    assert lake.table("people/statistics").latest().rows == 1


def test_a_version_that_is_not_accepted_pins_nothing(pipeline, worker, lake, dataset):
    """A bad first delivery must not judge the corrected one."""
    profile(pipeline, worker, lake, dataset(a=moved()), LINEAGE)
    assert not lake.table("people/schema").exists()
    assert good(pipeline, worker, lake, dataset(a=people(40))).anomalies == ()


def test_a_dataset_whose_rows_are_all_test_rows_proposes_no_schema(pipeline, worker, lake, dataset):
    with pytest.raises(SourceError, match="every row is of the test, none trains"):
        profile(pipeline, worker, lake, dataset(official=people(8)), LINEAGE)
    with pytest.raises(SourceError, match="no rows; there is nothing to profile"):
        profile(pipeline, worker, lake, dataset(a=people(1).slice(0, 0)), LINEAGE)
    assert not lake.table("people/statistics").exists()


def test_a_malformed_reviewed_schema_is_one_error_before_anything_is_kept(
    pipeline, worker, lake, dataset, tmp_path
):
    (tmp_path / "schema.pbtxt").write_text("feature { nam: 'x' }")
    with pytest.raises(SpecError, match=r"schema\.pbtxt: no TFDV schema: 1:11 .*; correct or"):
        profile(pipeline, worker, lake, dataset(a=people(40)), LINEAGE)
    assert not lake.table("people/statistics").exists()


def test_bools_and_times_are_profiled(worker, lake, tmp_path, dataset):
    spec = people_spec(
        columns={"member": "bool", "at": "timestamp", "age": "int64"},
        label={"column": "member", "positive": "true"},
        event_time="at",
    )
    pipeline = Pipeline(spec=spec, folder=tmp_path)
    kind = pa.timestamp("us", tz="UTC")
    rows = {
        "member": pa.array([n % 3 == 0 for n in range(40)]),
        "at": pa.array([1_400_000_000_500_000 + n * 1_000_000 for n in range(40)], kind),
        "age": people(40)["age"],
    }
    good(pipeline, worker, lake, dataset(a=pa.table(rows)))
    rows["member"] = pa.array([True] * 39 + [None], pa.bool_())
    rows["at"] = pa.array([None, *rows["at"].to_pylist()[1:]], kind)
    got = profile(pipeline, worker, lake, dataset(a=pa.table(rows)), LINEAGE)
    assert got.missing_shares == {"member": 1 / 40, "at": 1 / 40, "age": 0}
    kinds = {distance.column: distance.kind for distance in got.distances}
    assert kinds == {"member": "l_infinity", "at": "jensen_shannon", "age": "jensen_shannon"}
    reasons = [(anomaly.column, anomaly.reason) for anomaly in got.anomalies]
    assert reasons == [("member", "FEATURE_TYPE_LOW_FRACTION_PRESENT")]
