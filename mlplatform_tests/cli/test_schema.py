"""A schema is shown, what another version proposes is shown as changes, and a person accepts it."""

import pytest

from mlplatform.cli.schema import app
from mlplatform.errors import LakeError
from mlplatform.validate import acceptance, schema
from mlplatform.validate.record import profiles_of
from mlplatform.validate.schema_rules import constrained
from mlplatform_tests.cli.conftest import WHO, invoked

CITIES = """feature { name: "city" type: BYTES domain: "city" }
string_domain { name: "city" value: "Oslo" value: "Rome" }
"""


@pytest.fixture
def accepted(lake, pipeline, profiled):
    """A first version whose schema is accepted, and a second that proposes to know cities."""
    first = profiled(40)
    acceptance.accept(lake, pipeline, profiles_of(lake, pipeline, first)[0], WHO)
    inferred = schema.from_text(CITIES, "test")
    profiled(50, proposed=schema.store(lake, constrained(inferred, pipeline.spec)))
    return first


def test_without_an_accepted_schema_there_is_nothing_to_show(lake):
    with pytest.raises(LakeError, match="no accepted schema; the first dataset that passes"):
        invoked(app, "show", "people")


@pytest.mark.usefixtures("accepted")
def test_the_accepted_schema_is_shown_as_a_reviewed_file_would_hold_it(lake, pipeline):
    shown = invoked(app, "show", "people")
    assert shown.exit_code == 0
    assert schema.from_text(shown.output, "shown") == schema.accepted(lake, pipeline)


@pytest.mark.usefixtures("accepted")
def test_what_a_version_proposes_is_told_and_gives_exit_code_1():
    shown = invoked(app, "diff", "people")
    assert shown.exit_code == 1
    assert "city" in shown.output
    same = invoked(app, "diff", "people", "--version", 0)
    assert (same.exit_code, "proposes what is accepted" in same.output) == (0, True)


@pytest.mark.usefixtures("accepted")
def test_accepting_says_what_changed_and_judges_from_then_on(lake, pipeline):
    before = schema.accepted(lake, pipeline)
    said = invoked(app, "accept", "people", "--because", "cities are known")
    assert "city" in said.output
    assert "judges people from now on" in said.output
    assert schema.accepted(lake, pipeline) != before
    assert invoked(app, "diff", "people").exit_code == 0
    assert invoked(app, "accept", "people").exit_code == 2
