"""What a pipeline may say, validated, with errors a person can act on."""

from mlplatform.spec.load import Pipeline, load_pipeline, load_pipelines, spec_digest, validate
from mlplatform.spec.model import PipelineSpec

__all__ = ["Pipeline", "PipelineSpec", "load_pipeline", "load_pipelines", "spec_digest", "validate"]
