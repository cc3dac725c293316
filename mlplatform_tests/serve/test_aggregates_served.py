"""A real server that looks aggregates up: clients send whose row it is and when, and no values."""

from datetime import UTC, datetime

import pytest

from mlplatform.serve.client import PredictionClient, PredictionError
from mlplatform_tests.serve.conftest import NAME, World, exported_of
from mlplatform_tests.serve.flights import LATE, NEXT, encoder, write
from mlplatform_tests.serve.test_rollouts import wait_until
from mlplatform_tests.serve.test_server import sample

pytestmark = pytest.mark.slow

ROW = {"tailnum": "N1", "departs": "2026-01-01T12:00:00Z", "distance": 100, "place": [0.5, 1]}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Return a lake in which a model that reads an aggregate is deployed."""
    root = tmp_path_factory.mktemp("flights") / "lake"
    world = World(root, [exported_of(encoder(), seed=1), exported_of(encoder(NEXT), seed=1)])
    write(world.lake, LATE.key)
    world.deploy(world.models[0])
    return world


@pytest.fixture(scope="module")
def client(world, serve):
    with PredictionClient(serve(world).url) as client:
        yield client


def late(client: PredictionClient, **row: object) -> float:
    """Return the feature `late` as the server computes it of a row."""
    columns = {name: [value] for name, value in {**ROW, **row}.items() if value != "left out"}
    return client.features(NAME, columns).vectors[0, 0].item()


def logged(world: World, request_id: str) -> list[dict[str, object]]:
    """Return the rows of one request, once they are there."""
    kept: list[dict[str, object]] = []

    def find() -> bool:
        kept[:] = [row for row in world.logged() if row["request_id"] == request_id]
        return bool(kept)

    wait_until(find)
    return kept


def test_clients_are_asked_for_rows_and_times_and_for_no_aggregate(client):
    inputs = {each["name"]: each["datatype"] for each in client.metadata(NAME)["inputs"]}
    assert inputs == {"distance": "FP64", "place": "FP32", "departs": "BYTES", "tailnum": "BYTES"}
    with pytest.raises(PredictionError, match="unknown column 'late'"):
        client.predict([{**ROW, "late": 2.0}])


def test_values_are_as_of_the_rows_time_and_now_where_it_is_left_out(client):
    assert late(client) == 2.0
    assert late(client, departs="2026-01-01T10:59:59.999999Z") == 0.0
    assert late(client, departs="2026-01-01T12:00:00+02:00") == 0.0
    assert late(client, departs="left out") == 2.0
    assert late(client, tailnum="N2") == 0.0


def test_both_endpoints_answer_alike(client):
    columns = {name: [value] for name, value in ROW.items()}
    assert client.predict([ROW]).probabilities == client.features(NAME, columns).prediction.tolist()


def test_the_log_keeps_what_was_asked_and_what_was_looked_up(client, world):
    timeless = {name: value for name, value in ROW.items() if name != "departs"}
    before = datetime.now(UTC)
    client.predict([ROW, timeless], request_id="looked-up")
    first, second = logged(world, "looked-up")
    read = {"late": 2.0, "tailnum": "N1", "distance": 100.0, "place": [0.5, 1.0]}
    assert {name: first[name] for name in read} == read
    assert first["departs"] == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert before <= second["departs"] <= datetime.now(UTC)


def test_a_row_that_cannot_be_looked_up_is_refused_by_row_and_column(client):
    with pytest.raises(PredictionError, match=r"422: column 'departs': .* \(at /rows/0/departs\)"):
        client.predict([{**ROW, "departs": "noon"}])
    with pytest.raises(PredictionError, match="column 'tailnum' is missing"):
        client.predict([{name: value for name, value in ROW.items() if name != "tailnum"}])


def test_a_newer_version_and_a_model_that_needs_it_are_followed(client, world):
    """A canary whose aggregates are not there yet gets no traffic, and takes none away."""
    older = client.health()["aggregates"]
    world.deploy(world.models[1], 100)
    wait_until(lambda: client.health()["problem"] == "model version 2 cannot be loaded")
    assert late(client) == 2.0
    newer = write(world.lake, LATE.key, NEXT.key, value=3.0)
    wait_until(lambda: client.health()["up_to_date"])
    assert client.health()["aggregates"] == newer.reference != older
    assert client.predict([ROW]).model_version == 2
    assert sample(client, "mlplatform_aggregates_version") == newer.number
    assert sample(client, "mlplatform_aggregates_age_seconds") >= 0
