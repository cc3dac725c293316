"""The component a team declares in `defs.yaml`: one spec becomes the assets and checks of one walk."""

import dagster as dg
from pydantic import BaseModel

from assets import (
    aggregates,
    certificate,
    checks,
    dataset,
    deployment,
    evaluation,
    features,
    gate_verdict,
    model,
    reference,
    registered_model,
    source,
    split,
    study,
)
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.environments import in_environment
from resources import max_runtime, settings_from_environment


class MLPipeline(dg.Component):
    """From source files to a deployed model, each step a versioned asset with blocking checks."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Return the schema of `attributes`."""
        return PipelineSpec

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> "MLPipeline":
        """Return the component declared in one folder."""
        assert isinstance(attributes, PipelineSpec)  # noqa: S101  what get_model_cls promised
        spec = in_environment(attributes, settings_from_environment().environment)
        return cls(Pipeline(spec=spec, folder=context.path))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the pipeline's definitions."""
        return self.definitions()

    def definitions(self) -> dg.Definitions:
        """Return the assets, checks and jobs of the pipeline."""
        nouns = [source, dataset, reference, split, features, model, evaluation, gate_verdict]
        nouns += [registered_model, deployment]
        if self.pipeline.spec.tuning.trials:
            nouns.append(study)
        events = self.pipeline.spec.events
        if events:
            nouns.append(aggregates)
        landed = [name for name, declared in events.items() if declared.source is not None]
        return dg.Definitions(
            assets=[
                certificate.build(self.pipeline),
                *(noun.build(self.pipeline) for noun in nouns),
                *(source.build(self.pipeline.landed_as(e), profiled=False) for e in landed),
            ],
            asset_checks=checks.build(self.pipeline),
            jobs=[walk(self.pipeline), certificate.job(self.pipeline)],
        )


def walk(pipeline: Pipeline) -> "dg.UnresolvedAssetJobDefinition":
    """Return the job that walks the whole pipeline, to be started by hand in the UI."""
    return dg.define_asset_job(
        name=f"{pipeline.name}_walk",
        selection=dg.AssetSelection.key_prefixes(pipeline.name),
        description=f"Every asset and check of {pipeline.name}, from source to deployment.",
        tags=max_runtime.tags(pipeline),
    )
