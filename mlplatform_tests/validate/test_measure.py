"""Measures of real tables: clean batches pass every gate, broken ones fail the gate that is for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.gates.data import judged
from mlplatform.measures import Anomaly, DataMeasured
from mlplatform.spec import PipelineSpec
from mlplatform.spec.data_gates import DataGates
from mlplatform.validate.anomalies import Distance
from mlplatform.validate.measure import measured
from mlplatform.validate.measure.shifts import comparable
from mlplatform.validate.scan import Scan
from mlplatform_tests.validate import real_tables
from mlplatform_tests.validate.real_tables import NEW, OLD, World, scanned

ROWS = 2_000
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def adult() -> tuple[World, Scan]:
    """UCI Adult, and the scan of its reference."""
    world = real_tables.adult()
    return world, world.scan


@pytest.fixture(scope="module")
def flights() -> tuple[World, Scan]:
    """Flights, and the scan of their reference."""
    world = real_tables.flights()
    return world, world.scan


def put(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The table with other values in one column, in its type."""
    place = table.column_names.index(name)
    return table.set_column(place, name, values.cast(table.schema.field(name).type))


def some(table: pa.Table, name: str, value: object, share: float) -> pa.Table:
    """The table with one value in the first rows."""
    rows = round(share * table.num_rows)
    mask = pa.array(np.arange(table.num_rows) < rows)
    fill = pa.scalar(value, table.schema.field(name).type)
    return put(table, name, pc.if_else(mask, fill, table[name].combine_chunks()))


def shuffled(table: pa.Table, name: str) -> pa.Table:
    """The table with one column in another order."""
    order = np.random.default_rng(5).permutation(table.num_rows)
    return put(table, name, table[name].take(pa.array(order)))


def test_adult_and_the_flights_pass_as_the_first_version(adult, flights):
    """Adult repeats rows and columns, and has spikes; the flights have heavy tails and many tails."""
    for world, _ in (adult, flights):
        failed = {v.gate: v.because for v in world.first() if not v.passed}
        assert failed == {}


@pytest.mark.parametrize("rows", [500, 2_000])
def test_clean_batches_pass_every_gate(adult, flights, rows):
    for world, reference in (adult, flights):
        for seed in range(6):
            failed = world.failed(world.batch(rows, seed), reference)
            assert {gate: verdict.because for gate, verdict in failed.items()} == {}


@pytest.mark.parametrize(
    ("gate", "breaks"),
    [
        ("value_ranges", lambda t: put(t, "age", pc.multiply(t["age"], 1000))),
        ("outliers", lambda t: some(t, "age", 999, 0.02)),
        ("distribution", lambda t: put(t, "age", pc.add(t["age"], 7))),
        ("distribution", lambda t: some(t, "age", 0, 0.05)),
        ("distribution", lambda t: some(t, "age", 39, 0.3)),
        ("distribution", lambda t: some(t, "occupation", "Robotics", 0.03)),
        ("distribution", lambda t: put(t, "sex", pc.utf8_lower(t["sex"]))),
        ("distribution", lambda t: t.filter(pc.not_equal(t["sex"], "Female"))),
        ("missing_values", lambda t: some(t, "occupation", None, 0.1)),
        ("missing_values", lambda t: some(t, "age", None, 0.05)),
        ("correlations", lambda t: shuffled(t, "education_num")),
        ("correlations", lambda t: shuffled(t, "marital_status")),
        ("correlations", lambda t: shuffled(t, "income")),
        ("duplicates", lambda t: pa.concat_tables([t, t.slice(0, 400)])),
        ("label_balance", lambda t: some(t, "income", ">50K", 0.15)),
        ("label_leakage", lambda t: put(t, "hours_per_week", _answer(t))),
        ("sensitive_data", lambda t: some(t, "native_country", "anna.smith@example.com", 0.01)),
    ],
)
def test_a_defect_fails_the_gate_that_is_for_it(adult, gate: str, breaks: Callable):
    world, reference = adult
    failed = world.failed(breaks(world.batch(ROWS, 0)), reference)
    assert gate in failed, {name: verdict.because for name, verdict in failed.items()}


def _answer(table: pa.Table) -> pa.Array:
    return pc.add(pc.multiply(pc.equal(table["income"], ">50K").cast(pa.int64()), 30), 20)


def test_a_departures_delay_that_nobody_declared_to_be_known_later_is_a_leak(flights):
    """A real leak: who asks before the flight leaves does not know it."""
    world, _ = flights
    spec = world.spec.model_copy(update={"known_after": {}})
    failed = {v.gate: v for v in replace(world, spec=spec).first() if not v.passed}
    assert set(failed) == {"label_leakage"}
    assert failed["label_leakage"].because.startswith("dep_delay alone predicts the label with AUC")


