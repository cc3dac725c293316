"""Names that become paths: strict, so that none leads out of the lake or into its own folders."""

import re

from mlplatform.errors import LakeError

_SEGMENT = "[a-z0-9][a-z0-9_-]{0,62}"
_TABLE = re.compile(f"{_SEGMENT}(/{_SEGMENT})*")
_FILE = re.compile("MLmodel|[a-z0-9][a-z0-9_.-]{0,126}")  # The one capital is MLflow's own.
_RUN = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,126}")
_DIGEST = re.compile("[0-9a-f]{64}")


def table_name(name: str) -> str:
    """Return `name`; `LakeError` when it is no table name such as `census_income/dataset`."""
    return _checked(name, _TABLE, "table name", "census_income/dataset")


def file_name(name: str) -> str:
    """Return `name`; `LakeError` when it is no file name such as `params.safetensors`."""
    return _checked(name, _FILE, "artifact file name", "params.safetensors")


def run_id(name: str) -> str:
    """Return `name`, or raise `LakeError` when it cannot name a run."""
    return _checked(name, _RUN, "run id", "2f1c0e5a-7b1d")


def digest(name: str) -> str:
    """Return `name`, or raise `LakeError` when it is no sha256 in hexadecimal."""
    return _checked(name, _DIGEST, "artifact digest", "64 hexadecimal digits")


def is_digest(name: str) -> bool:
    """Whether `name` is a sha256 in hexadecimal."""
    return _DIGEST.fullmatch(name) is not None


def is_segment(name: str) -> bool:
    """Whether `name` can be one folder of a table's name."""
    return re.fullmatch(_SEGMENT, name) is not None


def _checked(name: str, pattern: re.Pattern[str], what: str, example: str) -> str:
    if not isinstance(name, str) or pattern.fullmatch(name) is None:
        message = f"{name!r} is not a valid {what}; it must match {pattern.pattern}, like {example}"
        raise LakeError(message)
    return name
