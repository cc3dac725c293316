"""What is refused among the files of a model whatever its digest says: anything that could run as code.

A digest proves that bytes are the ones that were stored, not that somebody meant well who stored them. So a model
holds the files of an export and no others, and those that MLflow obeys say what an export writes, byte by byte.
"""

import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlplatform.errors import CorruptionError, FeatureError
from mlplatform.features.mlflow_model import (
    CODE,
    LIBRARIES,
    MLMODEL,
    PYTHON_ENV,
    REQUIREMENTS,
    SOURCE,
    mlmodel,
    python_env,
)
from mlplatform.lake import manifest
from mlplatform.registry.pickled import is_pickle

if TYPE_CHECKING:
    from mlplatform.lake.artifacts import Artifact

FILES = {
    *("program.stablehlo", "params.safetensors", "features.json", "signature.json"),
    *("training.json", "reference.json", CODE, MLMODEL, PYTHON_ENV, REQUIREMENTS),
}
FORMS = {  # By their first bytes.
    b"PK\x03\x04": "zip archive",
    b"PK\x05\x06": "zip archive",
    b"\x1f\x8b": "gzip file",
    b"BZh": "bzip2 file",
    b"\xfd7zXZ\0": "xz file",
    b"\x28\xb5\x2f\xfd": "zstd file",
    b"]\0\0": "lzma file",
    b"\x04\x22\x4d\x18": "lz4 file",
    b"7z\xbc\xaf\x27\x1c": "7z archive",
    b"\x93NUMPY": "NumPy file",
    b"\x89HDF\r\n\x1a\n": "HDF5 file",
    b"\x7fELF": "program",
}
TAR, TAR_AT = b"ustar", 257
CODE_ENDINGS = (".py", ".pyc", ".pth", ".so", ".sh")
_PYTHON = re.compile(rb"^ *python(?:_version)?: '(\d{1,2}\.\d{1,3})'$", re.MULTILINE)
_VERSION = r"\d[0-9A-Za-z.+!_-]{0,60}"


def require_no_code(artifact: "Artifact") -> None:
    """Return if no file of an artifact is a pickle, an archive, or code but what an export writes; reads all.

    Raises:
        CorruptionError: Naming the file, or if one is missing or damaged.
    """
    check({name: artifact.read(name) for name in artifact.names}, artifact.uri)


def check(files: Mapping[str, bytes], where: str) -> None:
    """Return if these files are of a model, and none is a pickle, an archive, or code but what an export writes.

    That some are missing is not said here: it shows when the model is loaded. A manifest may be among them.

    Raises:
        CorruptionError: Naming `where` and the file; or if features or signature cannot be read.
    """
    for name, data in files.items():
        if name != manifest.FILE and (why := _refusal(name, data, files)):
            raise CorruptionError(
                f"{where}/{name} {why}; a model holds no code, export it with mlplatform.train"
            )


def _refusal(name: str, data: bytes, files: Mapping[str, bytes]) -> str:
    if name == CODE:
        return "" if data == SOURCE.encode() else "is not the code that an export writes"
    if name.endswith(CODE_ENDINGS):
        return "is code"
    if form := _form(data):
        return f"is a {form}"
    if name not in FILES:
        return "is no file of a model"
    return "" if _is_written(name, data, files) else "is not what an export writes"


def _form(data: bytes) -> str:
    known = next((form for magic, form in FORMS.items() if data.startswith(magic)), "")
    if known:
        return known
    if data[TAR_AT:].startswith(TAR):
        return "tar archive"
    if _is_deflated(data):
        return "zlib stream"
    return "pickle" if is_pickle(data) else ""


def _is_deflated(data: bytes) -> bool:
    """Whether zlib reads a beginning; that its two first bytes fit is too common to tell."""
    try:
        return bool(zlib.decompressobj().decompress(data, 16))
    except zlib.error:
        return False


def _is_written(name: str, data: bytes, files: Mapping[str, bytes]) -> bool:
    """Whether a file that MLflow obeys is what an export by some Python and libraries writes of this model."""
    if name == REQUIREMENTS:
        wanted = [rf"{re.escape(each)}=={_VERSION}\n" for each in ("mlplatform", *LIBRARIES)]
        return re.fullmatch("".join(wanted).encode(), data) is not None
    if name not in (MLMODEL, PYTHON_ENV):
        return True
    if (found := _PYTHON.search(data)) is None:
        return False
    python = found[1].decode()
    return data == (python_env(python) if name == PYTHON_ENV else _mlmodel(files, python))


def _mlmodel(files: Mapping[str, bytes], python: str) -> bytes | None:
    from mlplatform.features.encoder import Encoder
    from mlplatform.features.signature import Signature

    try:
        encoder = Encoder.from_json(files["features.json"])
        return mlmodel(encoder, Signature.from_json(files["signature.json"]), python)
    except KeyError:
        return None
    except FeatureError as wrong:
        raise CorruptionError(str(wrong)) from None
