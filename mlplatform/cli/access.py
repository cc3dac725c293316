"""What a landing from the command line may reach: S3, and connections in environment variables."""

import os

from mlplatform.cli.lake import s3_options
from mlplatform.ingest.access import Access, named_in, needs_s3
from mlplatform.spec import PipelineSpec


def access(spec: PipelineSpec, place: str = "") -> Access:
    """Return how to reach the spec's source, and a file elsewhere."""
    remote = needs_s3(spec) or place.startswith("s3://")
    return Access(s3=s3_options() if remote else None, secret=named_in(os.environ))
