"""Source files in S3: found and asked for by boto3, whose errors have codes; read by pyarrow."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO

from mlplatform.errors import SourceError
from mlplatform.ingest.storage import S3, Entry, expand, explained, fingerprint, stream
from mlplatform.lake.s3 import CONNECT_SECONDS, READ_SECONDS, TRIES

BLOCK = 8_388_608  # Bytes asked for at once: at 30 ms a request, 1 MiB would mean 33 MB/s.


@dataclass(frozen=True)
class S3File:
    """One object, and its size and entity tag when it was found."""

    bucket: "Bucket" = field(repr=False, compare=False)
    key: str
    size: int
    tag: str

    @property
    def name(self) -> str:
        """Return the key after the last `/`."""
        return self.key.rpartition("/")[2]

    @property
    def where(self) -> str:
        """Return the URI."""
        return f"{S3}{self.bucket.name}/{self.key}"

    @property
    def stamp(self) -> str:
        """Return entity tag and size: a cheap sign that the object is the same."""
        return f"{self.tag}-{self.size}"

    def changed(self) -> bool:
        """Return whether the object has another tag or size by now."""
        return self.bucket.file(self.key) != self

    def open(self) -> BinaryIO:
        """Return a buffered stream."""
        return stream(self.random_access(), self.where, BLOCK)

    def random_access(self) -> Any:
        """Return a pyarrow NativeFile that reads ranges."""
        with explained(self.where):
            return self.bucket.filesystem.open_input_file(f"{self.bucket.name}/{self.key}")

    def fingerprint(self) -> str:
        """Return the sha256 of the bytes."""
        return fingerprint(self)


class Bucket:
    """A bucket as these storage options reach it.

    `options` are the lake's (`aws_endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`,
    `aws_session_token`, `aws_region`); what is left out comes from the surroundings.
    """

    def __init__(self, name: str, options: Mapping[str, str]) -> None:
        self.name = name
        self._options = {key.lower(): value for key, value in options.items()}

    def file(self, key: str) -> S3File:
        """Return the object at `key` as it is now."""
        from botocore.exceptions import ClientError

        with self._explained(f"{S3}{self.name}/{key}"):
            try:
                seen = self._client.head_object(Bucket=self.name, Key=key)
            except ClientError:  # An answer to HEAD has no body to say why; one to GET has.
                seen = self._client.get_object(Bucket=self.name, Key=key)
                seen["Body"].close()
            return S3File(self, key, int(seen["ContentLength"]), seen["ETag"].strip('"'))

    def matching(self, pattern: str) -> list[S3File]:
        """Return the objects whose key matches, sorted by key."""
        seen: dict[str, S3File] = {}

        def listed(folder: str, prefix: str) -> Iterator[Entry]:
            for page in self._pages(folder + prefix):
                for under in page.get("CommonPrefixes", ()):
                    yield under["Prefix"].removeprefix(folder).removesuffix("/"), True
                for at in page.get("Contents", ()):
                    key = at["Key"]
                    seen[key] = S3File(self, key, int(at["Size"]), at["ETag"].strip('"'))
                    if key != folder:  # A folder made in AWS's console is an empty object.
                        yield key.removeprefix(folder), False

        return [seen[key] for key in expand("", pattern, listed)]

    @cached_property
    def filesystem(self) -> Any:
        """Return pyarrow's filesystem."""
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        scheme, _, host = self._options.get("aws_endpoint_url", "").rpartition("://")
        return S3FileSystem(
            endpoint_override=host or None,
            scheme=scheme or "https",
            access_key=self._options.get("aws_access_key_id"),
            secret_key=self._options.get("aws_secret_access_key"),
            session_token=self._options.get("aws_session_token"),
            region=self._options.get("aws_region"),
            connect_timeout=CONNECT_SECONDS,
            request_timeout=READ_SECONDS,
            retry_strategy=AwsStandardS3RetryStrategy(TRIES),
        )

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self._options.get("aws_endpoint_url"),
            aws_access_key_id=self._options.get("aws_access_key_id"),
            aws_secret_access_key=self._options.get("aws_secret_access_key"),
            aws_session_token=self._options.get("aws_session_token"),
            region_name=self._options.get("aws_region"),
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
            ),
        )

    def _pages(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        lister = self._client.get_paginator("list_objects_v2")
        with self._explained(f"{S3}{self.name}/{prefix}"):
            yield from lister.paginate(Bucket=self.name, Prefix=prefix, Delimiter="/")

    @contextmanager
    def _explained(self, where: str) -> Iterator[None]:
        """Turn S3's words into one line; never its sentences, which may quote a key id."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as NoConnectionError

        try:
            yield
        except ClientError as wrong:
            code = wrong.response.get("Error", {}).get("Code", "an unknown error")
            cure = _CURES.get(code, "run again, or correct source.files")
            raise SourceError(f"{where}: S3 says {code}; {cure}") from None
        except (HTTPClientError, NoConnectionError) as wrong:
            endpoint = self._options.get("aws_endpoint_url", "AWS").rpartition("@")[2]
            message = f"{where}: no answer from {endpoint} ({type(wrong).__name__})"
            raise SourceError(f"{message}; is the endpoint right, and up?") from None
        except BotoCoreError as wrong:
            cure = _CURES.get(type(wrong).__name__, "correct source.files or the credentials")
            raise SourceError(f"{where}: {type(wrong).__name__}; {cure}") from None


def bucket_of(address: str, options: Mapping[str, str] | None) -> tuple[Bucket, str]:
    """Return the bucket and the key of `s3://bucket/key`.

    Raises:
        SourceError: If it names no bucket, or no key in it.
    """
    name, _, key = address.removeprefix(S3).partition("/")
    if not name or not key or key.endswith("/") or "*" in name:
        raise SourceError(f"{address}: expected s3://bucket/key or s3://bucket/prefix/*.csv")
    return Bucket(name, options or {}), key


_CURES = {
    "NoSuchBucket": "create the bucket or correct source.files",
    "NoSuchKey": "put the object there or correct source.files",
    "AccessDenied": "grant these credentials access to the bucket",
    "InvalidAccessKeyId": "correct the access key id",
    "SignatureDoesNotMatch": "correct the secret access key",
    "ExpiredToken": "renew the session token",
    "PermanentRedirect": "the bucket is in another region; set aws_region",
    "NoCredentialsError": "give AWS credentials",
    "ParamValidationError": "correct the bucket's name in source.files",
}
