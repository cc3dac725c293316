"""A lake root in an S3 bucket: conditional puts make commits and pins exclusive, without locks."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import uuid4

from mlplatform.errors import LakeError, PlatformError
from mlplatform.lake import faults
from mlplatform.lake.storage import Sink, Stored, explained

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 10, 3  # A store that hangs is reported in half a minute.
_DELTA_DEFAULTS = {  # delta-rs alone would retry an unreachable endpoint for three minutes.
    "aws_conditional_put": "etag",
    "connect_timeout": f"{CONNECT_SECONDS}s",
    "timeout": f"{READ_SECONDS}s",
    "max_retries": str(TRIES),
    "retry_timeout": "15s",
}

_READERS = 16  # Concurrent requests; each is one round trip.


class S3Storage:
    """Objects under `s3://bucket/prefix`; see `storage.Storage` for what each method promises.

    `options` are those of deltalake (`aws_endpoint_url`, `allow_http`, `aws_access_key_id`,
    `aws_secret_access_key`, `aws_session_token`, `aws_region`); what is left out comes from the
    surroundings as usual on AWS.
    """

    uncertain = True

    def __init__(self, root: str, options: dict[str, str]) -> None:
        self.bucket, _, prefix = root.removeprefix("s3://").partition("/")
        if not self.bucket:
            raise LakeError(f"lake root {root!r} names no bucket; expected s3://bucket/prefix")
        self.prefix = prefix.strip("/")
        given = {key.lower(): value for key, value in options.items()}
        self.options = {**_DELTA_DEFAULTS, **given}

    def uri(self, path: str) -> str:
        """Return the `s3://` URI of `path`."""
        return f"s3://{self.bucket}/{self._key(path)}"

    def filesystem(self) -> tuple[Any, str]:
        """Return pyarrow's S3 filesystem and bucket plus prefix."""
        return self._filesystem, f"{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, path: str) -> bytes:
        """Return an object's bytes."""
        with self._explained(f"read {self.uri(path)}"):
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=self._key(path))
            except self._client.exceptions.NoSuchKey:
                answer = None
            if answer is not None:
                return bytes(answer["Body"].read())
        raise FileNotFoundError(self.uri(path))

    def read_all(self, folder: str, names: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of objects in one folder, many requests at a time."""
        paths = [f"{folder}/{name}" for name in names]
        with ThreadPoolExecutor(_READERS) as pool:
            yield from pool.map(self.read, paths)

    def entries(self, folder: str, after: str = "") -> dict[str, str]:
        """Map object names past `after` to their entity tags."""
        start = self._key(f"{folder}/")
        found: dict[str, str] = {}
        for page in self._pages(start, StartAfter=start + after):
            found |= {o["Key"][len(start) :]: o["ETag"] for o in page.get("Contents", ())}
        found.pop("", None)
        return found

    def folders(self, folder: str) -> list[str]:
        """Return the common prefixes directly under `folder`."""
        start = self._key(f"{folder}/") if folder else self._key("")
        pages = self._pages(start)
        return sorted(
            p["Prefix"][len(start) : -1] for page in pages for p in page.get("CommonPrefixes", ())
        )

    @contextmanager
    def writer(self, path: str) -> Iterator[Sink]:
        """Open a new object: whole after the block, removed when the block raises."""
        target = f"{self.bucket}/{self._key(path)}"
        with self._explained(f"write {self.uri(path)}"):
            stream = self._filesystem.open_output_stream(target)
            try:
                yield stream
                stream.close()
            except BaseException:
                with suppress(Exception):
                    stream.close()
                    self._filesystem.delete_file(target)
                raise

    def create(self, path: str, data: bytes) -> bool:
        """Put an object unless it exists."""
        from botocore.exceptions import ClientError

        faults.point("pin_written")
        with self._explained(f"write {self.uri(path)}"):
            try:
                self._client.put_object(
                    Bucket=self.bucket, Key=self._key(path), Body=data, IfNoneMatch="*"
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "PreconditionFailed":
                    raise
                return False
        return True

    def put_folder(self, folder: str, files: Mapping[str, bytes], *, last: str) -> None:
        """Put every object, `last` after all others."""
        for name in sorted(files, key=lambda name: name == last):
            if name == last:
                faults.point("artifact_written")
            key = self._key(f"{folder}/{name}")
            with self._explained(f"write {self.uri(folder)}"):
                self._client.put_object(Bucket=self.bucket, Key=key, Body=files[name])

    def sync_commit(self, table: str, number: int) -> None:
        """Do nothing: an object that S3 has acknowledged is durable."""

    def remove(self, path: str) -> None:
        """Delete an object."""
        with suppress(LakeError), self._explained(f"delete {self.uri(path)}"):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(path))

    def listing(self, folder: str) -> dict[str, Stored]:
        """Map object names to size and the server's time of writing."""
        start = self._key(f"{folder}/")
        objects = (o for page in self._pages(start) for o in page.get("Contents", ()))
        found = {o["Key"][len(start) :]: Stored(o["Size"], o["LastModified"]) for o in objects}
        found.pop("", None)
        return found

    def delete(self, path: str) -> None:
        """Delete an object."""
        with self._explained(f"delete {self.uri(path)}"):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(path))

    def delete_folder(self, folder: str, *, first: str) -> None:
        """Delete `first` and then every other object."""
        for name in sorted(self.listing(folder), key=lambda name: name != first):
            self.delete(f"{folder}/{name}")

    def delete_old_folder(self, folder: str, since: datetime, *, first: str) -> bool:
        """Look, and delete; what is written between the two is lost."""
        if any(file.modified >= since for file in self.listing(folder).values()):
            return False
        self.delete_folder(folder, first=first)
        return True

    def refresh(self, path: str) -> bool:
        """Put the same bytes again."""
        try:
            data = self.read(path)
        except FileNotFoundError:
            return False
        with self._explained(f"write {self.uri(path)}"):
            self._client.put_object(Bucket=self.bucket, Key=self._key(path), Body=data)
        return True

    def check_writable(self) -> None:
        """Put and delete a small object."""
        path = f"_writable-{uuid4().hex}"
        self.create(path, b"1")
        self.remove(path)

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    def _pages(self, prefix: str, **more: str) -> Iterator[Mapping[str, Any]]:
        lister = self._client.get_paginator("list_objects_v2")
        with self._explained(f"list s3://{self.bucket}/{prefix}"):
            yield from lister.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/", **more)

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with explained(doing):
                yield
        except PlatformError:
            raise
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            cure = _CURES.get(code, "")
            raise LakeError(f"cannot {doing}: {code or error}{cure}") from error
        except BotoCoreError as error:
            where = self.options.get("aws_endpoint_url", "S3")
            raise LakeError(f"cannot {doing}: {error} ({where})") from error

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.options.get("aws_endpoint_url"),
            aws_access_key_id=self.options.get("aws_access_key_id"),
            aws_secret_access_key=self.options.get("aws_secret_access_key"),
            aws_session_token=self.options.get("aws_session_token"),
            region_name=self.options.get("aws_region"),
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                max_pool_connections=16,
            ),
        )

    @cached_property
    def _filesystem(self) -> Any:
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        endpoint = self.options.get("aws_endpoint_url", "")
        scheme, _, host = endpoint.rpartition("://")
        return S3FileSystem(
            endpoint_override=host or None,
            scheme=scheme or "https",
            access_key=self.options.get("aws_access_key_id"),
            secret_key=self.options.get("aws_secret_access_key"),
            session_token=self.options.get("aws_session_token"),
            region=self.options.get("aws_region"),
            connect_timeout=CONNECT_SECONDS,
            request_timeout=READ_SECONDS,
            retry_strategy=AwsStandardS3RetryStrategy(TRIES),
        )


_CURES = {
    "NoSuchBucket": "; create the bucket or correct the lake root",
    "AccessDenied": "; grant these credentials access to the bucket",
    "InvalidAccessKeyId": "; correct aws_access_key_id",
    "SignatureDoesNotMatch": "; correct aws_secret_access_key",
}
