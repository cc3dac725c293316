"""A real server process: what it answers, what it refuses, and that it never breaks over it."""

import json
import socket
import struct

import httpx
import pytest

from mlplatform.serve.client import PredictionClient, PredictionError
from mlplatform_tests.serve.conftest import NAME, ROW, World

pytestmark = pytest.mark.slow

INFER = f"/v2/models/{NAME}/infer"
TENSORS = [
    {"name": "age", "shape": [1], "datatype": "INT64", "data": [39]},
    {"name": "hours.per-week", "shape": [1], "datatype": "FP64", "data": [40.5]},
    {"name": "workclass", "shape": [1], "datatype": "BYTES", "data": ["Private"]},
]


@pytest.fixture(scope="module")
def world(tmp_path_factory, files):
    world = World(tmp_path_factory.mktemp("served") / "lake", files)
    world.deploy(world.models[0])
    return world


@pytest.fixture(scope="module")
def url(world, serve):
    return serve(world, body_seconds=0.5).url


@pytest.fixture(scope="module")
def client(url):
    with PredictionClient(url) as client:
        yield client


@pytest.fixture(scope="module")
def http(url):
    with httpx.Client(base_url=url, trust_env=False) as http:
        yield http


def test_rows_of_named_columns_are_predicted(client, world):
    answer = client.predict([ROW, {**ROW, "workclass": None}], request_id="named")
    assert len(answer.probabilities) == 2
    assert all(0 < probability < 1 for probability in answer.probabilities)
    assert (answer.request_id, answer.model, answer.arm) == ("named", NAME, "champion")
    assert (answer.model_version, answer.model_digest) == (1, world.models[0].digest)


def test_both_endpoints_and_the_batch_path_give_the_same_bits(client, http, world):
    from mlplatform.features.program import Predictor

    row = client.predict([ROW]).probabilities
    tensor = http.post(INFER, json={"inputs": TENSORS}).json()["outputs"][0]
    predictor = Predictor.load(world.lake.artifacts.open(world.models[0].digest))
    batch = predictor.predict(predictor.encoder.encode_rows([ROW])).tolist()
    assert row == tensor["data"] == batch
    assert (tensor["name"], tensor["datatype"], tensor["shape"]) == ("probability", "FP32", [1])


def test_an_inference_reply_names_the_model_and_echoes_the_id(http, world):
    reply = http.post(INFER, json={"id": "tensor", "inputs": TENSORS})
    said = reply.json()
    assert (said["model_name"], said["model_version"], said["id"]) == (NAME, "1", "tensor")
    assert said["parameters"] == {"model_digest": world.models[0].digest, "arm": "champion"}
    assert reply.headers["x-model-version"] == "1"
    assert reply.headers["x-model-digest"] == world.models[0].digest
    assert reply.headers["x-request-id"] == "tensor"


def test_metadata_come_from_the_model_itself(client):
    said = client.metadata(NAME)
    inputs = [(each["name"], each["datatype"]) for each in said["inputs"]]
    assert inputs == [("age", "INT64"), ("hours.per-week", "FP64"), ("workclass", "BYTES")]
    assert said["versions"] == ["1"]


def test_a_server_says_which_outputs_there_are_and_that_they_may_be_bytes(client, http):
    assert http.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    outputs = client.metadata(NAME)["outputs"]
    assert [(each["name"], each["datatype"], each["shape"]) for each in outputs] == [
        ("probability", "FP32", [-1]),
        ("vectors", "FP32", [-1, 4]),
        ("ids", "INT32", [-1, 1]),
    ]