def test_old_rows_again_fail_duplicates_and_nothing_else(adult):
    world, reference = adult
    failed = world.failed(world.reference.slice(0, ROWS), reference)
    assert set(failed) == {"duplicates"}
    assert "2,000 of 2,000 new rows (100.00%) repeat an earlier one" in (
        failed["duplicates"].because
    )


def sensors(rows: int, seed: int, first_id: int, kinds: int) -> pa.Table:
    """Readings with an id: two columns of few values, and one of `kinds` values."""
    dice = np.random.default_rng(seed)
    return pa.table(
        {
            "id": np.arange(first_id, first_id + rows),
            "state": dice.choice(["on", "off", "idle"], rows),
            "level": dice.integers(0, kinds, rows),
            "alarm": dice.choice(["yes", "no"], rows, p=[0.2, 0.8]),
        }
    )


def of_sensors(kinds: int, **more: object) -> World:
    """A reference of 5,000 readings."""
    said = {
        "name": "sensors",
        "source": {"kind": "csv", "files": ["a.csv"]},
        "columns": {"id": "int64", "state": "string", "level": "int64", "alarm": "string"},
        "label": {"column": "alarm", "positive": "yes"},
        **more,
    }
    spec = PipelineSpec.model_validate(said)
    return World(spec, sensors(5_000, 0, 0, kinds), sensors(10, 9, 0, kinds), NOW)


ID = {"key": ["id"]}, {"unused": {"id": "counts rows"}}


@pytest.mark.parametrize("named", ID)
def test_rows_landed_again_under_fresh_ids_fail_duplicates(named):
    world = of_sensors(10**6, **named)
    fresh = pa.array(np.arange(5_000, 6_000))
    again = world.reference.slice(0, 1_000).set_column(0, "id", fresh)
    assert "duplicates" in world.failed(again, world.scan)


@pytest.mark.parametrize("named", ID)
@pytest.mark.parametrize("kinds", [2, 300, 5_000])
def test_rows_of_few_values_repeat_by_nature(named, kinds):
    world = of_sensors(kinds, **named)
    assert [v.because for v in world.first() if v.gate == "duplicates" and not v.passed] == []
    for rows in (300, 5_000, 20_000):
        batch = sensors(rows, rows, 5_000, kinds)
        assert "duplicates" not in world.failed(batch, world.scan)


@pytest.mark.parametrize("named", [*ID, {}])
def test_an_id_that_grows_is_no_outlier_but_keeps_its_declared_limits(named):
    world = of_sensors(300, **named)
    later = sensors(1_000, 1, 10**6, 300)
    assert world.failed(later, world.scan) == {}
    limited = of_sensors(300, **named, data_gates={"value_ranges": {"columns": {"id": [0, 10**5]}}})
    assert set(limited.failed(later, limited.scan)) == {"value_ranges"}
    broken = put(later, "level", pc.multiply(later["level"], 1000))
    assert {"value_ranges", "outliers"} <= set(world.failed(broken, world.scan))


def test_a_cursor_may_grow_though_many_rows_share_a_value_of_it():
    query = {"query": "select * from t where level > :since", "cursor": "level"}
    world = of_sensors(300, source={"kind": "sql", "connection": "DB", **query})
    later = sensors(1_000, 1, 5_000, 300)
    later = put(later, "level", pc.add(later["level"], 5_000))
    assert world.failed(later, world.scan) == {}


def test_whole_rows_that_repeat_fail_in_a_first_version_though_a_column_is_unused():
    world = of_sensors(10**6, unused={"id": "counts rows"})
    twice = replace(world, reference=pa.concat_tables([world.reference] * 2))
    assert "duplicates" in {v.gate for v in twice.first() if not v.passed}


def test_an_old_batch_with_old_times_is_stale(flights):
    world, reference = flights
    batch = world.batch(ROWS, 0)
    batch = put(batch, "time_hour", pc.subtract(batch["time_hour"], _days(40)))
    assert "an old batch came again" in world.failed(batch, reference)["freshness"].because


def test_local_time_that_says_it_is_utc_is_noticed(flights):
    world, reference = flights
    batch = world.batch(ROWS, 0)
    batch = put(batch, "time_hour", pc.subtract(batch["time_hour"], _days(5 / 24)))
    told = world.failed(batch, reference)["distribution"].because
    assert "time_hour" in told
    assert "none the reference had" in told


def test_a_clock_put_forward_by_an_hour_is_no_alarm(flights):
    """Summer time begins, and everything happens an hour earlier by UTC."""
    world, reference = flights
    batch = world.batch(ROWS, 0)
    for hours in (-1, 1):
        moved = put(batch, "time_hour", pc.add(batch["time_hour"], _days(hours / 24)))
        assert world.failed(moved, reference) == {}


