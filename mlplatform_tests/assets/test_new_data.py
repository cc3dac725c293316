"""Batches that land after the first walk: compared with the reference, refused, or accepted by a person."""

from collections.abc import Callable

import pytest

from mlplatform.lake import Version
from mlplatform.validate import reference
from mlplatform.validate.record import profiles_of
from mlplatform_tests.assets.conftest import Walk, failed_steps, materialised
from mlplatform_tests.small import batch

DATA = ("source", "dataset", "reference")
ROWS = 600  # Of a batch: enough to be judged alone.
AGE, WORKCLASS = 0, 1  # Places in a line.


@pytest.fixture
def walk(walked_to: Callable[..., Walk]) -> Walk:
    """A walk whose first data passed its gates and is the reference."""
    return walked_to("evaluation")


def land(walk: Walk, name: str, first: int, every: int = 0, place: int = 0, value: str = "") -> str:
    """Land `ROWS` further people, with a value planted in every so manieth line; say what is said."""
    path = batch(walk.folder.parent / name, first, ROWS)
    lines = [line.split(", ") for line in path.read_text().splitlines()]
    for fields in lines[::every] if every else ():
        fields[place] = value
    path.write_text("".join(", ".join(fields) + "\n" for fields in lines))
    landed = walk.command("land", "census_income", path)
    assert landed.exit_code == 0, landed.output
    return landed.output


def newest(walk: Walk, noun: str) -> Version:
    """The newest version of one of the walk's tables."""
    version = walk.lake.table(f"census_income/{noun}").latest()
    assert version is not None
    return version


def compared_with(walk: Walk) -> str:
    """Digest of the reference that the newest dataset was compared with."""
    return profiles_of(walk.lake, walk.pipeline, newest(walk, "dataset"))[0].reference


def test_new_rows_are_compared_with_the_reference_and_with_another_once_it_is_promoted(walk: Walk):
    first = reference.current(walk.lake, walk.pipeline)
    assert first is not None
    land(walk, "march.csv", 4000)
    result = walk.run(*DATA)
    assert result.success
    assert compared_with(walk) == first.digest
    said = walk.said("dataset")
    assert said["distribution"].evidence["judged"] == "the 600 new rows of 6,599"
    assert "12 columns of the 600 new rows" in said["distribution"].because
    shown = result.asset_materializations_for_node("census_income__reference")[0].metadata
    assert shown["dataset"].value == first.dataset
    assert shown["distance/largest"].value > 0

    march = newest(walk, "dataset").reference
    assert first.dataset in walk.command("reference", "show", "census_income").output
    walk.command("reference", "promote", "census_income", "--because", "a new year")
    assert march in walk.command("reference", "show", "census_income").output
    now, before = walk.command("reference", "history", "census_income").output.splitlines()
    assert (march in now, "a new year" in now) == (True, True)
    assert (first.dataset in before, reference.FIRST in before) == (True, True)

    land(walk, "april.csv", 5000)
    result = walk.run(*DATA)
    assert result.success
    promoted = reference.current(walk.lake, walk.pipeline)
    assert promoted is not None
    assert compared_with(walk) == promoted.digest != first.digest
    shown = result.asset_materializations_for_node("census_income__reference")[0].metadata
    assert (shown["dataset"].value, shown["because"].value) == (march, "a new year")


def test_a_few_malformed_rows_stand_in_quarantine_and_many_refuse_the_source(walk: Walk):
    said = land(walk, "few.csv", 4000, every=300, place=AGE, value="old")
    assert "598 rows landed" in said
    assert "2 malformed ones stand in census_income/quarantine" in said
    assert walk.run(*DATA).success
    rows = walk.lake.table("census_income/quarantine").read().to_pylist()
    told = [(row["source_file"], row["source_line"], row["column"], row["reason"]) for row in rows]
    why = "'old' is no int64"
    assert told == [("few.csv", 1, "age", why), ("few.csv", 301, "age", why)]
    assert all(row["text"].startswith("old, ") for row in rows)
    assert newest(walk, "dataset").rows == 5999 + 598
    passed = walk.said("source")["malformed_rows"]
    assert (passed.passed, passed.observed) == (True, 2 / 600)

    before = newest(walk, "dataset")
    land(walk, "many.csv", 5000, every=30, place=AGE, value="old")
    result = walk.run(*DATA)
    assert failed_steps(result) == {"census_income_source_gates"}
    assert materialised(result) == ["source"]
    assert newest(walk, "dataset") == before
    refused = walk.said("source")["malformed_rows"]
    assert refused.evidence["over"] == ["many.csv"]
    assert "of many.csv 20 of 600 (3.33%, limit 1.00%)" in refused.because
    assert "age: no int64" in refused.because
    assert "old" not in refused.because  # Values are nobody's business who reads an alert.
    assert walk.command("withdraw", "census_income", "many.csv").exit_code == 0
    assert walk.run(*DATA).success
    assert newest(walk, "dataset").digest == before.digest


def test_a_new_category_is_refused_until_a_person_accepts_it(walk: Walk):
    land(walk, "gigs.csv", 4000, every=10, place=WORKCLASS, value="Gig-work")
    assert failed_steps(walk.run(*DATA)) == {"census_income_dataset_gates"}
    refused = {gate: v for gate, v in walk.said("dataset").items() if not v.passed}
    assert refused.keys() == {"data_schema", "distribution"}
    anomaly = refused["data_schema"].evidence["anomalies"][0]
    assert (anomaly["column"], "Gig-work" in anomaly["detail"]) == ("workclass", True)
    examples = refused["data_schema"].evidence["examples"]
    assert [row["source_line"] for row in examples] == [1, 11, 21, 31, 41]
    assert {row["workclass"] for row in examples} == {"Gig-work"}

    # Each gate says what there is to do, and both are done.
    assert "mlplatform schema accept" in refused["data_schema"].because
    assert "mlplatform reference promote" in refused["distribution"].because
    proposed = walk.command("schema", "diff", "census_income")
    assert proposed.exit_code == 1
    assert "workclass: values added: 'Gig-work'" in proposed.output
    walk.command("schema", "accept", "census_income", "--because", "gig work counts now")
    assert walk.command("schema", "diff", "census_income").exit_code == 0
    assert failed_steps(walk.run(*DATA)) == {"census_income_dataset_gates"}
    again = walk.said("dataset")
    assert again["data_schema"].passed
    assert not again["distribution"].passed
    walk.command("reference", "promote", "census_income", "--because", "gig work counts now")
    assert walk.run(*DATA).success
    assert not [gate for gate, verdict in walk.said("dataset").items() if not verdict.passed]
