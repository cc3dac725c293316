"""`mlplatform skew` where there is nothing to compare; servers are asked in `monitor/test_skew_served.py`."""

from dataclasses import replace

import pyarrow as pa
import pytest

from mlplatform.cli.main import app
from mlplatform.errors import PlatformError
from mlplatform_tests.cli.conftest import WHO, invoked


def test_without_a_live_model_one_has_to_be_named(pipeline):
    with pytest.raises(PlatformError, match="people: nothing is live; name a model with --model"):
        invoked(app, "skew", "people")


def test_a_digest_that_begins_no_model_or_several_is_one_line_with_those_known(lake, pipeline):
    with pytest.raises(PlatformError, match="0 models begin 'abc'; known: none"):
        invoked(app, "skew", "people", "--model", "abc")
    for digest in ("abc1", "abc2"):
        who = replace(WHO, facts={"artifact": digest}, recipe=digest)
        lake.table("people/model").overwrite(pa.table({"model_digest": [digest]}), who)
    with pytest.raises(PlatformError, match="2 models begin 'abc'; known: abc1, abc2"):
        invoked(app, "skew", "people", "--model", "abc")


def test_a_pipeline_that_is_not_there_is_one_line(lake, pipeline):
    with pytest.raises(PlatformError, match="nobody"):
        invoked(app, "skew", "nobody")
