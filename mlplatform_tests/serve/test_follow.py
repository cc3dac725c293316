"""The models in memory follow the deployment table, and a bad one never gets traffic."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from mlplatform.errors import ServingError
from mlplatform.ingest.access import no_secret
from mlplatform.lake import Lake
from mlplatform.serve.follow import Follower
from mlplatform.serve.lookup import Lookup
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.settings import ServeSettings
from mlplatform.serve.store import opener
from mlplatform_tests.serve import flights
from mlplatform_tests.serve.conftest import NAME, ROW, World, exported, exported_of

NOW = ServeSettings(retry_seconds=0.0, max_rows=4)


@pytest.fixture
def follower(world):
    world.deploy(world.models[0])
    return following(world)


def following(world) -> Follower:
    """Return a follower that has looked once."""
    follower = unstarted(world.lake, NAME)
    follower.look()
    return follower


def unstarted(lake: Lake, pipeline: str) -> Follower:
    """Return a follower that has not looked yet."""
    metrics = Metrics()
    store = opener(lake.root, pipeline, "", "never used", no_secret)
    lookup = Lookup(lake.table(f"{pipeline}/aggregates"), store, metrics)
    return Follower(lake, pipeline, lookup, metrics, NOW)


def live(follower: Follower) -> dict[str, int]:
    """Return the version behind each arm."""
    return {name: arm.loaded.model.version for name, arm in follower.traffic.arms.items()}


def test_the_first_deployment_is_loaded_and_answers(follower, world):
    assert live(follower) == {"champion": 1}
    assert follower.problem == ""
    (probability,) = follower.traffic.champion.loaded.predict([ROW])["probability"]
    assert 0 < probability < 1


def test_a_canary_joins_is_promoted_and_rolled_back(follower, world):
    world.deploy(world.models[1], 30)
    follower.look()
    assert live(follower) == {"champion": 1, "canary": 2}
    arms = Counter(follower.traffic.arm(f"key-{n}").name for n in range(1000))
    assert 200 < arms["canary"] < 400
    world.promote()
    follower.look()
    assert live(follower) == {"champion": 2}
    world.rollback()
    follower.look()
    assert live(follower) == {"champion": 1}


def test_a_rollback_needs_no_loading(follower, world):
    """The previous champion stays in memory, so that even lost files do not hold a rollback up."""
    world.deploy(world.models[1])
    world.promote()
    follower.look()
    shutil.rmtree(world.lake.artifacts.open(world.models[0].digest).uri)
    world.rollback()
    follower.look()
    assert live(follower) == {"champion": 1}
    assert follower.problem == ""


@pytest.mark.parametrize(
    "name", ["params.safetensors", "program.stablehlo", "features.json", "manifest.json"]
)
def test_a_damaged_canary_gets_no_traffic_until_it_is_whole_again(follower, world, name):
    mend = world.damage(world.models[1], name)
    world.deploy(world.models[1], 100)
    follower.look()
    assert live(follower) == {"champion": 1}
    assert follower.problem == "model version 2 cannot be loaded"
    mend()
    follower.look()
    assert live(follower) == {"champion": 1, "canary": 2}
    assert follower.problem == ""


def test_a_damaged_champion_leaves_the_last_good_one(follower, world):
    world.damage(world.models[1])
    world.deploy(world.models[1])
    world.promote()
    follower.look()
    assert live(follower) == {"champion": 1}
    assert follower.problem == "model version 2 cannot be loaded"


def test_a_model_that_predicts_nan_gets_no_traffic(follower, world, files):
    from safetensors.numpy import load, save

    params = load(files[1]["params.safetensors"])
    params["bias"][:] = float("nan")
    broken = world.put({**files[1], "params.safetensors": save(params)})
    world.deploy(broken)
    follower.look()
    assert live(follower) == {"champion": 1}
    assert "no probability" in follower._why


def test_a_file_set_that_is_no_model_gets_no_traffic(follower, world):
    world.deploy(world.put({"readme.txt": b"no model"}))
    follower.look()
    assert live(follower) == {"champion": 1}
    assert "has no file" in follower._why


def test_columns_named_like_the_log_are_refused(follower, world):
    world.deploy(world.put(exported(3, extra="arm")))
    follower.look()
    assert live(follower) == {"champion": 1}
    assert "names of the prediction log" in follower._why


def test_arms_with_different_columns_take_the_union(follower, world):
    """A request that has both models' columns is good for both, whichever answers."""
    world.deploy(world.put(exported(3, wage="wage")), 50)
    follower.look()
    champion, canary = follower.traffic.arms["champion"], follower.traffic.arms["canary"]
    body = b'[{"age": 39, "hours.per-week": 40.5, "workclass": "Private", "wage": 1.5}]'
    assert champion.decoder.rows(body) == [ROW]
    assert canary.decoder.rows(body) == [{**ROW, "wage": 1.5}]
    assert follower.columns().keys() == {*ROW, "wage"}


def test_a_model_without_its_aggregates_gets_no_traffic_and_says_which(tmp_path):
    lost = World(tmp_path / "lake", [exported_of(flights.encoder(), seed=1)])
    lost.deploy(lost.models[0])
    follower = following(lost)
    assert follower.traffic is None
    assert follower.problem == "model version 1 cannot be loaded"
    assert f"there is no table {NAME}/aggregates; materialise" in follower._why


def test_an_unreadable_deployment_table_leaves_everything_as_it_is(follower, world):
    log = Path(world.table.uri) / "_delta_log"
    log.rename(log.with_name("hidden"))
    follower.look()
    assert live(follower) == {"champion": 1}
    assert "cannot be read; the last good models answer" in follower.problem
    log.with_name("hidden").rename(log)
    follower.look()
    assert follower.problem == ""


def test_a_look_that_finds_nothing_new_changes_nothing(follower):
    before = follower.traffic
    follower.look()
    assert follower.traffic is before


def test_without_a_lake_or_a_deployment_there_is_one_line(world, tmp_path):
    with pytest.raises(ServingError, match=r"nowhere: no lake here; run the pipeline, or name it"):
        unstarted(Lake(tmp_path / "nowhere"), NAME).require_deployment()
    world.deploy(world.models[0])
    with pytest.raises(ServingError, match="other has no deployment yet in"):
        unstarted(world.lake, "other").require_deployment()
