"""One setting decides how steps run."""

import dagster as dg
import pytest

from assets import MLPipeline
from mlplatform.errors import PlatformError
from mlplatform.settings import Settings
from mlplatform.spec import load_pipeline
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.small import CENSUS
from resources.executor import PRELOADED, executor


def test_each_known_executor_can_be_chosen():
    names = {name: executor(name).name for name in ("in_process", "multiprocess", "k8s")}
    assert names == {"in_process": "in_process", "multiprocess": "multiprocess", "k8s": "k8s"}


def test_everything_a_forked_step_should_not_import_itself_can_be_imported():
    """Dagster swallows the error of a preloaded module that is not there."""
    import importlib

    for module in PRELOADED:
        if module != "definitions":
            importlib.import_module(module)


def test_an_unknown_executor_is_refused_by_name():
    with pytest.raises(PlatformError, match="MLPLATFORM_EXECUTOR is 'ray'; known: in_process"):
        Settings.from_environment({"MLPLATFORM_EXECUTOR": "ray"}, ROOT)


def test_a_pipeline_that_wants_a_gpu_asks_kubernetes_for_one():
    """The object that would be sent to the cluster, made by dagster-k8s itself."""
    from dagster_k8s.job import (
        DagsterK8sJobConfig,
        construct_dagster_k8s_job,
        get_user_defined_k8s_config,
    )

    pipeline = load_pipeline(CENSUS)
    spec = pipeline.spec.model_copy(
        update={"model": pipeline.spec.model.model_copy(update={"gpu": True})}
    )
    definitions = MLPipeline(type(pipeline)(spec=spec, folder=pipeline.folder)).definitions()
    model = next(
        asset
        for asset in definitions.assets or []
        if isinstance(asset, dg.AssetsDefinition) and asset.key.path[-1] == "model"
    )
    config = get_user_defined_k8s_config(model.op.tags)
    job_config = DagsterK8sJobConfig(job_image="image", dagster_home="/home")
    job = construct_dagster_k8s_job(job_config, ["dagster"], "job", config).to_dict()
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1"}
