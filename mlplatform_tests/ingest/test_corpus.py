"""The corpus of nasty files: every record is a row or a reject, at its line, and nothing is coerced."""

import pytest

from mlplatform.errors import SourceError
from mlplatform_tests.ingest.corpus import CSV
from mlplatform_tests.ingest.corpus_json import JSON_LINES
from mlplatform_tests.ingest.texts import Read, csv_source, from_csv, from_jsonl, jsonl_source

WHOLE, CUT = 1 << 20, 16  # Bytes read at once.


@pytest.mark.parametrize("piece_bytes", [WHOLE, CUT])
@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("name", CSV)
def test_of_delimited_text_every_record_is_a_row_or_rejected_with_its_reason(
    name, exact, piece_bytes
):
    case = CSV[name]

    def read():
        how = csv_source(**case.how)
        return from_csv(case.content, how, name=case.name, exact=exact, piece_bytes=piece_bytes)

    _holds(case, read)


@pytest.mark.parametrize("piece_bytes", [WHOLE, CUT])
@pytest.mark.parametrize("name", JSON_LINES)
def test_of_json_lines_every_record_is_a_row_or_rejected_with_its_reason(name, piece_bytes):
    case = JSON_LINES[name]
    how = jsonl_source(**case.how)
    _holds(case, lambda: from_jsonl(case.content, how, piece_bytes=piece_bytes))


def _holds(case, read):
    if case.refused:
        with pytest.raises(SourceError, match=case.refused) as error:
            read()
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 250
    else:
        assert read() == Read(case.rows, case.rejected)


def test_the_corpus_has_at_least_21_cases_of_delimited_text_and_5_of_json():
    assert len(CSV) >= 21
    assert len(JSON_LINES) >= 5
