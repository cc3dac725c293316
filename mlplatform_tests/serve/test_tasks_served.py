"""Models of each task behind a real server: replies, metadata, and what is logged."""

import time

import httpx
import numpy as np
import pytest

from mlplatform.features.program import Predictor
from mlplatform.serve.client import PredictionClient
from mlplatform_tests.models import LABELS
from mlplatform_tests.serve.conftest import NAME, ROW, World, exported

ROWS = [ROW, {**ROW, "age": 70}]
SAID = {"multiclass": "probabilities", "regression": "predictions", "quantiles": "quantiles"}


@pytest.fixture(scope="module", params=SAID)
def task(request):
    """Each task but that of two classes, which all other tests are about."""
    return request.param


@pytest.fixture(scope="module")
def world(tmp_path_factory, task):
    world = World(tmp_path_factory.mktemp(task) / "lake", [exported(1, task)])
    world.deploy(world.models[0])
    return world


@pytest.fixture(scope="module")
def server(world, serve):
    return serve(world)


@pytest.fixture(scope="module")
def expected(world):
    """What the program itself predicts of the rows."""
    predictor = Predictor.load(world.lake.artifacts.open(world.models[0].digest))
    return predictor.predict(predictor.encoder.encode_rows(ROWS))


def test_a_reply_names_what_is_predicted(server, task, expected):
    with PredictionClient(server.url) as client:
        answer = client.predict(ROWS)
    assert getattr(answer, SAID[task]) == answer.answers == expected.tolist()
    label = LABELS[task]
    assert (answer.classes, answer.levels) == (label.classes, label.quantiles)
    assert [name for name in SAID.values() if getattr(answer, name)] == [SAID[task]]


def test_the_inference_protocol_has_the_same_bits_in_the_shape_its_metadata_says(
    server, task, expected
):
    label = LABELS[task]
    with PredictionClient(server.url) as client:
        said = client.metadata(NAME)
        got = client.features(NAME, {name: [row[name] for row in ROWS] for name in ROW})
    name = {"regression": "prediction"}.get(task, SAID[task])
    first = said["outputs"][0]
    width = [3] if task != "regression" else []
    assert (first["name"], first["datatype"], first["shape"]) == (name, "FP32", [-1, *width])
    assert said["parameters"]["task"] == label.task
    assert said["parameters"].get("classes", []) == label.classes
    assert said["parameters"].get("quantiles", []) == label.quantiles
    assert got.prediction.tobytes() == np.ascontiguousarray(expected).tobytes()


def test_an_unknown_output_is_answered_with_the_ones_there_are(server, task):
    asked = {"inputs": [], "outputs": [{"name": "probability"}]}
    reply = httpx.post(f"{server.url}/v2/models/{NAME}/infer", json=asked, trust_env=False)
    assert reply.status_code == 422
    assert "unknown output 'probability'; outputs: " in reply.json()["detail"]


def logged(world) -> list[dict]:
    """The rows of the one request."""
    return [row for row in world.logged() if row["request_id"] == "logged"]


def test_what_was_predicted_is_logged_as_a_list(server, world, task, expected):
    with PredictionClient(server.url) as client:
        client.predict(ROWS, request_id="logged")
    end = time.monotonic() + 10
    while not (mine := logged(world)) and time.monotonic() < end:
        time.sleep(0.05)
    assert [row["prediction"] for row in mine] == np.reshape(expected, (2, -1)).tolist()
    assert "probability" not in mine[0]
