"""The lake of a command line."""

import os
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
from mlplatform.settings import Settings

if TYPE_CHECKING:
    from mlplatform.lake import Lake


def open_lake(settings: Settings) -> "Lake":
    """Return the lake in `settings`.

    Raises:
        LakeError: If it is on S3 and the extra `aws` is not installed.
    """
    from mlplatform.lake import Lake

    return Lake(settings.lake, s3_options() if settings.lake.startswith("s3://") else None)


def open_writable_lake(settings: Settings) -> "Lake":
    """Return the lake in `settings`, once a file could be written to it.

    Raises:
        LakeError: Naming the settings that move it, if not.
    """
    lake = open_lake(settings)
    try:
        lake.check_writable()
    except LakeError as wrong:
        raise LakeError(f"{wrong}; MLPLATFORM_HOME or MLPLATFORM_LAKE moves the lake") from None
    return lake


def s3_options() -> dict[str, str]:
    """Return storage options with the credentials that boto3 finds.

    Raises:
        LakeError: If the extra `aws` is not installed.
    """
    try:
        import boto3
    except ImportError:
        raise LakeError("S3 is asked for but boto3 is missing; install the extra `aws`") from None
    from mlplatform.lake.aws import storage_options

    return storage_options(boto3.client("s3", region_name=os.environ.get("AWS_REGION")))
