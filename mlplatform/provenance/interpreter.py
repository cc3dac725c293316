"""The libraries that a model was trained with: those of this process, or built again from the lock of its commit."""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from mlplatform.errors import ReproductionError
from mlplatform.provenance import environment
from mlplatform.provenance.lockfile import without_platform
from mlplatform.provenance.recorded import Recorded

Choice = Literal["auto", "reuse", "build"]
STAMP = ".mlplatform-stamp"
DRAWN = "├─▶╰│\u00d7"  # By uv around what it says.
SHOWN = 3  # Libraries named in a sentence.
SECONDS = 1800  # For all downloads of one environment.
# Of the caller's surroundings, what would decide bits, or lead to other code, tables and files.
LEFT_OUT = (
    "MLPLATFORM_",
    "DAGSTER_",
    "MLFLOW_",
    "JAX_",
    "XLA_",
    "PYTHON",
    "GIT_",
    "VIRTUAL_ENV",
    "UV_",
)
KEPT = ("UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What environments are built with.

    Attributes:
        uv: The program; None where there is none.
        folder: Of the environments that were built, each under the digest of its lock.
    """

    uv: Path | None
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python with libraries.

    Attributes:
        python: The program.
        how: Where its libraries come from, in words.
        differs: What of them is not as recorded, a sentence each.
    """

    python: Path
    how: str
    differs: tuple[str, ...] = ()


def choice(said: str) -> Choice:
    """Return a choice of the environment from words.

    Raises:
        ReproductionError: If it is none.
    """
    if said not in get_args(Choice):
        known = ", ".join(get_args(Choice))
        raise ReproductionError(f"environment is {said!r}; known: {known}")
    return cast("Choice", said)


def tools(root: Path, cache: Path) -> Tools:
    """Return the uv that `make install` put into the checkout, else the one on the path."""
    own = root / ".venv-uv" / "bin" / "uv"
    found = str(own) if own.is_file() else shutil.which("uv")
    return Tools(uv=Path(found) if found else None, folder=cache / "environments")


def interpreter(choice: Choice, of: Recorded, code: Path, tools: Tools) -> Interpreter:
    """Return what is to train: this interpreter where its libraries are the recorded ones, else one built.

    Args:
        choice: `auto` decides so; `reuse` takes this one as it is, `build` builds one in any case.
        of: The model.
        code: The checkout of its commit.
        tools: What to build with.

    Raises:
        ReproductionError: If one has to be built, and cannot be.
    """
    differs = _differs(of, platform.python_version(), environment.installed())
    if choice == "reuse" or (choice == "auto" and not differs):
        return Interpreter(python=Path(sys.executable), how="this interpreter", differs=differs)
    lock = _lock(of, code, differs)
    python = _built(lock, str(of.around["python"]), tools)
    version, *libraries = _told(python, code)
    differs = _differs(of, version, libraries, more=True)
    if differs:
        raise ReproductionError(
            f"{of.around['lock']['file']} gives other libraries here than were recorded: {differs[0]}"
        )
    return Interpreter(python=python, how=f"built from {of.around['lock']['file']}")


def surrounded(code: Path, *more: tuple[str, str]) -> dict[str, str]:
    """Return the environment of a process that runs the checkout's code and nobody else's."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(LEFT_OUT)}
    own = {"PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}
    return {**kept, **own, **dict(more)}


def _differs(
    of: Recorded, version: str, installed: Iterable[str], *, more: bool = False
) -> tuple[str, ...]:
    """Return what is not as recorded. `more` libraries than that do no harm in one built from a lock."""
    said = []
    recorded = str(of.around["python"])
    if version.split(".")[:2] != recorded.split(".")[:2]:
        said.append(f"Python is {version}, not {recorded}")
    wanted, here = set(without_platform(of.libraries)), set(without_platform(installed))
    lacking = sorted(wanted - here)
    if lacking:
        said.append(f"not here as recorded: {_some(lacking)}")
    added = sorted(here - wanted) if not more else []
    if added:
        said.append(f"here and not recorded: {_some(added)}")
    return tuple(said)


def _some(lines: Sequence[str]) -> str:
    rest = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return ", ".join(lines[:SHOWN]) + rest


def _lock(of: Recorded, code: Path, differs: Sequence[str]) -> Path:
    """Return the recorded lock in the checkout, if it is the very same."""
    lock: Mapping[str, str] | None = of.around.get("lock")
    if not lock:
        why = f": {differs[0]}" if differs else ""
        raise ReproductionError(
            f"its libraries came from no lock file, so they cannot be built again{why};"
            " --environment reuse takes those of this interpreter"
        )
    path = code / lock["file"]
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != lock["sha256"]:
        raise ReproductionError(
            f"{lock['file']} of commit {of.commit[:12]} is not the lock that its libraries came from"
        )
    return path


def _built(lock: Path, python: str, tools: Tools) -> Path:
    """Return the interpreter of an environment that holds what the lock says, made once."""
    if tools.uv is None:
        raise ReproductionError("uv is missing, which builds environments; run `make install`")
    minor = ".".join(python.split(".")[:2])
    digest = hashlib.sha256(lock.read_bytes() + minor.encode()).hexdigest()
    folder = tools.folder / digest[:32]
    tools.folder.mkdir(parents=True, exist_ok=True)
    with (tools.folder / f"{digest[:32]}.lock").open("w") as one:
        fcntl.flock(one, fcntl.LOCK_EX)  # Whoever is second waits, and finds it made.
        if not (folder / STAMP).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            _fill(folder, lock, minor, tools.uv)
            (folder / STAMP).write_text(digest)
    return folder / "bin" / "python"


def _fill(folder: Path, lock: Path, minor: str, uv: Path) -> None:
    venv = [
        "venv",
        "--quiet",
        "--no-project",
        "--no-python-downloads",
        "--python",
        minor,
        str(folder),
    ]
    _uv(uv, venv, f"there is no Python {minor} here")
    sync = ["pip", "sync", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    sync += ["--python", str(folder), str(lock)]
    _uv(uv, sync, f"{lock.parent.name}/{lock.name} no longer resolves")


def _uv(uv: Path, words: Sequence[str], wrong: str) -> None:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(LEFT_OUT) or n in KEPT}
    try:
        done = subprocess.run(
            [str(uv), "--no-config", *words], capture_output=True, text=True, timeout=SECONDS,
            check=False, env=kept,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise ReproductionError(f"{wrong}: {failed}") from None
    if done.returncode:
        raise ReproductionError(f"{wrong}: {_cause(done.stderr)}")


def _cause(said: str) -> str:
    """Return what uv said in one line, without its drawing."""
    words = said.translate(dict.fromkeys(map(ord, DRAWN), " ")).split()
    return " ".join(words)[:300] or "uv did not say why"


def _told(python: Path, code: Path) -> list[str]:
    """Return the version of an interpreter, and what is installed beside it."""
    program = (
        "import platform; from mlplatform.provenance import environment as of;"
        "print(platform.python_version(), *of.installed(), sep='\\n')"
    )
    done = subprocess.run(
        [str(python), "-c", program], capture_output=True, text=True, check=False,
        cwd=code, env=surrounded(code),
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ReproductionError(f"{python} cannot run the recorded code: {last}")
    return done.stdout.split("\n")[:-1]
