"""Logged requests beside training rows."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import LakeError
from mlplatform.evaluate.made_from import MadeFrom
from mlplatform.features import Aggregate
from mlplatform.features.encoder import Encoder
from mlplatform.gates.features import request_skew
from mlplatform.monitor.reference import cut, with_aggregates
from mlplatform.monitor.requests import requests, tail
from mlplatform.spec.feature_gates import RequestSkewGate
from mlplatform_tests.monitor import loans

POLICY = RequestSkewGate(min_requests=200)
COLUMNS = ["amount", "score", "customer", "job"]


@pytest.fixture
def world(tmp_path):
    """Loans and models of them."""
    return loans.World(tmp_path)


def model(world, fitted=None, *, aggregates=False):
    """Store what a model says of itself, of aggregates if asked; return its digest."""
    reference = cut(loans.rows(5_000), COLUMNS)
    if aggregates:
        made = MadeFrom(world.pipeline, world.lake, world.features_of())
        reference = with_aggregates(reference, made, world.split)
    content = {"features.json": (fitted or loans.encoder()).to_json(), "reference.json": reference}
    return world.lake.artifacts.put(content)


def without_score():
    """Features that do not read the score."""
    whole = loans.encoder()
    kept = [one for one in whole.inputs if getattr(one, "column", "") != "score"]
    return Encoder(inputs=tuple(kept), entities=(("customer", "string"),))


def served(count, **changed):
    """Requests like the training rows, but for the given columns."""
    rows = loans.rows(6_000).slice(5_000, count).select(COLUMNS)
    for name, values in changed.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values))
    return rows


def with_before(count, value):
    """Requests for which this value of the aggregate was looked up."""
    return served(count).append_column("before", pa.array(np.full(count, value)))


def log(world, digest, rows):
    table = rows.append_column("model_digest", pa.array([digest] * len(rows)))
    who = world.dataset.lineage
    number = world.lake.table("loans/predictions").latest()
    world.lake.table("loans/predictions").append(table, who, token=f"{number}")


def judged(world, digest, most=50_000):
    return request_skew(requests(world.pipeline, world.lake, digest, most), POLICY)


def test_requests_like_the_training_rows_pass(world):
    digest = model(world)
    log(world, digest, served(500))
    seen = requests(world.pipeline, world.lake, digest, 50_000)
    assert seen.requests == 500
    assert [one.column for one in seen.shifts] == ["amount", "customer", "job", "score"]
    assert judged(world, digest).passed
    assert "4 columns of 500 requests look like the training rows" in judged(world, digest).because


def test_the_column_that_moved_is_named_with_both_shares(world):
    digest = model(world)
    log(world, digest, served(500, score=np.full(500, 9.0)))
    verdict = judged(world, digest)
    assert not verdict.passed
    assert "score: PSI is" in verdict.because
    assert "100.0% of requests, of training rows 9.9%" in verdict.because
    assert {row["column"] for row in verdict.evidence["columns"] if row["broken"]} == {"score"}


def test_a_column_that_callers_stopped_to_send_fails(world):
    digest = model(world)
    job = [None if at % 2 else "Tech" for at in range(500)]
    log(world, digest, served(500, job=job))
    verdict = judged(world, digest)
    assert any(
        row["column"] == "job" and row["broken"] and row["measure"].startswith("rise of the share")
        for row in verdict.evidence["columns"]
    )


def test_without_a_log_there_are_no_requests_and_the_gate_says_so(world):
    digest = model(world)
    assert requests(world.pipeline, world.lake, digest, 10).requests == 0
    verdict = judged(world, digest)
    assert verdict.passed
    assert "nothing was compared: 0 requests are logged, and 200 are needed" in verdict.because


def test_only_the_newest_requests_are_judged(world):
    digest = model(world)
    log(world, digest, served(400, score=np.full(400, 9.0)))
    log(world, digest, served(300))
    assert requests(world.pipeline, world.lake, digest, 300).requests == 300
    assert judged(world, digest, 300).passed
    assert not judged(world, digest, 700).passed


def test_a_column_is_not_missing_from_requests_to_a_model_that_does_not_read_it(world):
    digest, other = model(world), model(world, without_score())
    log(world, other, served(400, score=pa.nulls(400, pa.float64())))
    log(world, digest, served(300))
    seen = requests(world.pipeline, world.lake, digest, 50_000)
    rows = {one.column: one.rows for one in seen.missing}
    assert rows == {"amount": 700, "customer": 700, "job": 700, "score": 300}
    assert judged(world, digest).passed


def test_requests_of_which_nothing_can_be_compared_are_counted_and_no_pass(world):
    digest = model(world)
    log(world, "0" * 64, served(300, score=np.full(300, 9.0)))
    seen = requests(world.pipeline, world.lake, digest, 50_000)
    assert (seen.requests, seen.shifts, seen.missing) == (300, (), ())
    verdict = judged(world, digest)
    assert not verdict.passed
    assert "no column of 300 requests was compared" in verdict.because


def test_requests_to_a_model_of_another_format_count_for_no_column(world):
    digest = model(world)
    content = {"features.json": b'{"format": 1}', "reference.json": b"{}"}
    log(world, world.lake.artifacts.put(content), served(400, score=np.full(400, 9.0)))
    log(world, digest, served(300))
    seen = requests(world.pipeline, world.lake, digest, 50_000)
    assert seen.requests == 700
    assert {one.rows for one in seen.shifts} == {300}
    assert judged(world, digest).passed


def test_an_aggregate_that_serving_looks_up_otherwise_is_named(world):
    digest = model(world, aggregates=True)
    log(world, digest, with_before(500, 1e6))
    verdict = judged(world, digest)
    assert not verdict.passed
    assert {row["column"] for row in verdict.evidence["columns"] if row["broken"]} == {"before"}


def test_aggregates_of_one_name_are_compared_where_their_definition_is_the_same(world):
    digest = model(world, aggregates=True)
    shorter = Aggregate("before", events="past", by=["customer"], window="1d")
    other = replace(loans.encoder(), aggregates=(shorter, loans.AMOUNT))
    log(world, model(world, other), with_before(400, 1e6))
    log(world, digest, with_before(300, 2.0))
    seen = requests(world.pipeline, world.lake, digest, 50_000)
    rows = {one.column: one.rows for one in seen.missing}
    assert (rows["before"], rows["score"]) == (300, 700)


def test_columns_that_the_log_never_held_are_left_out(world):
    digest = model(world)
    log(world, digest, served(300).drop_columns(["amount"]))
    seen = requests(world.pipeline, world.lake, digest, 50_000)
    assert "amount" not in {one.column for one in seen.shifts}


def test_a_model_that_is_not_there_is_an_error(world):
    log(world, "0" * 64, served(1))
    with pytest.raises(LakeError, match="no artifact"):
        requests(world.pipeline, world.lake, "1" * 64, 10)


@pytest.mark.parametrize("most", [1, 3, 4, 7, 100])
def test_the_last_rows_of_a_stream_are_kept_across_batches(most):
    batches = [pa.record_batch({"n": range(first, first + 3)}) for first in range(0, 30, 3)]
    assert tail(batches, most)["n"].to_pylist() == list(range(30))[-most:]
