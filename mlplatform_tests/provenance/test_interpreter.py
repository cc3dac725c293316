"""The libraries that a model was trained with, found here or built again."""

import base64
import hashlib
import platform
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlplatform.errors import ReproductionError
from mlplatform.provenance import environment
from mlplatform.provenance.interpreter import Tools, choice, interpreter, tools
from mlplatform_tests.conftest import ROOT

LOCK = "requirements/dev.lock"


def model(code: Path, libraries: tuple[str, ...], content: str | None) -> Any:
    """Return what is on record of a model with these libraries, and write its lock into a checkout."""
    lock = None
    if content is not None:
        (code / "requirements").mkdir(exist_ok=True)
        (code / LOCK).write_text(content)
        lock = {"file": LOCK, "sha256": hashlib.sha256(content.encode()).hexdigest()}
    around = {"python": platform.python_version(), "lock": lock}
    return SimpleNamespace(commit="ab" * 20, around=around, libraries=libraries)


def wheel(folder: Path, name: str, version: str) -> str:
    """Write a wheel with nothing in it; return its sha256."""
    about = f"{name}-{version}.dist-info"
    files = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_hash(text)},{len(text)}\n" for path, text in files.items())
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in {**files, f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}.items():
            archive.writestr(inside, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def code_in(folder: Path) -> Path:
    """Return a checkout that can say what is installed, and nothing else."""
    code = folder / "code"
    (code / "mlplatform" / "provenance").mkdir(parents=True)
    for name in ("__init__.py", "provenance/__init__.py"):
        (code / "mlplatform" / name).write_text("")
    source = Path(environment.__file__).read_text()
    (code / "mlplatform" / "provenance" / "environment.py").write_text(source)
    return code


@pytest.fixture
def built_by(tmp_path: Path) -> Tools:
    found = tools(ROOT, tmp_path / "cache")
    if found.uv is None:
        pytest.skip("there is no uv here")
    return found


def test_this_interpreter_is_taken_where_its_libraries_are_the_recorded_ones(tmp_path: Path):
    same = model(tmp_path, environment.installed(), None)
    nothing = Tools(uv=None, folder=tmp_path)
    found = interpreter("auto", same, tmp_path, nothing)
    assert (found.python, found.how, found.differs) == (
        Path(sys.executable),
        "this interpreter",
        (),
    )
    older = tuple(line for line in environment.installed() if not line.startswith("mlplatform"))
    assert interpreter("auto", model(tmp_path, older, None), tmp_path, nothing).differs == ()


def test_reuse_takes_it_as_it_is_and_says_what_differs(tmp_path: Path):
    other = model(tmp_path, (*environment.installed(), "gone==1"), None)
    other.around["python"] = "2.7.18"
    found = interpreter("reuse", other, tmp_path, Tools(uv=None, folder=tmp_path))
    assert found.differs == (
        f"Python is {platform.python_version()}, not 2.7.18",
        "not here as recorded: gone==1",
    )


def test_another_one_is_built_from_the_recorded_lock_once(tmp_path: Path, built_by: Tools):
    code, wheels = code_in(tmp_path), tmp_path / "wheels"
    wheels.mkdir()
    digest = wheel(wheels, "tiny", "1.0")
    lock = f"--no-index\n--find-links {wheels}\ntiny==1.0 --hash=sha256:{digest}\n"
    recorded = model(code, ("mlplatform==0.1", "tiny==1.0"), lock)
    found = interpreter("auto", recorded, code, built_by)
    assert found.how == f"built from {LOCK}"
    assert found.python.is_relative_to(built_by.folder)
    made = found.python.stat().st_ctime_ns
    assert interpreter("build", recorded, code, built_by) == found
    assert found.python.stat().st_ctime_ns == made
    recorded.libraries = ("tiny==2.0",)
    with pytest.raises(ReproductionError, match=r"gives other libraries .* recorded: tiny==2.0"):
        interpreter("auto", recorded, code, built_by)


def test_a_lock_that_no_longer_resolves_is_refused_with_the_reason(tmp_path: Path, built_by: Tools):
    lock = f"--no-index\ntiny==1.0 --hash=sha256:{'ab' * 32}\n"
    recorded = model(tmp_path, ("tiny==1.0",), lock)
    with pytest.raises(ReproductionError, match=r"dev.lock no longer resolves: .*tiny"):
        interpreter("auto", recorded, tmp_path, built_by)
    assert not list(built_by.folder.glob("*/.mlplatform-stamp"))


def test_a_changed_lock_a_missing_one_and_a_missing_uv_are_refused(tmp_path: Path):
    nothing = Tools(uv=None, folder=tmp_path)
    with pytest.raises(ReproductionError, match=r"came from no lock file.*--environment reuse"):
        interpreter("build", model(tmp_path, ("a==1",), None), tmp_path, nothing)
    recorded = model(tmp_path, ("a==1",), "a==1\n")
    with pytest.raises(ReproductionError, match=r"uv is missing.*make install"):
        interpreter("auto", recorded, tmp_path, nothing)
    (tmp_path / LOCK).write_text("a==2\n")
    with pytest.raises(ReproductionError, match="is not the lock that its libraries came from"):
        interpreter("auto", recorded, tmp_path, nothing)


def test_choices_are_named_where_a_word_is_none():
    assert choice("auto") == "auto"
    with pytest.raises(ReproductionError, match="'old'; known: auto, reuse, build"):
        choice("old")
