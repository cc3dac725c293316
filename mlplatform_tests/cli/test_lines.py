"""What the demo shows of what Dagster says."""

import pytest

from mlplatform.cli.demo import cause, for_a_person
from mlplatform.cli.summary import number

RUN = "951537e8-7941-4b2f-8ab9-df49a25c42ce"
BEGIN = f"2026-11-23 14:49:36 +0000 - dagster - {{}} - __ASSET_JOB - {RUN} - "


def said(level: str, rest: str) -> list[str]:
    return list(for_a_person(BEGIN.format(level) + rest + "\n"))


def test_an_assets_own_words_are_shown_whole_even_with_dashes_in_them():
    assert said("INFO", "p__model - p/model: a - b - c") == ["  p/model: a - b - c"]


def test_an_error_says_that_it_is_one():
    assert said("ERROR", "p__source - a.csv: not found") == ["  error: a.csv: not found"]


@pytest.mark.parametrize(
    ("level", "rest"),
    [
        ("DEBUG", "2329 - RUN_START - Started execution of run."),
        ("ERROR", "2329 - RUN_FAILURE - Execution of run failed."),
        ("ERROR", "2329 - p__model - STEP_FAILURE - Execution of step failed."),
        ("ERROR", "p_gates - Dependencies for step p_gates failed: ['p__model']. Not executing."),
    ],
)
def test_dagsters_own_bookkeeping_is_left_to_the_log_file(level: str, rest: str):
    assert said(level, rest) == []


def test_an_error_of_the_command_line_is_shown_unless_it_only_repeats():
    assert list(for_a_person("Error: defs.yaml: no such field\n")) == [
        "  Error: defs.yaml: no such field"
    ]
    assert list(for_a_person("Error: Materialization failed.\n")) == []
    assert list(for_a_person('  File "x.py", line 3, in f\n')) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (48842.0, "48,842"),
        (0.0, "0"),
        (0.146, "0.146"),
        (365.0, "365"),
        (None, ""),
        (3.84e-8, "3.84e-08"),
    ],
)
def test_numbers_are_written_as_a_person_writes_them(value: float | None, shown: str):
    assert number(value) == shown


def test_an_exception_nobody_put_into_words_is_named_by_its_innermost_line():
    said = (
        'dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op "x":\n'
        "\nThe above exception was caused by the following exception:\n"
        "sqlite3.OperationalError: database is locked\n\nStack Trace:\n  File x\n"
    )
    assert cause(said) == "sqlite3.OperationalError: database is locked"
    assert cause("") == "Dagster ended without saying why"
