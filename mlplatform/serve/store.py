"""Where a server's online store is: a file of its own, or one that many servers share."""

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlplatform.errors import ServingError, SourceError

if TYPE_CHECKING:
    from mlplatform.features.aggregates import OnlineStore

_DIGITS = 12  # Of a lake's hash.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def opener(
    root: str, pipeline: str, variable: str, folder: str, connection: Callable[[str], str]
) -> "Callable[[], OnlineStore]":
    """Return what opens the online store of a pipeline's server.

    Lakes that share one place have stores of their own.

    Args:
        root: The lake's.
        pipeline: Whose aggregates.
        variable: Name of the environment variable that holds the store's address; empty for a file.
        folder: Where that file lies.
        connection: Returns the address behind a name.

    Raises:
        ServingError: If the variable is not set, or `variable` is no name.
    """
    place = _address(variable, connection) if variable else folder

    def opened() -> "OnlineStore":
        from mlplatform.features.aggregates import open_store

        lake = hashlib.sha256(root.encode()).hexdigest()[:_DIGITS]
        return open_store(place, f"{pipeline}-{lake}")

    return opened


def _address(variable: str, connection: Callable[[str], str]) -> str:
    if not _VARIABLE.fullmatch(variable):
        said = "online store: give the name of an environment variable that holds its address,"
        raise ServingError(f"{said} not the address itself, which may hold a password")
    try:
        return connection(variable)
    except SourceError:
        said = f"online store: the environment variable {variable} is not set"
        raise ServingError(f"{said}; it holds the store's address, such as redis://…") from None