def test_dates_that_lost_their_time_are_noticed(flights):
    world, reference = flights
    batch = world.batch(ROWS, 0)
    batch = put(batch, "time_hour", pc.floor_temporal(batch["time_hour"], unit="day"))
    told = world.failed(batch, reference)["distribution"].because
    assert "time_hour: the hour from 0:00 UTC is 100.00% of values" in told


def test_time_moves_on_for_ever_without_an_alarm(flights):
    """A reference of a year, and rows five years later."""
    world, reference = flights
    later = replace(world, now=world.now.replace(year=2019))
    batch = world.batch(ROWS, 0)
    batch = put(batch, "time_hour", pc.add(batch["time_hour"], _days(5 * 364)))
    assert later.failed(batch, reference) == {}


def _days(days: float) -> pa.Scalar:
    return pa.scalar(round(days * 86_400_000_000), pa.duration("us"))


def test_few_new_rows_are_judged_with_the_whole_table(adult):
    world, reference = adult
    few, many = (world.measured(world.batch(rows, 0), reference) for rows in (199, 200))
    assert few.judged == "all 20,199 rows (199 of them new)"
    assert many.judged == "the 200 new rows of 20,200"
    assert (few.duplicates.new_rows, many.duplicates.new_rows) == (0, 200)


def test_what_is_measured_does_not_depend_on_the_order_of_rows_or_columns(adult):
    world, reference = adult
    batch = world.batch(ROWS, 3)
    other = batch.take(pa.array(np.random.default_rng(0).permutation(ROWS)))
    first, second = (world.measured(rows, reference) for rows in (batch, other))
    for name in ("missing", "ranges", "outliers", "label", "leaks", "duplicates"):
        assert getattr(first, name) == getattr(second, name)
    for a, b in zip(first.shifts, second.shifts, strict=True):
        assert (a.column, a.psi, a.ks) == (b.column, b.psi, b.ks)
        assert a.mean == pytest.approx(b.mean)


def test_new_columns_times_keys_and_unused_ones_have_no_distribution_to_compare(adult):
    world, reference = adult
    m = world.measured(world.batch(ROWS, 0), reference)
    compared = {seen.column for seen in m.shifts}
    assert compared == set(world.spec.columns) - {"income", "fnlwgt", "education"}


def test_a_time_beside_the_events_own_has_no_distribution_to_compare(flights):
    world, _ = flights
    booked = world.reference["time_hour"]
    table = world.reference.append_column("booked", booked)
    said = world.spec.model_dump(mode="json")
    said["columns"]["booked"] = "timestamp"
    spec = type(world.spec).model_validate(said)
    names = comparable(spec, scanned(spec, {OLD: table}).view())
    assert names == [
        "carrier",
        "tailnum",
        "origin",
        "dest",
        "distance",
        "dep_delay",
        "sched_dep_time",
    ]


def respecified(world: World, batch: pa.Table, **changes: object) -> DataMeasured:
    """What is measured of a batch by a changed spec, against a reference made by the old one."""
    said = {**world.spec.model_dump(mode="json"), **changes}
    spec = type(world.spec).model_validate(said)
    old, scan = world.scan, scanned(spec, {NEW: batch}, world.scan)
    return measured(
        spec,
        scan,
        new=[NEW],
        reference=old,
        accepted_rows=1,
        anomalies=[],
        distances=None,
        landed_at=NOW,
    )


def test_a_reference_of_another_spec_is_compared_where_it_can_be():
    world = of_sensors(300)
    more = sensors(1_000, 1, 0, 300)
    more = more.append_column("at", pa.array([NOW] * 1_000, pa.timestamp("us", "UTC")))
    more = more.append_column("load", pa.array(np.arange(1_000) / 7))
    more = more.append_column("alert", more["alarm"])
    more = more.set_column(0, "id", more["id"].cast(pa.float64()))
    columns = dict.fromkeys(("state", "alarm", "alert"), "string") | {
        "id": "float64",
        "level": "int64",
        "at": "timestamp",
        "load": "float64",
    }
    label = {"column": "alert", "positive": "yes"}
    m = respecified(
        world, more.select(list(columns)), columns=columns, label=label, event_time="at"
    )
    assert {seen.column for seen in m.shifts} == {"state", "level", "alarm"}
    assert m.not_compared == {
        "alert": "not in the reference",
        "id": "float64, in the reference int64",
        "at": "not in the reference",
        "load": "not in the reference",
    }
    assert m.label.reference == {}
    assert m.correlations == []
    verdict = {v.gate: v for v in judged(m, DataGates(), NOW)}["distribution"]
    assert "not in the reference: alert, at, load" in verdict.because
    assert verdict.evidence["not_compared"] == m.not_compared


