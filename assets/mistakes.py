"""A user's mistake ends a step with one line in the log, and is not retried."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from mlplatform.errors import PlatformError

P = ParamSpec("P")
R = TypeVar("R")


def in_one_line(compute: Callable[P, R]) -> Callable[P, R]:
    """Return `compute` with every `PlatformError` said as one error line and turned into a `dg.Failure`."""

    @functools.wraps(compute)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return compute(*args, **kwargs)
        except PlatformError as mistake:
            dg.get_dagster_logger().error(str(mistake))
            raise dg.Failure(str(mistake), allow_retries=False) from None

    return guarded
