"""A real server on a real Redis answers with the very bits of one on its own SQLite file."""

import hashlib

import pytest

from mlplatform.serve.candidate import NAME as CANDIDATE
from mlplatform.serve.candidate import serving
from mlplatform.serve.client import PredictionClient
from mlplatform.serve.process import ServerProcess
from mlplatform_tests.features.aggregates.redis_server import started_redis
from mlplatform_tests.serve.conftest import NAME, World, exported_of
from mlplatform_tests.serve.flights import LATE, encoder, write
from mlplatform_tests.serve.test_candidate import COLUMNS

pytestmark = pytest.mark.slow

ODD = 0.1 + 0.2  # A value that not every decimal notation gives back.


def test_a_server_on_redis_gives_the_bits_of_one_on_its_own_file(tmp_path, compiled):
    import redis

    world = World(tmp_path / "lake", [exported_of(encoder(), seed=1)])
    version = write(world.lake, LATE.key, value=ODD)
    world.deploy(world.models[0])
    columns = {name: values for name, values in COLUMNS.items() if name != "not_asked"}
    options = {"compile-cache": compiled, "online-store": "STORE", "max-rows": 64}
    with started_redis() as url:
        environment = {"STORE": url}
        server = ServerProcess(world.root, NAME, options=options, environment=environment)
        with server, PredictionClient(server.url) as client:
            shared, health = client.features(NAME, columns), client.health()
        keys = list(redis.Redis.from_url(url).scan_iter())
    digest = world.models[0].digest
    candidate = serving(world.root, digest, aggregates=version, compile_cache=compiled)
    with candidate as address, PredictionClient(address) as client:
        own = client.features(CANDIDATE, columns)
    for output in ("prediction", "vectors", "ids"):
        assert getattr(shared, output).tobytes() == getattr(own, output).tobytes(), output
    assert shared.vectors[0, 0] == pytest.approx(ODD)
    assert health["aggregates"] == version.reference
    lake = hashlib.sha256(str(world.root).encode()).hexdigest()[:12]
    assert len(keys) == 2  # An entity, and `current`.
    assert all(key.startswith(f"mlplatform:{NAME}-{lake}:".encode()) for key in keys)
