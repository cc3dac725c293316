"""The one door to MLflow: a client that answers, or fails in one line, within a deadline.

MLflow by itself retries an unreachable server for about 244 s and an unreachable database for about
100 s.
"""

import fcntl
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from mlplatform.errors import RegistryError

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")


class RefusedError(RegistryError):
    """MLflow took the request and will not have what it says, today or later."""


PROBE_SECONDS = 3.0
SERVER_SECONDS = 9.0  # One operation, however many requests it takes.
DATABASE_SECONDS = 60.0  # The first use of a database makes the schema.
REQUEST_SECONDS = 4  # One request; with its one retry still below SERVER_SECONDS.
SQLITE = "sqlite:///"
REASON_LENGTH = 300  # Characters of what MLflow says; it can quote the whole request.
REFUSALS = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")  # MLflow's codes for what no retry mends.
PLAIN = (
    "sslmode",
    "charset",
    "driver",
    "connect_timeout",
)  # Words of a query that are shown; of all others none.
MASKED = re.compile(r"(://).*@", re.DOTALL)  # Greedy: a password may hold any of `@/?# `.
CREDENTIALS = re.compile(r"(://)\S*@")  # The same in a sentence.
QUERY = re.compile(r"([^?&;=#\s]+)=([^&#\s]*)")
LEAST = 4  # Characters of a secret that is looked for in what others say.
UNFINISHED = ".unfinished-"  # and the process id: a database whose schema is being made


def client(tracking_uri: str) -> "MlflowClient":
    """Return a client of a reachable MLflow; the schema of a new SQLite store is made on first use.

    Raises:
        RegistryError: If nothing answers at `tracking_uri` within `PROBE_SECONDS`, or its database has no driver here.
    """
    probe(tracking_uri)
    if tracking_uri.startswith(SQLITE):
        _made_whole(Path(tracking_uri.removeprefix(SQLITE)))
    return _translated(tracking_uri, lambda: _client(tracking_uri))


def _client(tracking_uri: str) -> "MlflowClient":
    client: MlflowClient = load().MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    return client


