"""Credentials for a lake on S3, through dagster-aws: profiles, roles and environment alike."""

import os

CONDITIONAL_PUT = "etag"  # Commits by `If-None-Match`, so no lock table is needed.


def storage_options() -> dict[str, str]:
    """Return what the lake needs to reach S3, from the credentials boto3 resolves.

    `AWS_ENDPOINT_URL` and `AWS_REGION` are honoured; nothing is written to logs or metadata.
    """
    from dagster_aws.s3 import S3Resource

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    s3 = S3Resource(
        region_name=os.environ.get("AWS_REGION"),
        endpoint_url=endpoint,
        profile_name=os.environ.get("AWS_PROFILE"),
    ).get_client()
    options = {"aws_conditional_put": CONDITIONAL_PUT, "aws_region": s3.meta.region_name}
    if endpoint:
        options |= {
            "aws_endpoint_url": endpoint,
            "allow_http": str(endpoint.startswith("http:")).lower(),
        }
    credentials = s3._get_credentials()  # noqa: SLF001  boto3 has no public accessor on a client
    if credentials is not None:
        frozen = credentials.get_frozen_credentials()
        options |= {
            "aws_access_key_id": frozen.access_key,
            "aws_secret_access_key": frozen.secret_key,
        }
        if frozen.token:
            options["aws_session_token"] = frozen.token
    return options
