"""What is refused among the files of a model whatever its digest says: anything that could run as code.

A digest proves that bytes are the ones that were stored, not that somebody meant well who stored them.
"""

import pickletools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlplatform.errors import CorruptionError
from mlplatform.features.mlflow_model import CODE, SOURCE

if TYPE_CHECKING:
    from mlplatform.lake.artifacts import Artifact

ARCHIVES = {b"PK\x03\x04": "zip archive", b"\x1f\x8b": "gzip file", b"\x7fELF": "program"}
CODE_ENDINGS = (".py", ".pyc", ".pth", ".so", ".sh")


def require_no_code(artifact: "Artifact") -> None:
    """Return if no file of an artifact is a pickle, an archive, or code but the one file for MLflow; reads all.

    Raises:
        CorruptionError: Naming the file, or if one is missing or damaged.
    """
    check({name: artifact.read(name) for name in artifact.names}, artifact.uri)


def check(files: Mapping[str, bytes], where: str) -> None:
    """Return if none of these files is a pickle, an archive, or code but the one file for MLflow.

    Raises:
        CorruptionError: Naming `where` and the file.
    """
    for name, data in files.items():
        if why := _refusal(name, data):
            raise CorruptionError(
                f"{where}/{name} {why}; a model holds no code, export it with mlplatform.train"
            )


def is_pickle(data: bytes) -> bool:
    """Return whether bytes begin with a whole pickle of any protocol; they are walked, never loaded."""
    try:
        for _ in pickletools.genops(data):
            pass
    except Exception:  # Whatever it cannot walk is none.
        return False
    return True


def _refusal(name: str, data: bytes) -> str:
    if name == CODE:
        return "" if data == SOURCE.encode() else "is not the code that an export writes"
    if name.endswith(CODE_ENDINGS):
        return "is code"
    kind = next((kind for magic, kind in ARCHIVES.items() if data.startswith(magic)), "")
    if kind:
        return f"is a {kind}"
    return "is a pickle" if is_pickle(data) else ""
