"""Credentials for a lake on S3, through dagster-aws."""

import os

from mlplatform.lake.aws import storage_options


def s3_storage_options() -> dict[str, str]:
    """Return what the lake needs to reach S3 with the credentials dagster-aws resolves.

    `AWS_ENDPOINT_URL`, `AWS_REGION` and `AWS_PROFILE` are honoured, as boto3's own variables are.
    """
    from dagster_aws.s3 import S3Resource

    s3 = S3Resource(
        region_name=os.environ.get("AWS_REGION"),
        endpoint_url=os.environ.get("AWS_ENDPOINT_URL"),
        profile_name=os.environ.get("AWS_PROFILE"),
    )
    return storage_options(s3.get_client())
