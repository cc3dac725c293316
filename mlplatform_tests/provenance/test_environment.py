"""The installed libraries as a list and a digest."""

import hashlib
import importlib.metadata
from collections.abc import Callable

from mlplatform.provenance import environment


def test_every_library_is_named_with_its_version_once_and_in_order():
    lines = environment.installed()
    names = [line.partition("==")[0] for line in lines]
    assert f"numpy=={importlib.metadata.version('numpy')}" in lines
    assert "scikit-learn" in names  # Not scikit_learn, as some of its metadata has been.
    assert list(lines) == sorted(lines)
    assert len(set(names)) == len(names)


def test_the_digest_is_that_of_the_stored_list_and_another_version_changes_it():
    lines = ["a==1", "b==2"]
    stored = environment.text(lines)
    assert stored == b"a==1\nb==2\n"
    assert environment.digest(lines) == hashlib.sha256(stored).hexdigest()
    assert environment.digest(["a==1", "b==3"]) != environment.digest(lines)


def test_another_process_finds_the_same(fresh_python: Callable[[str], str]):
    program = (
        "from mlplatform.provenance import environment as of; print(of.digest(of.installed()))"
    )
    assert fresh_python(program).strip() == environment.digest(environment.installed())
