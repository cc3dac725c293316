"""The installed libraries, all of them: names and versions, and one digest over them."""

import functools
import hashlib
import re
from collections.abc import Iterable
from importlib import metadata

# What a commit's facts call the digest, and the artifact that holds the list it is of.
FACT, LIST_FACT = "environment", "libraries"
FILE = "libraries.txt"


@functools.cache
def installed() -> tuple[str, ...]:
    """Return `name==version` of each distribution that this process can import, sorted.

    Names are normalised as PEP 503 says. Of two versions on the path the first is imported.
    """
    found: dict[str, str] = {}
    for each in metadata.distributions():
        name = each.metadata["Name"]
        if name:  # Half-removed distributions have none.
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), each.version)
    return tuple(sorted(f"{name}=={version}" for name, version in found.items()))


def text(lines: Iterable[str]) -> bytes:
    """Return the content of `libraries.txt`: one line each."""
    return "".join(f"{line}\n" for line in lines).encode()


def digest(lines: Iterable[str]) -> str:
    """Return the sha256 over the lines."""
    return hashlib.sha256(text(lines)).hexdigest()
