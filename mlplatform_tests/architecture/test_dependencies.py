"""What the code imports and what setup.py and the lock files say agree."""

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mlplatform_tests.architecture.sources import CODE_LOCATION, LIBRARY, ROOT, imported_packages

FOLDER = ROOT / "requirements"
OURS = {"mlplatform", "assets", "resources", "sensors", "definitions", "pipelines"}
# Only in the worker, which has an interpreter of its own.
TFDV = {"tensorflow_data_validation", "tfx_bsl", "apache_beam"}
BROUGHT_BY = {  # Parts of a dependency that are imported by their own name.
    "boto3": {"botocore"},
    "daft": {"ray"},
    "dagster": {"click"},
    "mlflow": {"mlflow-skinny", "mlflow-tracing", "pandas", "requests", "sqlalchemy"},
    "model-signing": {"cryptography"},
    "pydantic": {"pydantic-core"},
    "typer": {"click"},
}
NOT_IMPORTED = {
    "dagster-dg-cli": "the command `dg`",
    "dagster-webserver": "started by `dagster dev`",
    "flatbuffers": "jax.export loads it",
    "model-signing": "registry.signing loads its modules by name, where a key is set",
    "pyiceberg": "daft loads it",
    "pyopenssl": "model-signing imports it",
    "python-stdnum": "validate.sensitive loads its modules by the names of national ids",
}


def direct(*names: str) -> set[str]:
    """Return the distributions that the given .in files ask for."""
    lines = "\n".join((FOLDER / f"{name}.in").read_text(encoding="utf-8") for name in names)
    wanted = (re.sub(r"\s*#.*", "", line) for line in lines.splitlines())
    return {canonicalize_name(Requirement(line).name) for line in wanted if line}


def available(*names: str) -> set[str]:
    """Return the distributions that may be imported where the given .in files are installed."""
    wanted = direct(*names)
    return wanted.union(*(parts for name, parts in BROUGHT_BY.items() if name in wanted))


def locked(lock: Path) -> list[str]:
    """Return a lock file's requirements, each with its continuation lines."""
    text = "".join(
        line for line in lock.open(encoding="utf-8") if not line.lstrip().startswith("#")
    )
    return re.findall(r"^\S.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)


def distributions(*places: str) -> set[str]:
    """Return the distributions that hold what the given places import."""
    known = packages_distributions()
    foreign = imported_packages(*places) - OURS - TFDV - set(sys.stdlib_module_names)
    assert foreign <= known.keys()
    return {canonicalize_name(name) for package in foreign for name in known[package]}


def test_the_library_imports_only_what_it_and_its_extras_install():
    assert distributions(*LIBRARY) <= available("main", "aws", "gbdt", "ray", "redis", "signing")


def test_the_code_location_imports_only_what_its_extras_install():
    assert distributions(*CODE_LOCATION) <= available(
        "main", "dagster", "k8s", "aws", "ray", "redis"
    )


def test_every_dependency_is_used():
    used = distributions(*LIBRARY, *CODE_LOCATION) | NOT_IMPORTED.keys()
    assert direct("main", "dagster", "k8s", "aws", "ray", "redis", "signing") - used == set()


@pytest.mark.parametrize(
    ("lock", "sources"),
    [
        ("main.lock", ("main", "dagster", "k8s", "aws")),
        ("dev.lock", ("main", "dagster", "k8s", "aws", "ray", "redis", "signing", "dev")),
        ("tfdv-1.16.lock", ("tfdv-1.16",)),
        ("tfdv-1.21.lock", ("tfdv-1.21",)),
        ("bootstrap.txt", ("bootstrap",)),
        ("peers.lock", ("peers",)),
        ("peers-training.lock", ("peers-training",)),
        ("tables.lock", ("tables",)),
    ],
)
def test_a_lock_file_pins_its_sources_by_hash_and_names_no_host(
    lock: str, sources: tuple[str, ...]
):
    requirements = locked(FOLDER / lock)
    names = {canonicalize_name(re.split(r"[\[=]", requirement)[0]) for requirement in requirements}
    assert direct(*sources) <= names
    assert all(
        "==" in requirement and "--hash=sha256:" in requirement for requirement in requirements
    )
    assert "://" not in (FOLDER / lock).read_text(encoding="utf-8")


def test_every_dependency_says_in_a_line_why_it_is_there():
    for file in FOLDER.glob("*.in"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert not line or line.startswith(("#", "uv")) or re.search(r"  # \S.+\.$", line), line


def test_main_and_dev_lock_the_same_versions():
    main, dev = (
        {requirement.split(" ")[0] for requirement in locked(FOLDER / f"{name}.lock")}
        for name in ("main", "dev")
    )
    assert main <= dev
