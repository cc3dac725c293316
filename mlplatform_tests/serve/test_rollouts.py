"""A server under way: canaries, swaps under load, damage, overload, and a clean end."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mlplatform.errors import ServingError
from mlplatform.rollout import arm
from mlplatform.serve.client import PredictionClient, PredictionError
from mlplatform.serve.process import ServerProcess
from mlplatform_tests.serve.conftest import NAME, ROW, World

pytestmark = pytest.mark.slow


@pytest.fixture
def served(world: World, serve):
    """Return a world with model 1 deployed, and a client of its server."""
    world.deploy(world.models[0])
    server = serve(world)
    with PredictionClient(server.url) as client:
        yield world, client, server


def wait_until(is_so) -> None:
    end = time.monotonic() + 15
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_rollout_under_load_fails_no_request_and_mixes_no_versions(served):
    """Deploy, promote and roll back while clients ask; each answer is one model's own."""
    world, client, _ = served
    own = {1: client.predict([ROW]).probabilities}
    answers, failures, stop = [], [], threading.Event()

    def ask(name: int) -> None:
        with PredictionClient(str(client._http.base_url)) as mine:
            while not stop.is_set():
                try:
                    answers.append(mine.predict([ROW], request_id=f"{name}-{len(answers)}"))
                except PredictionError as wrong:
                    failures.append(str(wrong))

    askers = [threading.Thread(target=ask, args=(n,)) for n in range(2)]
    for asker in askers:
        asker.start()
    seen = lambda version: wait_until(lambda: answers[-1].model_version == version)  # noqa: E731
    world.deploy(world.models[1], 50)
    wait_until(lambda: any(answer.arm == "canary" for answer in answers[-50:]))
    world.promote()
    seen(2)
    world.rollback()
    seen(1)
    stop.set()
    for asker in askers:
        asker.join()
    assert failures == []
    own[2] = next(a.probabilities for a in answers if a.model_version == 2)
    assert own[1] != own[2]
    digests = {model.version: model.digest for model in world.models}
    for answer in answers:
        assert answer.model_digest == digests[answer.model_version]
        assert answer.probabilities == own[answer.model_version]


def test_the_split_is_the_rollouts_own_and_sticks_to_the_key(served):
    world, client, _ = served
    state = world.deploy(world.models[1], 30)
    wait_until(lambda: client.metadata(NAME)["versions"] == ["1", "2"])
    for n in range(100):
        assert client.predict([ROW], request_id=f"r{n}").arm == arm(f"r{n}", state)
    routed = {client.predict([ROW], request_id=f"{n}", routing_key="me").arm for n in range(20)}
    assert routed == {arm("me", state)}
    assert 'arm="canary",model_digest=' in client.metrics()


def test_a_damaged_canary_is_said_in_health_and_metrics_and_heals(served):
    world, client, _ = served
    mend = world.damage(world.models[1])
    world.deploy(world.models[1], 100)
    wait_until(lambda: client.health()["problem"] != "")
    assert client.health() == {
        "ready": True,
        "up_to_date": False,
        "problem": "model version 2 cannot be loaded",
        "aggregates": None,
    }
    assert client.predict([ROW]).model_version == 1
    assert "mlplatform_model_load_failures_total 0.0" not in client.metrics()
    mend()
    wait_until(lambda: client.health()["up_to_date"])
    assert client.predict([ROW]).model_version == 2


def test_sigterm_answers_what_is_in_flight_writes_the_log_and_exits_with_0(world, serve):
    world.deploy(world.models[0])
    server = serve(world, flush_seconds=600)
    with PredictionClient(server.url) as client:
        answered = [client.predict([ROW], request_id=f"r{n}").request_id for n in range(50)]
    assert world.logged() == []
    assert server.stop() == 0
    assert sorted(row["request_id"] for row in world.logged()) == sorted(answered)


def test_a_draining_server_is_not_ready_but_still_answers(world, serve):
    world.deploy(world.models[0])
    server = serve(world, drain_seconds=1.5)
    with PredictionClient(server.url) as client:
        client.predict([ROW])
        server._started().send_signal(signal.SIGTERM)
        wait_until(lambda: not client.health()["ready"])
        assert client.predict([ROW]).model_version == 1
    assert server._started().wait(20) == 0


def test_sigterm_while_the_models_warm_up_ends_cleanly_too(world):
    world.deploy(world.models[0])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = start(world, port).launch()

    def is_alive() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/v2/health/live").status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(is_alive)
    assert httpx.post(f"http://127.0.0.1:{port}/predict", content=b"{}").status_code in (422, 503)
    assert server.stop() == 0


def test_overload_is_refused_at_once_and_what_is_accepted_is_answered(world, serve):
    world.deploy(world.models[0])
    url = serve(world, max_in_flight=1, predict_threads=1).url
    body = {"rows": [ROW] * 64}

    def ask(_: int) -> tuple[int, str]:
        with httpx.Client(base_url=url, trust_env=False) as http:
            replies = [http.post("/predict", json=body) for _ in range(15)]
        return [(reply.status_code, reply.headers.get("retry-after")) for reply in replies]

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(each for some in pool.map(ask, range(8)) for each in some)
    assert set(outcomes) == {(200, None), (429, "1")}
    with PredictionClient(url) as client:
        assert client.predict([ROW]).model_version == 1


def test_a_killed_server_serves_the_deployment_again_when_it_is_back(world, serve):
    world.deploy(world.models[0])
    server = serve(world)
    world.deploy(world.models[1], 100)
    server._started().kill()
    server._started().wait()
    with PredictionClient(serve(world).url) as client:
        assert client.predict([ROW]).model_version == 2


def start(world: World, port: int = 0) -> ServerProcess:
    """Return a server that is expected not to start."""
    log, few = world.root.with_name("refused.log"), {"max-rows": 4}
    return ServerProcess(world.root, NAME, port=port, log=log, options=few)


def test_a_taken_port_is_one_line(world):
    world.deploy(world.models[0])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match=f"cannot listen on 127.0.0.1:{port}: .*in use"):
            start(world, port).start()


def test_no_deployment_and_no_lake_are_one_line_each(world):
    world.table = world.lake.table("other/deployment")  # Another pipeline's makes it a lake.
    world.deploy(world.models[0])
    with pytest.raises(ServingError, match=f"{NAME} has no deployment yet in .*; run the pipeline"):
        start(world).start()
    world.root = world.root.with_name("nowhere")
    with pytest.raises(ServingError, match="nowhere: no lake here"):
        start(world).start()


def test_a_champion_that_cannot_be_loaded_ends_the_start_with_one_line(world):
    world.damage(world.models[0])
    world.deploy(world.models[0])
    with pytest.raises(ServingError, match=r"cannot serve census: model version 1 .* is damaged"):
        start(world).start()


def test_the_command_says_what_is_wrong_in_one_line_and_exits_with_1(world):
    command = [sys.executable, "-m", "mlplatform.serve", "--lake", str(world.root)]
    done = subprocess.run(
        [*command, "--pipeline", "Not A Name"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_client_of_no_server_says_so():
    with (
        PredictionClient("http://127.0.0.1:9") as client,
        pytest.raises(PredictionError, match=r"127\.0\.0\.1:9 cannot be reached"),
    ):
        client.predict([ROW])


def test_importing_the_room_wakes_nothing(fresh_python):
    loaded = fresh_python("import sys, mlplatform.serve, mlplatform.rollout; print(*sys.modules)")
    assert not {"jax", "starlette", "uvicorn", "httpx", "msgspec", "pyarrow"} & set(loaded.split())
