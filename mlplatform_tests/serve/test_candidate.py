"""A server on one artifact: production's own, without deployment and log, for as long as a block lasts."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest

import mlplatform
from mlplatform.errors import ServingError
from mlplatform.features.program import Predictor
from mlplatform.serve.candidate import NAME, serving
from mlplatform.serve.client import PredictionClient
from mlplatform.serve.fixed import Fixed
from mlplatform.serve.settings import ServeSettings
from mlplatform_tests.serve import flights
from mlplatform_tests.serve.test_process import is_running

pytestmark = pytest.mark.slow

COLUMNS = {
    "tailnum": ["N1", "N1", "N2"],
    "departs": [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (12, 10, 12)],
    "distance": [100.0, None, 1e3],
    "place": np.arange(6, dtype=np.float32).reshape(3, 2),
    "not_asked": [1, 2, 3],
}


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    """Return a lake with a model that nobody deployed and two versions of its aggregates."""
    return flights.World(tmp_path_factory.mktemp("candidates") / "lake")


@pytest.fixture(scope="module")
def start(candidates, compiled):
    """Return what starts a candidate's server."""

    def start(**options: object):
        chosen = {"aggregates": candidates.versions[0], "compile_cache": compiled, **options}
        return serving(candidates.lake.root, candidates.digest, **chosen)

    return start


@pytest.fixture(scope="module")
def older(start):
    """Return what a candidate with the first version of the aggregates answers, and its health."""
    with start(max_rows=5000) as url, PredictionClient(url) as client:
        many = {name: [COLUMNS[name][0]] * 5000 for name in ("tailnum", "departs", "distance")}
        many["place"] = [None] * 5000
        assert len(client.features(NAME, many).prediction) == 5000
        return client.features(NAME, COLUMNS), client.health()


def test_a_candidate_gives_the_very_bits_of_its_program_and_leaves_nothing_behind(
    candidates, older
):
    answer, health = older
    predictor = Predictor.load(candidates.lake.artifacts.open(candidates.digest))
    read = {"late": [2.0, 0.0, 0.0], **COLUMNS, "place": COLUMNS["place"].tolist()}
    rows = [{name: read[name][row] for name in predictor.encoder.columns} for row in range(3)]
    expected = predictor.everything(predictor.encoder.encode_rows(rows))
    for name, array in zip(("prediction", "vectors", "ids"), expected, strict=True):
        got = getattr(answer, name)
        assert (got.dtype, got.shape) == (array.dtype, array.shape)
        assert got.tobytes() == array.tobytes()
    assert answer.model_digest == candidates.digest
    assert health["aggregates"] == candidates.versions[0].reference
    assert candidates.lake.tables() == [f"{flights.NAME}/aggregates"]


def test_another_copy_of_the_code_and_another_version_of_the_aggregates_can_be_served(
    candidates, older, start, tmp_path
):
    package = Path(mlplatform.__file__).parent
    shutil.copytree(package, tmp_path / "mlplatform", ignore=shutil.ignore_patterns("__pycache__"))
    copied = tmp_path / "mlplatform" / "serve" / "app.py"
    copied.write_text(copied.read_text().replace('"name": "mlplatform"', '"name": "skewed"'))
    named = (f"{flights.NAME}/aggregates", candidates.versions[1].number)
    skewed = start(aggregates=named, env={"PYTHONPATH": str(tmp_path)})
    with skewed as url, PredictionClient(url) as client:
        assert httpx.get(f"{url}/v2", trust_env=False).json()["name"] == "skewed"
        newer = client.features(NAME, COLUMNS)
    first, rest = newer.vectors[0], newer.vectors[1:]
    assert first.tobytes() != older[0].vectors[0].tobytes()
    assert rest.tobytes() == older[0].vectors[1:].tobytes()


def test_what_keeps_a_candidate_from_starting_is_one_line(candidates, start):
    with pytest.raises(ServingError, match=r"version 2 of .* has no late@"):
        start(aggregates=candidates.versions[2]).__enter__()
    fixed = Fixed(candidates.lake, candidates.digest, None, ServeSettings())
    said: queue.SimpleQueue[ServingError | None] = queue.SimpleQueue()
    fixed.start(said.put)
    assert "reads aggregates; say which version to look up" in str(said.get(timeout=60))
    lost = Fixed(candidates.lake, "0" * 64, None, ServeSettings())
    lost.start(said.put)
    assert "there is no artifact" in str(said.get(timeout=60))
    assert fixed.traffic is lost.traffic is None


def test_a_candidate_that_dies_is_an_error_of_the_block(start):
    def use_and_lose() -> None:
        with start() as url, PredictionClient(url) as client:
            (server,) = children(os.getpid())
            os.kill(server, signal.SIGKILL)
            while is_running(server):
                time.sleep(0.01)
            client.health()

    with pytest.raises(ServingError, match="the server ended with -9"):
        use_and_lose()


PARENT = """
import sys, time
from pathlib import Path
from mlplatform.serve.candidate import serving
lake, digest, table, compiled = sys.argv[1:]
with serving(lake, digest, aggregates=(table, 0), compile_cache=Path(compiled)) as url:
    print(url, flush=True)
    time.sleep(600)
"""


def test_killing_the_parent_ends_the_candidate(candidates, compiled):
    told = [candidates.lake.root, candidates.digest, f"{flights.NAME}/aggregates", compiled]
    command = [sys.executable, "-c", PARENT, *map(str, told)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline().startswith("http://127.0.0.1:")
    (server,) = children(parent.pid)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 60
    while is_running(server) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(server)


def children(pid: int) -> list[int]:
    """Return the running candidates' servers among a process's children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # It ended meanwhile.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            command = stat.with_name("cmdline").read_bytes()
            if parent == pid and b"--candidate" in command:
                found.append(int(stat.parent.name))
    return [child for child in found if is_running(child)]
