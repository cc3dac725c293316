"""A real server on one artifact that nobody deployed, for as long as a block lasts: what gates ask."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlplatform.errors import PlatformError
from mlplatform.lake.version import Version
from mlplatform.serve.process import READY_SECONDS, ServerProcess

NAME = "candidate"  # The model's name in addresses: `/v2/models/candidate/infer`.
ROWS = 4096  # Of one request: more would gain no speed.
BODY_BYTES = 256 << 20  # Rows of wide vectors are large as JSON.


@contextmanager
def serving(
    lake_uri: str | Path,
    digest: str,
    *,
    aggregates: Version | tuple[str, int] | None = None,
    compile_cache: Path | None = None,
    storage_options: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    max_rows: int = ROWS,
    max_body_bytes: int = BODY_BYTES,
    ready_seconds: float = READY_SECONDS,
) -> Iterator[str]:
    """Serve the model artifact `digest` in a process of its own; yield its URL once it is warm.

    The server is production's: its decoder, `encode`, program and look-ups. It has no deployment
    table, logs no predictions, listens on a free port of this machine only, and ends with the
    block or with this process, whichever is first.

    Args:
        lake_uri: The lake's root.
        digest: The model artifact.
        aggregates: The version of the table of aggregates to look values up in: what `Lake.table`
            calls it, or table and number. None for a model that reads none.
        compile_cache: Folder of XLA's compiled programs.
        storage_options: How to reach S3, as `Lake` takes them; they are on no command line.
        env: Variables of the server besides this process's own; with `PYTHONPATH` its folders come
            before the current one, so another copy of the code is served.
        max_rows: Rows that one request may have. The first request of about as many rows waits until
            the program is compiled for them, some tenths of a second.
        max_body_bytes: Bytes that one request may have.
        ready_seconds: Longest wait for the model to be warm.

    Raises:
        ServingError: With the server's own reason, when it does not start, or ends before the block.
    """
    options: dict[str, object] = {
        "candidate": digest,
        "max-rows": max_rows,
        "max-body-bytes": max_body_bytes,
    }
    if aggregates is not None:
        options["aggregates"] = _named(aggregates)
    if compile_cache is not None:
        options["compile-cache"] = compile_cache
    with tempfile.TemporaryDirectory(prefix="mlplatform-candidate-") as folder:
        server = ServerProcess(
            lake_uri,
            NAME,
            log=Path(folder) / "serve.log",
            options={**options, "cache-folder": folder},
            ready_seconds=ready_seconds,
            environment=env or {},
            told=json.dumps({"storage_options": dict(storage_options or {})}),
        )
        with server:
            try:
                yield server.url
            except PlatformError as wrong:
                server.require_running(wrong)
                raise
            server.require_running()


def _named(aggregates: Version | tuple[str, int]) -> str:
    if isinstance(aggregates, Version):
        return f"{aggregates.table}@{aggregates.number}"
    table, number = aggregates
    return f"{table}@{number}"
