"""What a landing from the command line may reach: S3, and connections in environment variables."""

import os

from mlplatform.cli.lake import s3_options
from mlplatform.errors import SourceError
from mlplatform.ingest.access import Access, needs_s3
from mlplatform.spec import PipelineSpec


def access(spec: PipelineSpec, place: str = "") -> Access:
    """Return how to reach the spec's source, and a file elsewhere."""
    remote = needs_s3(spec) or place.startswith("s3://")
    return Access(s3=s3_options() if remote else None, secret=secret)


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
