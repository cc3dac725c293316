"""The reference is promoted by a person with a reason, and its history is told."""

import pytest

from mlplatform.cli.reference import app
from mlplatform.errors import LakeError, SourceError
from mlplatform.validate import reference
from mlplatform_tests.cli.conftest import invoked


def test_without_a_reference_show_says_what_will_be_it(lake):
    shown = invoked(app, "show", "people")
    assert (shown.exit_code, "has no reference" in shown.output) == (0, True)
    assert invoked(app, "history", "people").output == ""


def test_the_newest_version_is_promoted_unless_another_is_named(lake, pipeline, profiled):
    first, second = profiled(40), profiled(50)
    said = invoked(app, "promote", "people", "--because", "a new year")
    assert f"dataset {second.reference} (50 rows) is the reference" in said.output
    said = invoked(app, "promote", "people", "--version", 0, "--because", "back again")
    assert f"is the reference; it was {second.reference}" in said.output
    now = reference.current(lake, pipeline)
    assert (now.dataset, now.because) == (first.reference, "back again")
    shown = invoked(app, "show", "people").output
    assert (first.reference in shown, "back again" in shown) == (True, True)
    newest, oldest = invoked(app, "history", "people").output.splitlines()
    assert ("back again" in newest, "a new year" in oldest) == (True, True)


def test_promoting_what_is_the_reference_changes_nothing(lake, pipeline, profiled):
    profiled(40)
    invoked(app, "promote", "people", "--because", "first")
    said = invoked(app, "promote", "people", "--because", "once more")
    assert "is the reference already" in said.output
    assert len(reference.history(lake, pipeline)) == 1


def test_a_reason_is_needed_and_shown_without_control_characters(lake, pipeline, profiled):
    profiled(40)
    assert invoked(app, "promote", "people").exit_code == 2
    with pytest.raises(LakeError, match="needs 'because'"):
        invoked(app, "promote", "people", "--because", " ")
    invoked(app, "promote", "people", "--because", "new\x1b[2J\nyear")
    shown = invoked(app, "show", "people").output
    assert shown.count("\n") == 1
    assert "new\\x1b[2J\\nyear" in shown


def test_a_pipeline_or_version_that_is_not_there_is_an_error(lake, profiled):
    with pytest.raises(SourceError, match=r"no pipeline 'nobody'; known: people"):
        invoked(app, "show", "nobody")
    with pytest.raises(LakeError, match="there is no people/dataset yet"):
        invoked(app, "promote", "people", "--because", "x")
    profiled(40)
    with pytest.raises(LakeError, match="7"):
        invoked(app, "promote", "people", "--version", 7, "--because", "x")
