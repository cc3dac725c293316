import importlib.util
import sys
from pathlib import Path

import pytest

from mlplatform.errors import WorkerError
from mlplatform.validate.interpreter import find


def beside(root: Path) -> Path:
    python = root / ".venv-tfdv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return python


def test_the_interpreter_named_wins_over_the_one_beside_the_checkout(tmp_path):
    beside(tmp_path)
    named = tmp_path / "python"
    named.touch()
    assert find(named, tmp_path) == named


def test_an_interpreter_named_but_not_there_is_an_error_and_nothing_else_is_tried(tmp_path):
    beside(tmp_path)
    with pytest.raises(WorkerError, match=r"nowhere: no such file; .*`make install`"):
        find(Path("nowhere"), tmp_path)


def test_the_environment_beside_the_checkout_is_found(tmp_path):
    expected = beside(tmp_path)
    assert find(None, tmp_path) == expected


def test_without_it_this_interpreter_serves_if_it_has_tfdv_and_else_the_error_says_make_install(
    tmp_path,
):
    if importlib.util.find_spec("tensorflow_data_validation"):
        assert find(None, tmp_path) == Path(sys.executable)
    else:
        with pytest.raises(WorkerError, match=r"no interpreter with TFDV: .*; run `make install`"):
            find(None, tmp_path)
