import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import CorruptionError
from mlplatform.validate.scan import Scan
from mlplatform.validate.scan.store import MAGIC
from mlplatform_tests.validate.scan.tables import facts, few, scanned, tables


@few
@given(tables)
def test_a_scan_is_read_back_as_it_was_and_equal_scans_give_equal_bytes(table):
    first = scanned(table)
    content = first.to_bytes()
    again = Scan.from_bytes(content)
    assert facts(again.view()) == facts(first.view())
    assert again.view().correlations()[1].tobytes() == first.view().correlations()[1].tobytes()
    assert again.to_bytes() == content == scanned(table).to_bytes()


@few
@given(tables)
def test_a_scan_read_back_lends_its_bins(table):
    kept = Scan.from_bytes(scanned(table).to_bytes())
    assert facts(scanned(table, like=kept).view()) == facts(kept.view())


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: MAGIC + tail))
def test_anything_else_is_no_scan(content):
    with pytest.raises(CorruptionError, match="this is no scan of format 3"):
        Scan.from_bytes(content)


@pytest.fixture(scope="module")
def content():
    return scanned(pa.table({"age": [1, 2], "wage": [0.5, 1.0], "at": pa.array([1, 2], pa.timestamp("us", tz="UTC")),
        "job": ["a", None], "member": [True, False], "label": ["yes", "no"]})).to_bytes()  # fmt: skip


def test_a_scan_cut_short_anywhere_is_no_scan(content):
    for end in range(0, len(content) - 1, 97):
        with pytest.raises(CorruptionError):
            Scan.from_bytes(content[:end])


def test_a_scan_whose_document_lies_is_no_scan(content):
    start = len(MAGIC) + 8
    length = int.from_bytes(content[len(MAGIC) : start], "little")
    document = json.loads(content[start : start + length])
    for lie in ({"atoms": {"0": {}}}, {"types": 3}, {"frames": {"age": [1, 2, 3]}}):
        text = json.dumps({**document, **lie}).encode()
        with pytest.raises(CorruptionError):
            Scan.from_bytes(
                MAGIC + len(text).to_bytes(8, "little") + text + content[start + length :]
            )
