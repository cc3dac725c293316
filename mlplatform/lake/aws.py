"""What a lake on S3 needs, taken from a boto3 client: profiles, roles and environment alike."""

from typing import Any

CONDITIONAL_PUT = "etag"  # Commits by `If-None-Match`, so no lock table is needed.
AMAZON = ".amazonaws.com"


def storage_options(client: Any) -> dict[str, str]:
    """Return the storage options of a lake that `client`, a boto3 S3 client, can reach."""
    endpoint = str(client.meta.endpoint_url)
    options = {
        "aws_conditional_put": CONDITIONAL_PUT,
        "aws_region": str(client.meta.region_name),
    }
    if not endpoint.endswith(AMAZON):
        options["aws_endpoint_url"] = endpoint
        options["allow_http"] = str(endpoint.startswith("http:")).lower()
    return options | _credentials(client)


def _credentials(client: Any) -> dict[str, str]:
    found = client._get_credentials()  # noqa: SLF001  boto3 has no public accessor on a client
    if found is None:
        return {}
    frozen = found.get_frozen_credentials()
    options = {
        "aws_access_key_id": str(frozen.access_key),
        "aws_secret_access_key": str(frozen.secret_key),
    }
    return options | ({"aws_session_token": str(frozen.token)} if frozen.token else {})
