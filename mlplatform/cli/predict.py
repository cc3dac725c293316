"""`mlplatform predict`: the rows of a file or table scored by a model, all of them or none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mlplatform.errors import PlatformError

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".parquet", ".csv")


def run(name: str, what: str, output: Path, model: str, *, force: bool) -> None:
    """Write row number (from 1), key columns and what is predicted (float32) to `output`.

    That is one column, `probability` of class 1 or `prediction`, or one a class or quantile:
    `probability_<class>`, `quantile_0.9`.

    Args:
        name: The pipeline.
        what: File or table with the columns that the model reads.
        output: File that is there, whole, once this returns.
        model: The artifact's digest, or how it begins; empty: what is live.
        force: Whether a file that is there is replaced.

    Raises:
        PlatformError: Naming row and column of a value that does not fit, or what is missing; then
            nothing is written.
    """
    from mlplatform.cli.data.input import open_input
    from mlplatform.cli.data.place import model_digest, place
    from mlplatform.cli.data.text import say, whole
    from mlplatform.cli.scoring import Scoring
    from mlplatform.train import compile_cache

    _require_free(output, force=force)
    at = place(name)
    digest = model_digest(at, model)
    given = open_input(what, at.pipeline.spec)
    compile_cache.enable(at.settings.compile_cache)
    scoring = Scoring(at, given, digest)
    rows = _write(output, scoring.schema, scoring.batches(), force=force)
    say(f"{whole(output)}: {rows:,} rows of {whole(what)}, by model {digest[:16]}")


def _require_free(output: Path, *, force: bool) -> None:
    if output.suffix not in FORMATS:
        raise PlatformError(f"{output}: the name has to end in {' or '.join(FORMATS)}")
    if output.exists() and not force:
        raise PlatformError(f"{output}: is there already; --force replaces it")


def _write(
    output: Path, schema: "pa.Schema", batches: Iterator["pa.RecordBatch"], *, force: bool
) -> int:
    """Write the batches, under another name until the last is there; return how many rows."""
    part, rows = output.with_name(f".{output.name}.{os.getpid()}.part"), 0
    try:
        with _explained(output):
            stream = part.open("wb")
        with stream, _writer(stream, output.suffix, schema) as writer:
            for batch in batches:
                rows += batch.num_rows
                with _explained(output):
                    writer.write_batch(batch)
        _require_free(output, force=force)  # Another may have been written meanwhile.
        with _explained(output):
            part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return rows


def _writer(stream: BinaryIO, kind: str, schema: "pa.Schema") -> Any:
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    if kind == ".csv":
        return pc.CSVWriter(stream, schema)
    return pq.ParquetWriter(stream, schema)


@contextmanager
def _explained(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as wrong:
        said = wrong.strerror or str(wrong).splitlines()[0]
        raise PlatformError(f"{output}: cannot be written: {said}") from None
