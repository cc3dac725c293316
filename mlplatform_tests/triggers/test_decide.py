from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.spec.triggers import DriftTrigger, ScheduleTrigger, VolumeTrigger
from mlplatform.triggers.decide import DriftSeen, VolumeSeen, drift, schedule, volume

DRIFT, VOLUME = DriftTrigger(max_psi=0.2, min_requests=500), VolumeTrigger(min_rows=10_000)
SEEN = DriftSeen(psi={"age": 0.31, "job": 0.01}, requests=800, live_model="m1", data="4:abc")
LANDED = VolumeSeen(rows_added=10_000, live_model="m1", live_data="3:abc")


def test_drift_above_the_limit_asks_for_a_run_and_names_the_columns():
    decision = drift(SEEN, DRIFT)
    assert decision.fire
    assert decision.because == "PSI on 800 logged rows: age 0.310, job 0.010; limit 0.2"
    assert decision.evidence_key == "drift:m1:4:abc"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(SEEN, psi={"age": 0.2}), "limit 0.2"),
        (replace(SEEN, requests=499), "499 of the 500 logged rows needed"),
        (replace(SEEN, live_model=""), "no model is live"),
        (replace(SEEN, psi=None), "no PSI was measured on 800 logged rows"),
        (replace(SEEN, psi={}), "no PSI was measured"),
        (replace(SEEN, psi={"age": float("nan")}), "no PSI was measured"),
    ],
)
def test_drift_that_is_not_there_or_not_known_asks_for_nothing_and_says_why(seen, why):
    decision = drift(seen, DRIFT)
    assert not decision.fire
    assert why in decision.because
    assert not decision.evidence_key


def test_one_column_that_could_not_be_measured_does_not_hide_another():
    assert drift(replace(SEEN, psi={"age": 0.9, "job": float("nan")}), DRIFT).fire


def test_drift_is_asked_about_once_until_there_is_other_data_or_another_model():
    later = replace(SEEN, psi={"age": 0.5, "job": 0.4}, requests=5_000)
    assert drift(later, DRIFT).evidence_key == drift(SEEN, DRIFT).evidence_key
    for change in ({"data": "5:def"}, {"live_model": "m2"}):
        assert drift(replace(SEEN, **change), DRIFT).evidence_key != drift(SEEN, DRIFT).evidence_key


def test_enough_new_rows_ask_for_a_run():
    decision = volume(LANDED, VOLUME)
    assert decision.fire
    assert decision.because == "10,000 rows since the live model's data, 10,000 ask for a run"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(LANDED, rows_added=9_999), "9,999 rows since"),
        (replace(LANDED, rows_added=-5), "-5 rows since"),
        (replace(LANDED, rows_added=None), "are not known"),
        (replace(LANDED, live_model=""), "no model is live"),
    ],
)
def test_too_few_or_unknown_rows_ask_for_nothing_and_say_why(seen, why):
    decision = volume(seen, VOLUME)
    assert not decision.fire
    assert why in decision.because


@given(st.lists(st.integers(0, 100_000), min_size=1).map(sorted))
def test_rows_that_keep_landing_ask_once_for_each_time_the_limit_is_reached(counts):
    keys = {volume(replace(LANDED, rows_added=n), VOLUME).evidence_key for n in counts} - {""}
    assert len(keys) == len({n // 10_000 for n in counts} - {0})


def test_a_due_schedule_fires_and_its_key_is_the_instant_in_any_time_zone():
    policy = ScheduleTrigger(cron="0 3 * * 1", timezone="Europe/Berlin")
    here = datetime(2026, 3, 2, 3, tzinfo=timezone(timedelta(hours=1)))
    decision = schedule(here, policy)
    assert decision.fire
    assert decision.evidence_key == "schedule:2026-03-02T02:00:00+00:00"
    assert "'0 3 * * 1' (Europe/Berlin)" in decision.because
    there = here.astimezone(timezone(timedelta(hours=-8)))
    assert schedule(there, policy).evidence_key == decision.evidence_key


@pytest.mark.parametrize(("decide", "seen"), [(drift, SEEN), (volume, LANDED)])
def test_a_trigger_that_is_left_out_is_off_and_says_so(decide, seen):
    decision = decide(seen, None)
    assert not decision.fire
    assert "is off" in decision.because


def test_a_schedule_that_is_left_out_is_off():
    assert not schedule(datetime(2026, 1, 1, tzinfo=UTC), None).fire
