"""OpenSSF model signatures: who registers signs an artifact by a private key, who loads it verifies by the public one.

Optional: it needs the extra `signing`. A signature is a sigstore bundle over every file of an artifact, so that also
OpenSSF's own `model_signing verify key` reads it. The content of a key is never part of a message.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.errors import LakeError, SignatureError

if TYPE_CHECKING:
    from mlplatform.lake import Lake

KEY_DIGITS = 16  # 64 bits of the sha256 of the public key name its signatures.
CURVES = ("secp256r1", "secp384r1", "secp521r1")  # What OpenSSF's signer takes.


class Standing(StrEnum):
    """What is known of an artifact's signature."""

    VERIFIED = "verified"
    WRONG = "wrong"  # There is one of this key, and it is not about these bytes.
    UNSIGNED = "unsigned"
    SIGNED = "signed, not verified"  # There is one, and no key to verify it by.


def sign(lake: "Lake", digest: str, key: Path) -> str:
    """Sign an artifact by the private key in a file, and return the key's name; once, however often repeated.

    Every byte is verified first.

    Raises:
        SignatureError: If the extra `signing` is not installed, or the key cannot be used.
        LakeError: If the artifact is missing, damaged, or its folder holds anything else.
    """
    signing = _library("signing")
    name, artifact = key_name(key), lake.artifacts.open(digest)
    artifact.require_nothing_else()
    if lake.signatures.read(digest, name) is not None:
        return name
    with _copied(artifact.contents(), digest) as folder:
        written = folder.parent / "signature"
        try:
            signer = signing.Config().use_elliptic_key_signer(private_key=key)
            signer.sign(folder, written)
        except Exception as wrong:
            raise SignatureError(f"{key} cannot sign: {_reason(wrong)}") from None
        lake.signatures.put(digest, name, written.read_bytes())
    return name


def standing(lake: "Lake", digest: str, verify_key: Path | None = None) -> Standing:
    """Return what is known of an artifact's signature; with a public key, whether it is of that key.

    Raises:
        SignatureError: If the extra `signing` is not installed, or the key cannot be used.
        LakeError: If the artifact is missing or damaged.
    """
    if verify_key is None:
        return Standing.SIGNED if lake.signatures.keys(digest) else Standing.UNSIGNED
    said = lake.signatures.read(digest, key_name(verify_key))
    if said is None:
        return Standing.UNSIGNED
    return Standing.WRONG if _refusal(lake, digest, verify_key, said) else Standing.VERIFIED


def require(lake: "Lake", digest: str, verify_key: Path | str | None) -> None:
    """Return if an artifact is signed by the key in the file `verify_key`, or if no key is asked for.

    Raises:
        SignatureError: If it is not signed by it, the signature is wrong, or the key cannot be used.
        LakeError: If the artifact is missing or damaged.
    """
    if not verify_key:
        return
    key = Path(verify_key)
    said = lake.signatures.read(digest, key_name(key))
    if said is None:
        others = lake.signatures.keys(digest)
        by = f"it is signed by {', '.join(others)}" if others else "nobody signed it"
        raise SignatureError(
            f"artifact {digest[:12]} is not signed by the key in {key}: {by}; "
            "sign it with `mlplatform registry sign`, or ask by the key that did"
        )
    if why := _refusal(lake, digest, key, said):
        raise SignatureError(
            f"the signature of artifact {digest[:12]} by the key in {key} is wrong: {why}; "
            f"find out who wrote {lake.signatures.uri(digest, key_name(key))}"
        )


def key_name(key: Path) -> str:
    """Return the name of a key, private or public: the beginning of the sha256 of its public half.

    Raises:
        SignatureError: If the file is missing, or holds no key on a curve of `CURVES`, or one with a password.
    """
    _library("signing")
    from cryptography.hazmat.primitives import serialization as of
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        content = key.read_bytes()
    except OSError as wrong:
        raise SignatureError(f"{key}: {wrong.strerror}; name the file of a key in PEM") from None
    try:
        public = _public(of, content)
    except Exception:  # What it says of a key is nobody's business.
        public = None
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name not in CURVES:
        raise SignatureError(
            f"{key} holds no key in PEM on {', '.join(CURVES)} without a password; "
            "make one with `openssl ecparam -name prime256v1 -genkey -noout`"
        )
    der = public.public_bytes(of.Encoding.DER, of.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:KEY_DIGITS]


def _public(of: Any, content: bytes) -> object:
    if b"PRIVATE KEY" in content:
        return of.load_pem_private_key(content, password=None).public_key()
    return of.load_pem_public_key(content)


def _refusal(lake: "Lake", digest: str, key: Path, said: bytes) -> str:
    """Return why a signature is not one of these bytes by this key; nothing if it is.

    Raises:
        LakeError: If the artifact is missing or damaged.
    """
    verifying = _library("verifying")
    with _copied(lake.artifacts.open(digest).contents(), digest) as folder:
        written = folder.parent / "signature"
        written.write_bytes(said)
        try:
            verifying.Config().use_elliptic_key_verifier(public_key=key).verify(folder, written)
        except LakeError:
            raise
        except Exception as wrong:  # Parsers of bundles raise many kinds.
            return _reason(wrong)
    return ""


@contextmanager
def _copied(contents: dict[str, bytes], digest: str) -> Iterator[Path]:
    """Yield a folder named by the digest that holds verified bytes: what is signed is what was read."""
    with tempfile.TemporaryDirectory(prefix="mlplatform-signing-") as own:
        folder = Path(own) / digest
        folder.mkdir()
        for name, data in contents.items():
            (folder / name).write_bytes(data)
        yield folder


def _library(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"model_signing.{module}")
    except ImportError:
        raise SignatureError(
            "a key for signatures is set but model-signing is missing; install the extra `signing`"
        ) from None


def _reason(wrong: Exception) -> str:
    said = (str(wrong).splitlines() or [""])[0][:200]
    return said or type(wrong).__name__
