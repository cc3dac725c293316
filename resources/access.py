"""What landing may reach: S3 through dagster-aws, and connections kept in environment variables."""

import os

import dagster as dg

from mlplatform.errors import SourceError
from mlplatform.ingest.access import Access, needs_s3
from mlplatform.spec import PipelineSpec
from resources.aws import s3_storage_options


class AccessResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Hands a pipeline's landing what its source needs, and looks nothing up before."""

    def for_spec(self, spec: PipelineSpec) -> Access:
        """Return how to reach the spec's source."""
        return Access(s3=s3_storage_options() if needs_s3(spec) else None, secret=secret)


def secret(name: str) -> str:
    """Return the connection URI kept in the environment variable `name`.

    Raises:
        SourceError: If it is not set.
    """
    value = os.environ.get(name)
    if not value:
        raise SourceError(
            f"source.connection names the environment variable {name}, which is not set"
        )
    return value
