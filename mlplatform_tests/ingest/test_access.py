"""Connections are looked up by name, at use, and a missing one is named without its value."""

import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.access import Access, named_in

URI = "postgresql://host/shop"


def test_a_connection_is_what_its_variable_holds_now():
    environ = {"SHOP": URI}
    secret = named_in(environ)
    assert secret("SHOP") == URI
    environ["SHOP"] = "sqlite:////tmp/shop.db"
    assert secret("SHOP") == "sqlite:////tmp/shop.db"


@pytest.mark.parametrize("environ", [{}, {"SHOP": ""}])
def test_a_variable_that_is_not_set_is_named(environ):
    with pytest.raises(SourceError, match="environment variable SHOP, which is not set"):
        named_in(environ)("SHOP")


def test_what_a_landing_may_reach_shows_no_credentials():
    assert "hidden" not in repr(Access(s3={"session": "hidden"}))
