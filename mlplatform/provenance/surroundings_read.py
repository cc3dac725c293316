"""The surroundings and the statement of a training, read back: of the form they are written in, or refused."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from mlplatform.errors import ReproductionError
from mlplatform.provenance.surroundings import AUTOTUNE, FILE
from mlplatform.train.reproducible import FLAGS, xla_flags

PYTHON = re.compile(r"\d+\.\d+[0-9A-Za-z.+]*")
SHA256 = re.compile("[0-9a-f]{64}")
MOST_DEVICES = 4096
# A switch, number or words; what leads to a file or folder, or to more flags, decides no bits of a training.
FLAG = re.compile(r"--xla_[a-z0-9_]+(=[A-Za-z0-9_.,+-]*)?")
PLACES = ("file", "path", "dir")


def read(content: bytes) -> dict[str, Any]:
    """Return what `surroundings.json` says.

    Raises:
        ReproductionError: Naming the field that is not as `surroundings.seen` writes it.
    """
    told = _object(content, FILE)
    for name, holds in _FORM.items():
        if name not in told or not holds(told[name]):
            raise ReproductionError(f"{FILE} is not of the form it is written in: {name}")
    return told


def training(content: bytes, name: str) -> dict[str, Any]:
    """Return what a model's artifact says of its training, in the file of this name.

    Raises:
        ReproductionError: If the statement of reproducibility has another form.
    """
    told = _object(content, name)
    said = told.get("reproducibility", {})
    devices = said.get("devices", 1) if isinstance(said, dict) else None
    if type(devices) is not int or not 1 <= devices <= MOST_DEVICES:
        raise ReproductionError(
            f"{name} is not of the form it is written in: reproducibility.devices"
        )
    return told


def flags(around: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the recorded flags that XLA is given again, and those it is not: they name places of a machine."""
    recorded: list[str] = around["xla_flags"]
    kept = [flag for flag in recorded if _decides(flag)]
    return kept, [flag for flag in recorded if flag not in kept]


def _decides(flag: str) -> bool:
    named = flag.partition("=")[0]
    safe = FLAG.fullmatch(flag) and not any(word in named.split("_") for word in PLACES)
    return bool(safe) and xla_flags({FLAGS: flag}) == [flag]


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        raise ReproductionError(f"{name} is no JSON") from None
    if not isinstance(told, dict):
        raise ReproductionError(f"{name} is not of the form it is written in: no object")
    return told


def _is_lock(said: Any) -> bool:
    """Tell whether it is none, or a file below the checkout and its digest."""
    if said is None:
        return True
    file, digest = (said.get(n) if isinstance(said, dict) else None for n in ("file", "sha256"))
    if not isinstance(file, str) or not isinstance(digest, str) or not SHA256.fullmatch(digest):
        return False
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in file


def _is_flags(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(flag, str) for flag in said)


_FORM: Mapping[str, Callable[[Any], bool]] = {
    "python": lambda said: isinstance(said, str) and bool(PYTHON.fullmatch(said)),
    "lock": _is_lock,
    "hardware": lambda said: isinstance(said, dict) and isinstance(said.get("class"), str),
    "xla_flags": _is_flags,
    "autotune": lambda said: said in (None, AUTOTUNE),
}
