"""The walk from source to deployment, on real rows, through Dagster."""

import getpass
import json
import os
import platform
from importlib import metadata

import dagster as dg

from mlplatform.provenance import environment, pipeline_code
from mlplatform.provenance.ancestry import ancestors
from mlplatform.registry.record import records
from mlplatform.rollout.events import traffic
from mlplatform_tests.assets.conftest import Walk, materialised

NOUNS = [
    *("source", "dataset", "split", "features", "model"),
    *("evaluation", "gate_verdict", "registered_model", "deployment"),
]


def test_the_first_model_takes_all_traffic(walked: Walk):
    state = traffic(walked.lake.table("census_income/deployment"))
    model = records(walked.lake.table("census_income/registered_model"))[0]
    assert state.champion is not None
    assert (state.champion.version, state.champion.digest) == (1, model.model_digest)
    assert state.canary is None


def test_a_rerun_with_nothing_new_writes_nothing_and_says_so(walked: Walk):
    before = walked.versions()
    again = walked.run()
    assert again.success
    assert walked.versions() == before
    reused = [
        event.step_materialization_data.materialization.metadata["reused"].value
        for event in again.get_asset_materialization_events()
    ]
    assert reused == [True] * len([*NOUNS, "reference"])


def test_every_asset_is_a_table_whose_commit_says_what_it_was_made_from(walked: Walk):
    for noun in NOUNS:
        version = walked.lake.table(f"census_income/{noun}").latest()
        assert version is not None
        assert version.lineage.run_id
        assert version.lineage.code_version
    deployed = walked.lake.table("census_income/deployment").latest()
    assert deployed is not None
    made_from = {table.rpartition("/")[2] for table in ancestors(walked.lake, deployed)}
    assert made_from >= set(NOUNS)


def test_the_models_commit_names_every_installed_library(walked: Walk):
    version = walked.lake.table("census_income/model").latest()
    assert version is not None
    facts, lines = version.lineage.facts, environment.installed()
    assert facts["environment"] == environment.digest(lines)
    stored = walked.lake.artifacts.open(facts["libraries"]).read(environment.FILE)
    assert stored == environment.text(lines)


def test_dagster_shows_the_lake_version_as_the_data_version(walked: Walk):
    instance = dg.DagsterInstance.ephemeral()
    assert walked.run(instance=instance).success
    event = instance.get_latest_materialization_event(dg.AssetKey(["census_income", "model"]))
    assert event is not None
    assert event.asset_materialization is not None
    version = walked.lake.table("census_income/model").latest()
    assert version is not None
    tags = event.asset_materialization.tags or {}
    assert tags["dagster/data_version"] == version.reference


def test_every_asset_has_a_blocking_check(walked: Walk):
    checks = walked.definitions().resolve_asset_graph().asset_check_keys
    graph = walked.definitions().resolve_asset_graph()
    blocking = {key.asset_key.path[-1] for key in checks if graph.get(key).blocking}
    assert blocking == set(NOUNS)


def test_the_test_rows_are_never_read_before_evaluation(walked: Walk):
    """What the trainer and the study are given holds training and validation rows only."""
    from mlplatform.provenance.making import encoder_of
    from mlplatform.tune.ready import load

    table = walked.lake.table("census_income/features")
    features = table.latest()
    assert features is not None
    data = load(walked.pipeline, walked.lake, features, encoder_of(walked.lake, features))
    parts = table.read(features)["part"].to_pylist()
    assert data.rows == parts.count("train")
    assert len(data.validation.labels) == parts.count("validation")


def test_one_asset_alone_reads_what_is_already_there(walked: Walk):
    result = walked.run("evaluation")
    assert result.success
    assert materialised(result) == ["evaluation"]


def test_the_models_commit_says_where_it_came_from(walked: Walk):
    version = walked.lake.table("census_income/model").latest()
    assert version is not None
    facts = version.lineage.facts
    around = json.loads(walked.lake.artifacts.open(facts["surroundings"]).read("surroundings.json"))
    assert around["python"] == platform.python_version()
    assert around["lock"]["file"] == "requirements/dev.lock"
    assert around["versions"]["jax"] == metadata.version("jax")
    assert around["hardware"]["cores"] == len(os.sched_getaffinity(0))
    assert "--xla_gpu_deterministic_ops=true" in around["xla_flags"]
    assert (around["cuda"], around["driver"], around["autotune"]) == (None, None, None)
    assert json.loads(facts["trigger"]) == {"kind": "manual"}
    assert facts["launched_by"] == getpass.getuser()
    assert facts["job"] == "__ASSET_JOB"


def test_the_models_commit_keeps_the_teams_code_and_none_of_its_data(walked: Walk):
    version = walked.lake.table("census_income/model").latest()
    assert version is not None
    kept = walked.lake.artifacts.open(version.lineage.facts["pipeline_code"])
    assert kept.names == ["behaviour.py", "defs.yaml", "features.py", "spec.json"]
    assert kept.read("defs.yaml") == (walked.folder / "defs.yaml").read_bytes()
    assert pipeline_code.load(kept, walked.folder).spec == walked.pipeline.spec
