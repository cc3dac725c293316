"""A user's mistake ends a step with one line in the log, and is not retried."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from mlplatform.errors import PlatformError


@contextmanager
def said_in_one_line() -> Iterator[None]:
    """Say a `PlatformError` of the block as one error line, and turn it into a `dg.Failure`."""
    try:
        yield
    except PlatformError as mistake:
        dg.get_dagster_logger().error(str(mistake))
        raise dg.Failure(str(mistake), allow_retries=False) from None
