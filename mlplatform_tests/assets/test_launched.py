"""Who and what started a run, from its tags."""

import getpass

import pytest

from assets.launched import launched_by, trigger


@pytest.mark.parametrize(
    ("tags", "kind", "by"),
    [
        ({}, "manual", getpass.getuser()),
        ({"user": "ada@example.org"}, "manual", "ada@example.org"),
        ({"dagster/schedule_name": "nightly"}, "schedule", "schedule nightly"),
        ({"dagster/backfill": "b1"}, "backfill", "backfill b1"),
        ({"dagster/from_automation_condition": "true"}, "automation", "automation"),
        (
            {"dagster/sensor_name": "census_drift", "mlplatform/trigger": "drift"},
            "drift",
            "sensor census_drift",
        ),
    ],
)
def test_a_run_is_told_by_what_asked_for_it(tags: dict[str, str], kind: str, by: str):
    assert (trigger(tags)["kind"], launched_by(tags)) == (kind, by)


def test_evidence_is_kept_with_the_trigger():
    tags = {
        "mlplatform/trigger": "volume",
        "mlplatform/evidence": "volume:3:abc",
        "mlplatform/because": "600 rows landed",
        "dagster/run_key": "volume:3:abc#1",
    }
    assert trigger(tags) == {
        "kind": "volume",
        "evidence": "volume:3:abc",
        "because": "600 rows landed",
        "run_key": "volume:3:abc#1",
    }