def test_a_label_that_was_an_ordinary_number_is_not_compared_as_one():
    """Its classes then are not those of now, nor is its r."""
    world = of_sensors(2)
    batch = sensors(1_000, 1, 0, 2)
    m = respecified(world, batch, label={"column": "level", "positive": "1"})
    assert m.not_compared == {"level": "not the reference's label, alarm"}
    assert m.label.reference == {}
    assert all("level" not in (seen.first, seen.second) for seen in m.correlations)


def test_tfdvs_distances_reach_the_column_they_are_about(adult):
    world, reference = adult
    scan = scanned(world.spec, {OLD: world.reference, NEW: world.batch(ROWS, 0)}, reference)
    columns = {name: world.spec.columns[name] for name in comparable(world.spec, reference.view())}
    near = [
        Distance(
            column=name, kind="l_infinity" if kind == "string" else "jensen_shannon", value=0.0
        )
        for name, kind in columns.items()
    ]
    far = {"sex": 0.2, "age": 0.3}
    apart = [replace(one, value=far.get(one.column, 0.0)) for one in near]
    m = measured(
        world.spec,
        scan,
        new=[NEW],
        reference=reference,
        accepted_rows=1,
        anomalies=[],
        distances=apart,
        landed_at=world.now,
    )
    by_column = {seen.column: seen for seen in m.shifts}
    assert by_column["sex"].l_infinity == 0.2
    assert by_column["age"].jensen_shannon == 0.3
    failed = {v.gate: v for v in judged(m, world.spec.data_gates, world.now) if not v.passed}
    assert set(failed) == {"distribution"}
    told = failed["distribution"].because
    assert "sex: a share moved by 0.2 (L-infinity)" in told
    assert "Jensen-Shannon" not in told  # KS says that age has not moved.


@pytest.mark.parametrize("lost", ["sex", "age"])
def test_a_distance_that_tfdv_was_asked_for_and_did_not_measure_is_missing(adult, lost):
    world, reference = adult
    scan = scanned(world.spec, {OLD: world.reference, NEW: world.batch(ROWS, 0)}, reference)
    names = comparable(world.spec, reference.view())
    kinds = {
        n: "l_infinity" if world.spec.columns[n] == "string" else "jensen_shannon" for n in names
    }
    rest = [Distance(column=n, kind=kind, value=0.0) for n, kind in kinds.items() if n != lost]
    m = measured(
        world.spec,
        scan,
        new=[NEW],
        reference=reference,
        accepted_rows=1,
        anomalies=[],
        distances=rest,
        landed_at=world.now,
    )
    failed = {v.gate: v for v in judged(m, world.spec.data_gates, world.now) if not v.passed}
    assert set(failed) == {"distribution"}
    assert failed["distribution"].observed is None
    assert failed["distribution"].because.startswith(f"{lost}: ")
    assert "(not measured)" in failed["distribution"].because


def test_mad_of_zero_falls_back_to_the_mean_deviation_and_a_constant_to_itself(adult):
    """More than nine in ten of capital_gain are 0; its outliers are not all the others."""
    world, reference = adult
    m = world.measured(world.batch(ROWS, 0), reference)
    gain = next(seen for seen in m.outliers if seen.column == "capital_gain")
    assert gain.median == 0
    assert 1_000 < gain.deviation < 3_000
    assert 0 < gain.reference_share < 0.05
    constant = put(world.reference, "capital_gain", pa.array(np.zeros(20_000)))
    still = scanned(world.spec, {OLD: constant})
    seen = replace(world, reference=constant).measured(world.batch(ROWS, 0), still)
    gain = next(found for found in seen.outliers if found.column == "capital_gain")
    assert gain.deviation == 0
    assert gain.outliers > 0.05 * ROWS


def test_no_value_that_looks_personal_is_shown_by_any_gate(adult):
    world, reference = adult
    batch = some(world.batch(ROWS, 0), "native_country", "anna.smith@example.com", 0.05)
    quote = Anomaly(column="native_country", reason="ENUM", detail="found anna.smith@example.com")
    m = measured(
        world.spec,
        scanned(world.spec, {OLD: world.reference, NEW: batch}, reference),
        new=[NEW],
        reference=reference,
        accepted_rows=1,
        anomalies=[quote],
        distances=None,
        landed_at=world.now,
    )
    assert "anna" not in str(m)
    failed = {v.gate: v for v in judged(m, world.spec.data_gates, world.now) if not v.passed}
    assert {"data_schema", "distribution", "sensitive_data"} <= set(failed)
    for verdict in failed.values():
        assert "anna" not in f"{verdict.because}{verdict.evidence}"
