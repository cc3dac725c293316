"""Make .venv and .venv-tfdv from the lock files, or do nothing when they already hold them.

Usage: install.py [uv]   `uv` makes only the installer itself, which `make lock` needs.

Standard library only: it runs before anything is installed. An environment's stamp is the digest
of all it was made from and is written last, so a killed run is taken up again. Every package is a
wheel with a known hash: nothing is compiled, and no package's code runs while it installs.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
UV = ROOT / ".venv-uv" / "bin" / "uv"
LOG = ROOT / ".venv-uv" / "install.log"
STAMP = ".mlplatform-stamp"


class InstallError(Exception):
    """What went wrong and what to do, in one line."""


def main(arguments: list[str]) -> int:
    """Make what is missing; return the exit code."""
    try:
        LOG.parent.mkdir(exist_ok=True)
        with (LOG.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # A second `make` waits for the first.
            make_uv()
            if arguments != ["uv"]:
                make_environments()
    except (InstallError, OSError) as error:
        sys.stderr.write(f"install: {error}\n")
        return 1
    return 0


def make_uv() -> None:
    """Install the pinned uv into a folder of its own, with pip alone."""
    lock = LOCKS / "bootstrap.txt"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    options += ["--require-hashes", "--upgrade", "--target", str(LOG.parent), "-r", str(lock)]
    pip = [sys.executable, "-m", "pip", "install", *options]
    make(LOG.parent, [lock], sys.executable, lambda: run(pip, "install uv with pip"))


def make_environments() -> None:
    """Fill .venv with platform, checks and this repository in place, and .venv-tfdv with TFDV."""
    name, versions = tfdv_lock(platform.system(), platform.machine(), glibc())
    tfdv_python = interpreter(versions)  # Said before anything is downloaded, if there is none.
    folder, lock = ROOT / ".venv", LOCKS / "dev.lock"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--python", str(folder)]
    editable = [str(UV), "pip", "install", *options, "--editable", str(ROOT)]

    def fill() -> None:
        sync(folder, lock, sys.executable)
        run(editable, "install this repository into .venv")

    make(folder, [lock, ROOT / "setup.py"], sys.executable, fill)
    tfdv, lock_tfdv = ROOT / ".venv-tfdv", LOCKS / name
    make(tfdv, [lock_tfdv], tfdv_python, lambda: sync(tfdv, lock_tfdv, tfdv_python))


def tfdv_lock(system: str, machine: str, glibc: tuple[int, int]) -> tuple[str, tuple[str, ...]]:
    """Return the lock file and the Python versions of the newest TFDV that loads here.

    TFDV 1.21's Linux wheels are tagged manylinux_2_39; the last one before is 1.16.1, for Python
    3.11 at most. `glibc` is (0, 0) where the C library is another one.
    """
    newest = ("tfdv-1.21.lock", ("3.11", "3.12", "3.13"))
    if (system, machine) == ("Darwin", "arm64"):
        return newest
    if (system, machine) == ("Linux", "x86_64") and glibc >= (2, 28):
        return newest if glibc >= (2, 39) else ("tfdv-1.16.lock", ("3.11",))
    library = "glibc {}.{}".format(*glibc) if any(glibc) else "no glibc"
    raise InstallError(
        f"TFDV has no build for {system} {machine} with {library}; "
        "use x86_64 Linux with glibc 2.28 or newer, or a Mac with ARM"
    )


def glibc() -> tuple[int, int]:
    """Return the C library's version, or (0, 0) where it is not glibc."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError):
        return (0, 0)
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) if name == "glibc" else (0, 0)


def interpreter(versions: tuple[str, ...]) -> str:
    """Return this interpreter if it is one of `versions`, else another one found on the machine."""
    if ".".join(platform.python_version_tuple()[:2]) in versions:
        return sys.executable
    options = ["--no-python-downloads", "--no-project", "--no-config", "--system"]
    command = [str(UV), "python", "find", *options, versions[0]]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if found.returncode == 0:
        return found.stdout.strip()
    raise InstallError(
        f"TFDV 1.16 (for glibc older than 2.39) needs Python {versions[0]} beside {sys.executable} "
        f"({platform.python_version()}); install python{versions[0]} and run `make install` again"
    )


def make(folder: Path, sources: list[Path], python: str, fill: Callable[[], None]) -> None:
    """Call `fill` unless `folder`, in this place, was made from these sources with this Python."""
    made_from = [str(folder).encode(), str(Path(python).resolve()).encode()]
    made_from += [source.read_bytes() for source in [Path(__file__), *sources]]
    digest = hashlib.sha256(b"\0".join(made_from)).hexdigest()
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text() == digest:
        return
    stamp.unlink(missing_ok=True)
    say(f"making {folder.name} from {sources[0].relative_to(ROOT)} …")
    begin = time.monotonic()
    fill()
    stamp.write_text(digest)
    say(f"{folder.name} is ready ({time.monotonic() - begin:.0f} s)")


def sync(folder: Path, lock: Path, python: str) -> None:
    """Make `folder` a virtual environment of `python` that holds exactly what `lock` says."""
    if not same_interpreter(folder, python):
        shutil.rmtree(folder, ignore_errors=True)
        venv = [str(UV), "venv", "--quiet", "--no-project", "--python", python, str(folder)]
        run(venv, f"make {folder.name}")
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--python", str(folder)]
    if folder == ROOT / ".venv":
        options.append("--compile-bytecode")  # Halves the start of every command, also read-only.
    run([str(UV), "pip", "sync", *options, str(lock)], f"install {lock.relative_to(ROOT)}")


def same_interpreter(folder: Path, python: str) -> bool:
    """Tell whether `folder` is a working environment made from `python`."""
    question = "import sys; print(sys.base_prefix, sys.version_info[:2])"
    try:
        inside, outside = (
            subprocess.run([name, "-c", question], capture_output=True, check=True).stdout
            for name in (str(folder / "bin" / "python"), python)
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return inside == outside


def run(command: list[str], purpose: str) -> None:
    """Run a command quietly.

    Raises:
        InstallError: In one line, with the cause that the command named, if it fails.
    """
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        LOG.write_text(f"{command}\n{done.stdout}{done.stderr}")
        raise InstallError(
            f"could not {purpose}: {cause(done.stderr)}; is the package index reachable? Details: {LOG}"
        )


def cause(stderr: str) -> str:
    """Return the innermost cause among what a command said, else the last thing it said."""
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    named = [line for line in said if line.lower().startswith(("cause: ", "error: "))]
    return named[-1].partition(": ")[2] if named else (said or ["it said nothing"])[-1]


def say(line: str) -> None:
    """Tell the person who waits."""
    sys.stdout.write(f"install: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
