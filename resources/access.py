"""What landing may reach: S3 through dagster-aws, and connections kept in environment variables."""

import os

import dagster as dg

from mlplatform.ingest.access import Access, named_in, needs_s3
from mlplatform.spec import PipelineSpec
from resources.aws import s3_storage_options


class AccessResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Hands a pipeline's landing what its source needs, and looks nothing up before."""

    def for_spec(self, spec: PipelineSpec) -> Access:
        """Return how to reach the spec's source."""
        s3 = s3_storage_options() if needs_s3(spec) else None
        return Access(s3=s3, secret=named_in(os.environ))