def test_outputs_have_the_same_bits_as_json_and_as_bytes(client, http, world):
    import numpy as np

    names = ["ids", "vectors", "probability"]
    asked = {"inputs": TENSORS, "outputs": [{"name": name} for name in names]}
    said = http.post(INFER, json=asked).json()["outputs"]
    assert [(each["name"], each["shape"]) for each in said] == [
        ("ids", [1, 1]),
        ("vectors", [1, 4]),
        ("probability", [1]),
    ]
    got = client.features(NAME, {name: [value] for name, value in ROW.items()})
    for each in said:
        array = getattr(got, each["name"].replace("probability", "prediction"))
        assert array.ravel().tolist() == each["data"]
        assert array.dtype == (np.int32 if each["name"] == "ids" else np.float32)
    assert got.prediction.tolist() == client.predict([ROW]).probabilities
    assert got.model_digest == world.models[0].digest


def test_bytes_stand_behind_the_json_in_the_order_of_the_outputs(http):
    asked = [{"name": "vectors", "parameters": {"binary_data": True}}, {"name": "probability"}]
    reply = http.post(INFER, json={"inputs": TENSORS, "outputs": asked})
    at = int(reply.headers["inference-header-content-length"])
    vectors, probability = json.loads(reply.content[:at])["outputs"]
    assert reply.headers["content-type"] == "application/octet-stream"
    assert vectors["parameters"] == {"binary_data_size": 16}
    assert len(reply.content) == at + 16
    assert struct.unpack("<4f", reply.content[at:])[1::2] == (0.0, 0.0)  # Nothing is missing.
    assert "data" in probability
    assert "data" not in vectors


def test_health_says_alive_and_ready(client, http):
    assert http.get("/v2/health/live").status_code == 200
    ready = {"ready": True, "up_to_date": True, "problem": "", "aggregates": None}
    assert client.health() == ready
    assert http.get(f"/v2/models/{NAME}/ready").status_code == 200


def test_every_answer_is_logged_with_its_raw_columns(client, world):
    client.predict([ROW, {**ROW, "age": None}], request_id="kept")
    kept = wait_for(lambda: [row for row in world.logged() if row["request_id"] == "kept"])
    assert [(row["request_row"], row["age"], row["workclass"]) for row in kept] == [
        (0, 39, "Private"),
        (1, None, "Private"),
    ]
    assert {row["model_digest"] for row in kept} == {world.models[0].digest}
    assert all(row["latency_ms"] > 0 for row in kept)


def test_a_refused_request_is_not_logged(client, world):
    with pytest.raises(PredictionError):
        client.predict([{**ROW, "age": "x"}], request_id="refused")
    client.predict([ROW], request_id="after")
    wait_for(lambda: [row for row in world.logged() if row["request_id"] == "after"])
    assert not [row for row in world.logged() if row["request_id"] == "refused"]


GOOD = json.dumps({"rows": [ROW]})
BAD = [
    ("/predict", "", 400, None),
    ("/predict", "{", 400, None),
    ("/predict", GOOD.replace("40.5", "NaN"), 400, None),
    ("/predict", GOOD.replace("40.5", "-Infinity"), 400, None),
    ("/predict", GOOD.replace("40.5", "1e999"), 422, "/rows/0/hours.per-week"),
    ("/predict", GOOD.replace("40.5", "1e300"), 422, None),
    ("/predict", GOOD.replace("40.5", '"40.5"'), 422, "/rows/0/hours.per-week"),
    ("/predict", GOOD.replace("39", "39.5"), 422, "/rows/0/age"),
    ("/predict", GOOD.replace("39", "true"), 422, "/rows/0/age"),
    ("/predict", GOOD.replace('"Private"', '"\\ud800"'), 400, None),
    ("/predict", GOOD.replace("age", "wage"), 422, None),
    ("/predict", '{"rows": [{}]}', 422, "/rows/0"),
    ("/predict", '{"rows": []}', 422, "/rows"),
    ("/predict", json.dumps({"rows": [ROW] * 65}), 422, "/rows"),
    ("/predict", "[" * 100_000, 422, ""),
    ("/predict", '{"rows": ' + "[" * 100_000, 400, None),
    ("/v2/models/other/infer", json.dumps({"inputs": TENSORS}), 404, None),
    (INFER, "{}", 422, ""),
    (INFER, '{"inputs": []}', 422, "/inputs"),
    (INFER, json.dumps({"inputs": TENSORS[:2]}), 422, "/inputs"),
    (INFER, json.dumps({"inputs": [{**TENSORS[0], "shape": "x"}]}), 422, "/inputs/0/shape"),
]