def _made_whole(database: Path) -> None:
    """Make a missing database under another name first, so that there never is half a schema.

    MLflow cannot go on with one that a killed process left, and only one process may make it.
    """
    if database.exists():
        return
    with (database.parent / ".making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if database.exists():
            return
        for left in database.parent.glob(f"{database.name}{UNFINISHED}*"):
            left.unlink()
        unfinished = database.with_name(f"{database.name}{UNFINISHED}{os.getpid()}")
        uri = f"{SQLITE}{unfinished}"
        _translated(uri, lambda: _client(uri).search_experiments(max_results=1))
        unfinished.replace(database)


def load() -> Any:
    """Return the module `mlflow` (5 s the first time), told to be private and brief."""
    # MLflow reads this while it is imported, and sends usage records to its makers otherwise.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # It prints the address of every run that ends otherwise, and the password in it.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    import mlflow
    from mlflow.environment_variables import (
        MLFLOW_HTTP_REQUEST_MAX_RETRIES,
        MLFLOW_HTTP_REQUEST_TIMEOUT,
    )

    retries, timeout = MLFLOW_HTTP_REQUEST_MAX_RETRIES, MLFLOW_HTTP_REQUEST_TIMEOUT
    retries.set(1)  # type: ignore[no-untyped-call]  # MLflow's own switch has no types
    timeout.set(REQUEST_SECONDS)  # type: ignore[no-untyped-call]
    return mlflow


def probe(tracking_uri: str) -> None:
    """Return when `tracking_uri` can be used, without importing MLflow.

    Raises:
        RegistryError: If a server does not answer within `PROBE_SECONDS`, or a SQLite file's folder
            is not writable.
    """
    if tracking_uri.startswith(SQLITE):
        _probe_folder(Path(tracking_uri.removeprefix(SQLITE)).parent)
    elif is_server(tracking_uri):
        _require_parts(tracking_uri)
        _in_time(tracking_uri, lambda: _probe_server(tracking_uri), PROBE_SECONDS)


def within(tracking_uri: str, work: Callable[[], T]) -> T:
    """Return what `work`, a function that uses MLflow, returns.

    A remote store gets a deadline in a thread of its own, which is left behind when it is late:
    every operation of this room may be repeated.

    Raises:
        RegistryError: If MLflow refuses, cannot be reached, or is late.
    """
    if tracking_uri.startswith(SQLITE):
        return _translated(tracking_uri, work)
    seconds = SERVER_SECONDS if is_server(tracking_uri) else DATABASE_SECONDS
    return _in_time(tracking_uri, lambda: _translated(tracking_uri, work), seconds)


def shown(tracking_uri: str) -> str:
    """Return `tracking_uri` without user and password, and of its query the values of `PLAIN` alone.

    Nothing is parsed before user and password are gone: drivers take characters in them that end them elsewhere.
    """
    address, mark, query = MASKED.sub(r"\1***@", tracking_uri).partition("?")
    if not mark:
        return address
    told = [
        word if word.partition("=")[0].lower() in PLAIN else f"{word.partition('=')[0]}=***"
        for word in query.split("&")
    ]
    return f"{address}?{'&'.join(told)}"


def without_secrets(tracking_uri: str, text: str) -> str:
    """Return `text`, an error of MLflow or a driver, with nothing in it that `shown` leaves out."""
    text = text.replace(tracking_uri, shown(tracking_uri))
    for secret in sorted(_secrets(tracking_uri), key=len, reverse=True):
        for form in (secret, unquote(secret), quote(secret, safe=""), repr(unquote(secret))[1:-1]):
            text = text.replace(form, "***")
    return CREDENTIALS.sub(r"\1***@", text)


def _secrets(tracking_uri: str) -> Iterator[str]:
    """Yield what `shown` masks: user with password, the password, and each value of the query, also one in another.

    Of a query nothing that is so short that it would stand in any sentence.
    """
    masked = MASKED.search(tracking_uri)
    rest = tracking_uri[masked.end() :] if masked else tracking_uri
    given = masked[0][3:-1] if masked else ""
    yield from filter(None, (given, given.partition(":")[2]))
    found: list[str] = []
    for key, value in QUERY.findall(rest.partition("?")[2]):
        if key.lower() in PLAIN:
            continue
        found += [value, *(part.partition("=")[2] for part in unquote(value).split(";"))]
    yield from (each for each in found if len(unquote(each)) >= LEAST)


def _in_time(tracking_uri: str, work: Callable[[], T], seconds: float) -> T:
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as wrong:
            failed.append(wrong)

    thread = threading.Thread(target=run, name="mlflow", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise RegistryError(
            f"MLflow at {shown(tracking_uri)}: no answer within {seconds:g} s; is it up?"
        )
    return done[0]


def _translated(tracking_uri: str, work: Callable[[], T]) -> T:
    import requests
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return work()
    except ImportError as wrong:
        said = without_secrets(tracking_uri, str(wrong))
        raise RegistryError(
            f"MLflow at {shown(tracking_uri)}: {said}; install what its database needs, or correct its address"
        ) from None
    except (MlflowException, SQLAlchemyError, requests.RequestException, OSError) as wrong:
        said = _brief(without_secrets(tracking_uri, " ".join(str(wrong).split())))
        refused = getattr(wrong, "error_code", "") in REFUSALS
        kind = RefusedError if refused else RegistryError
        # The cause is left behind: its text, which a traceback would show, may hold a password.
        raise kind(f"MLflow at {shown(tracking_uri)}: {said}") from None


def _brief(reason: str) -> str:
    """Return the two ends of a long reason: what was asked, and at last what went wrong."""
    half = REASON_LENGTH // 2
    return reason if len(reason) <= REASON_LENGTH else f"{reason[:half]} … {reason[-half:]}"


def is_server(tracking_uri: str) -> bool:
    """Tell whether `tracking_uri` is a server's, not a database's."""
    return urlsplit(tracking_uri).scheme in ("http", "https")


def _probe_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe_file = folder / ".writable"
        probe_file.touch()
        probe_file.unlink(missing_ok=True)
    except OSError as wrong:
        raise RegistryError(f"MLflow: {folder} is not writable: {wrong.strerror}") from None


def _require_parts(tracking_uri: str) -> None:
    """Refuse an address whose password ends its host: what comes of it would be said in pieces."""
    if MASKED.search(tracking_uri) and "@" not in urlsplit(tracking_uri).netloc:
        raise RegistryError(
            f"MLflow at {shown(tracking_uri)}: its user or password holds one of / ? #; write it percent-encoded"
        )


def _probe_server(tracking_uri: str) -> None:
    try:
        with urllib.request.urlopen(_health(tracking_uri), timeout=PROBE_SECONDS):  # noqa: S310 - http or https, see `probe`
            return
    except urllib.error.HTTPError:
        return  # Something answers; what it refuses will be said by the call itself.
    except (OSError, ValueError, HTTPException) as wrong:
        reason = without_secrets(tracking_uri, str(getattr(wrong, "reason", wrong)))
        raise RegistryError(
            f"MLflow at {shown(tracking_uri)} cannot be reached: {reason}; "
            "start it or correct its address"
        ) from None


def _health(tracking_uri: str) -> str:
    """Return the page that says a server is up. Whoever asks need not be known to it."""
    parts = urlsplit(tracking_uri)
    path = parts.path.rstrip("/") + "/health"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], path=path).geturl()
