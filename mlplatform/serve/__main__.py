"""`python -m mlplatform.serve --lake <root> --pipeline <name>`: one server, in the foreground.

Prints one line of JSON with its URL when it is ready. Ends with 0 when told to stop, and with 1 and
one line when it cannot start.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import fields, replace
from pathlib import Path

from mlplatform.errors import PlatformError
from mlplatform.serve.process import STOP_SECONDS
from mlplatform.serve.settings import ServeSettings
from mlplatform.settings import VERIFY_KEY

STDIN = 0  # its file descriptor


def main(arguments: list[str] | None = None) -> int:
    """Run the server; return the exit code."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    try:
        _serve(given)
    except PlatformError as wrong:
        sys.stderr.write(f"error: {' '.join(str(wrong).split())}\n")
        return 1
    return 0


def _serve(given: argparse.Namespace) -> None:
    from mlplatform.ingest.access import named_in
    from mlplatform.lake import Lake
    from mlplatform.serve.server import run, run_candidate

    told = json.loads(sys.stdin.readline()) if given.told else {}
    if given.until_stdin_closes:
        _stop_when_stdin_closes()

    if given.compile_cache is not None:
        from mlplatform.train import compile_cache

        compile_cache.enable(given.compile_cache)
    names = {field.name for field in fields(ServeSettings)}
    chosen = {name: value for name, value in vars(given).items() if name in names}
    settings = ServeSettings(verify_key=os.environ.get(VERIFY_KEY) or "")
    settings = replace(settings, **chosen)
    lake = Lake(given.lake, dict(given.storage_option) | told.get("storage_options", {}))
    if given.candidate is not None:
        run_candidate(lake, given.pipeline, given.candidate, given.aggregates, _say_ready, settings)
        sys.stderr.flush()
        os._exit(0)  # It keeps nothing, and JAX would take half a second to leave.
    connection = named_in(os.environ)
    run(lake, given.pipeline, given.host, given.port, _say_ready, settings, connection)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlplatform.serve", description=__doc__)
    parser.add_argument("--lake", required=True, help="folder or s3://bucket/prefix")
    parser.add_argument("--pipeline", required=True)
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="stop when the process that started it does",
    )
    parser.add_argument(
        "--told", action="store_true", help="read a line of JSON first: {storage_options: {…}}"
    )
    parser.add_argument(
        "--candidate", metavar="DIGEST", help="serve this artifact alone; nothing is logged"
    )
    parser.add_argument(
        "--aggregates",
        metavar="TABLE@NUMBER",
        type=_table_version,
        help="version of the aggregates that a candidate looks up",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 picks a free one")
    parser.add_argument("--compile-cache", type=Path, help="folder of XLA's compiled programs")
    parser.add_argument(
        "--storage-option", type=_pair, action="append", default=[], help="name=value"
    )
    for field in fields(ServeSettings):
        option = f"--{field.name.replace('_', '-')}"
        kind = type(field.default)
        parser.add_argument(option, type=kind, default=argparse.SUPPRESS, help=f"{field.default}")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _table_version(text: str) -> tuple[str, int]:
    table, _, number = text.rpartition("@")
    return table, int(number)


def _stop_when_stdin_closes() -> None:
    """Ask this process to stop when its parent is gone: an orphan would keep the port."""

    def wait() -> None:
        while os.read(STDIN, 1024):  # Not through sys.stdin, whose lock would hold up the exit.
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(1)  # It hangs, and nobody is left to kill it.

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _say_ready(url: str) -> None:
    sys.stdout.write(json.dumps({"ready": url}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
