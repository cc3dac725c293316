"""The manifest of an artifact: what `manifest.json` may say, and nothing else is read.

Its address proves that it was not changed since it was written; that says nothing about who wrote it. So it is held
against the form before a name in it becomes a path.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import names

FILE = "manifest.json"
MOST_BYTES = 16 << 20  # Facts of the largest artifacts seen are some kilobytes.
_SHA256 = re.compile("[0-9a-f]{64}")


def compose(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """Return the manifest of files and facts, the same bytes for equal ones.

    Raises:
        LakeError: If there is no file, a name is not allowed, or the facts are no JSON.
    """
    if not files:
        raise LakeError("an artifact needs at least one file; got none")
    if FILE in files:
        raise LakeError(f"{FILE} is written by the lake; name the file otherwise")
    says = {
        "files": {
            names.file_name(name): {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in files.items()
        },
        "facts": dict(facts),
    }
    try:
        return json.dumps(says, sort_keys=True, allow_nan=False, indent=1).encode()
    except (TypeError, ValueError) as error:
        raise LakeError(
            f"facts of an artifact must be JSON with finite numbers: {error}"
        ) from error


def parse(uri: str, data: bytes) -> dict[str, Any]:
    """Return what `compose` wrote: `files`, each with sha256 and bytes, and `facts`.

    Raises:
        CorruptionError: Naming `uri`, for anything else, such as a name that leads out of the folder.
    """
    if len(data) > MOST_BYTES:
        raise _refused(uri, f"has {len(data):,} bytes, more than {MOST_BYTES:,}")
    try:
        says = json.loads(data)
    except (ValueError, RecursionError) as wrong:
        raise _refused(uri, f"is no JSON: {type(wrong).__name__}") from None
    if not isinstance(says, dict) or set(says) != {"files", "facts"}:
        raise _refused(uri, "does not hold files and facts alone")
    files, facts = says["files"], says["facts"]
    if not isinstance(files, dict) or not files or not isinstance(facts, dict):
        raise _refused(uri, "names no files, or its facts are no object")
    for name, said in files.items():
        _check(uri, name, said)
    return says


def check_bytes(uri: str, data: bytes, said: Mapping[str, Any]) -> None:
    """Return if `data` are the bytes of which a manifest says size and sha256.

    Raises:
        CorruptionError: Naming `uri`, if they are not.
    """
    if len(data) != said["bytes"]:
        wrong = f"expected {said['bytes']:,} bytes, got {len(data):,}"
        raise CorruptionError(f"{uri} is damaged: {wrong}; restore the file")
    check_digest(uri, data, said["sha256"])


def check_digest(uri: str, data: bytes, sha256: str) -> None:
    """Return if `data` has this sha256; `CorruptionError` naming `uri` if not."""
    got = hashlib.sha256(data).hexdigest()
    if got != sha256:
        raise CorruptionError(
            f"{uri} is damaged: expected sha256 {sha256}, got {got}; restore the file"
        )


def _check(uri: str, name: str, said: Any) -> None:
    try:
        names.file_name(name)
    except LakeError:
        raise _refused(uri, f"names a file {name[:80]!r}, which is no plain file name") from None
    if name == FILE:
        raise _refused(uri, "names itself")
    if not isinstance(said, dict) or set(said) != {"sha256", "bytes"}:
        raise _refused(uri, f"does not say sha256 and bytes alone of {name}")
    size, digest = said["bytes"], said["sha256"]
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise _refused(uri, f"gives {name} no sha256")
    if type(size) is not int or size < 0:
        raise _refused(uri, f"gives {name} no size in bytes")


def _refused(uri: str, why: str) -> CorruptionError:
    return CorruptionError(f"{uri} {why}; it is not what the lake writes, restore the artifact")
