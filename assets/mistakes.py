"""The same for whole functions: a user's mistake in an asset is one line in the log."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from resources.mistakes import said_in_one_line

P = ParamSpec("P")
R = TypeVar("R")


def in_one_line(compute: Callable[P, R]) -> Callable[P, R]:
    """Return `compute` with every `PlatformError` said as one error line and turned into a `dg.Failure`."""

    @functools.wraps(compute)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with said_in_one_line():
            return compute(*args, **kwargs)

    return guarded