@pytest.mark.parametrize(("path", "body", "status", "pointer"), BAD)
def test_bad_input_is_a_problem_that_names_the_field(http, path, body, status, pointer):
    reply = http.post(path, content=body.encode())
    said = reply.json()
    assert reply.status_code == status, said
    assert reply.headers["content-type"] == "application/problem+json"
    assert said["status"] == status
    assert said.get("pointer") == pointer or pointer is None
    assert len(reply.content) < 2000
    assert "Traceback" not in reply.text
    assert ".py" not in reply.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/predict", 405),
        ("POST", "/v2/health/live", 405),
        ("GET", "/v2/models/other", 404),
        ("GET", "/nothing", 404),
        ("POST", "/predict/", 404),
    ],
)
def test_a_wrong_address_is_a_problem_too(http, method, path, status):
    reply = http.request(method, path)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


def test_compressed_bodies_are_refused(http):
    reply = http.post("/predict", content=b"x", headers={"content-encoding": "gzip"})
    assert reply.status_code == 415


def test_a_body_announced_too_large_is_refused_before_it_is_sent(url):
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n"
    assert b" 413 " in raw(url, head)


def test_a_body_that_grows_too_large_is_refused_on_the_way(url):
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    reply = raw(url, head, *[chunk] * 40)
    assert b" 413 " in reply
    assert b"larger than 1048576 bytes" in reply


def test_a_body_that_never_comes_is_given_up(url):
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n123"
    assert b" 408 " in raw(url, head)


def test_a_client_that_leaves_in_the_middle_does_no_harm(url, client):
    host, port = url.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\ncontent-length: 10\r\n\r\n123")
    assert client.predict([ROW]).model_version == 1


def test_metrics_count_requests_rows_and_models(client, http):
    before = sample(client, 'mlplatform_predictions_total{arm="champion",model_version="1"}')
    client.predict([ROW] * 3)
    assert sample(client, 'mlplatform_predictions_total{arm="champion",model_version="1"}') == (
        before + 3
    )
    http.post("/predict", content=b"{")
    text = client.metrics()
    assert 'mlplatform_http_requests_total{endpoint="predict",status="400"}' in text
    assert sample(client, "mlplatform_predictions_dropped_total") == 0
    assert sample(client, "mlplatform_deployment_up_to_date") == 1
    assert 'mlplatform_model_traffic_percent{arm="champion"' in text


def test_numpy_values_and_nan_are_sent_as_json_has_them(client):
    import numpy as np

    plain = client.predict([{**ROW, "hours.per-week": None}]).probabilities
    scalars = {"age": np.int64(39), "hours.per-week": np.float64("nan"), "workclass": "Private"}
    assert client.predict([scalars]).probabilities == plain
    with pytest.raises(PredictionError, match="row 0: column 'age' is inf"):
        client.predict([{**ROW, "age": float("inf")}])


def test_a_refusal_reaches_the_caller_with_its_pointer(client):
    with pytest.raises(PredictionError, match=r"422: column 'age': expected .* \(at /rows/0/age\)"):
        client.predict([{**ROW, "age": "x"}])


def raw(url: str, *parts: bytes) -> bytes:
    """Return what the server replies to these bytes before it closes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # The server closed after its reply.
        got = b""
        try:
            while chunk := connection.recv(65536):
                got += chunk
        except ConnectionResetError:
            pass
        return got


def sample(client: PredictionClient, name: str) -> float:
    """Return one value of the metrics."""
    lines = client.metrics().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name))


def wait_for(read):
    """Return what `read` returns once it is something."""
    import time

    end = time.monotonic() + 10
    while not (found := read()) and time.monotonic() < end:
        time.sleep(0.05)
    return found
