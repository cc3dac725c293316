"""Sizes, and what must not be written anywhere."""

from pathlib import Path

import pytest

from mlplatform_tests.architecture.sources import (
    CODE_LOCATION,
    LIBRARY,
    OTHERS,
    files,
    imported_packages,
    imports,
)

EVERYTHING = files(*LIBRARY, *CODE_LOCATION, *OTHERS)
RUNS_CODE_ON_LOAD = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def test_there_are_sources_to_look_at():
    assert len(EVERYTHING) > 10


@pytest.mark.parametrize("file", EVERYTHING, ids=str)
def test_no_file_is_longer_than_300_lines(file: Path):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("file", EVERYTHING, ids=str)
def test_nothing_is_stored_in_a_format_that_runs_code_when_loaded(file: Path):
    assert not RUNS_CODE_ON_LOAD & {name.partition(".")[0] for name in imports(file)}


@pytest.mark.parametrize("file", EVERYTHING, ids=str)
def test_no_delta_table_is_read_the_way_that_aborts_at_exit(file: Path):
    """`DeltaTable.to_pyarrow_table` can abort the process when it ends; the lake has others."""
    assert ".to_pyarrow_table(" not in file.read_text(encoding="utf-8")


def test_a_pipeline_imports_the_library_and_no_wiring():
    """What a team writes must not depend on how the platform runs it."""
    wiring = {"assets", "resources", "sensors", "definitions", "dagster"}
    assert not wiring & imported_packages("pipelines")
