"""The lock file that the installed libraries came from, and what it pins."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

FOLDER = "requirements"
PLATFORM = "mlplatform"  # Its own code is known by its commit, and no lock names it.
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")


def lock_of(root: Path, installed: Iterable[str]) -> dict[str, str] | None:
    """Return `file` and `sha256` of the smallest lock that pins every installed library as it is.

    None where no lock of the checkout does: libraries were added or changed by hand.

    Args:
        root: The checkout.
        installed: Lines of `environment.installed`.
    """
    lines = set(without_platform(installed))
    fitting: list[tuple[int, str, bytes]] = []
    for path in sorted((root / FOLDER).glob("*.lock")):
        content = path.read_bytes()
        pinned = pins(content)
        if lines and lines <= pinned:
            fitting.append((len(pinned), f"{FOLDER}/{path.name}", content))
    if not fitting:
        return None
    _, file, content = min(fitting)
    return {"file": file, "sha256": hashlib.sha256(content).hexdigest()}


def pins(content: bytes) -> set[str]:
    """Return `name==version` of all that a lock pins, whatever the platform, as `environment` names them."""
    lines = content.decode(errors="replace").splitlines()
    found = (_PIN.match(line) for line in lines)
    return {f"{_normal(match[1])}=={match[2]}" for match in found if match}


def without_platform(lines: Iterable[str]) -> list[str]:
    """Return the libraries without this platform itself."""
    return [line for line in lines if line.partition("==")[0] != PLATFORM]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
