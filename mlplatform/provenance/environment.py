"""The installed libraries, all of them: names and versions, and one digest over them."""

import functools
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

# What a commit's facts call the digest, and the artifact that holds the list it is of.
FACT, LIST_FACT = "environment", "libraries"
FILE = "libraries.txt"


@functools.cache
def installed() -> tuple[str, ...]:
    """Return `name==version` of each distribution that this process can import, sorted.

    Names are normalised as PEP 503 says. Of two versions on the path the first is imported. Folders
    are named by both (https://packaging.python.org/en/latest/specifications/recording-installed-packages/);
    to parse the metadata of 500 took two seconds.
    """
    found: dict[str, str] = {}
    for folder in _recorded():
        name, _, version = folder.stem.partition("-")
        if folder.suffix == ".egg-info":
            name, version = _of_metadata(folder)
        if name and version:
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return tuple(sorted(f"{name}=={version}" for name, version in found.items()))


def _recorded() -> Iterator[Path]:
    """Yield where each distribution on the path is recorded; half-removed ones have no metadata."""
    for entry in dict.fromkeys(sys.path):
        for pattern in ("*.dist-info/METADATA", "*.egg-info/PKG-INFO"):
            yield from (file.parent for file in sorted(Path(entry or ".").glob(pattern)))


def _of_metadata(folder: Path) -> tuple[str, str]:
    recorded = metadata.PathDistribution(folder)
    return recorded.metadata["Name"] or "", recorded.version


def text(lines: Iterable[str]) -> bytes:
    """Return the content of `libraries.txt`: one line each."""
    return "".join(f"{line}\n" for line in lines).encode()


def digest(lines: Iterable[str]) -> str:
    """Return the sha256 over the lines."""
    return hashlib.sha256(text(lines)).hexdigest()
