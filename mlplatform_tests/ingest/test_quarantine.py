"""Records that cannot become rows: kept once, counted by what a version of the source holds."""

from pathlib import Path

import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.source import land, land_file, malformed, withdraw_file
from mlplatform.ingest.spill import general
from mlplatform_tests.ingest.conftest import LINEAGE

GOOD = "cy,7,1.20,no\n"
TWO_BAD = "di,eight,1.5,no\nann,41,1.68,yes\ned,2\n"


def quarantined(lake):
    rows = lake.table("people/quarantine").read().to_pylist()
    return [(row["source_file"], row["source_line"], row["column"]) for row in rows]


def test_bad_records_are_kept_with_file_line_column_reason_and_text(make_pipeline, lake, table):
    version = land(make_pipeline({"a.csv": GOOD, "b.csv": TWO_BAD}), lake, LINEAGE)
    assert table.read()["name"].to_pylist() == ["cy", "ann"]
    assert version.rows == 2
    first, second = lake.table("people/quarantine").read().to_pylist()
    assert (first["source_file"], first["source_line"], first["column"]) == ("b.csv", 1, "age")
    assert "'eight' is no int64" in first["reason"]
    assert first["text"] == "di,eight,1.5,no"
    assert (second["source_line"], second["column"], second["text"]) == (3, None, "ed,2")


def test_landing_again_quarantines_nothing_twice(make_pipeline, lake):
    pipeline = make_pipeline({"b.csv": TWO_BAD})
    land(pipeline, lake, LINEAGE)
    land(pipeline, lake, LINEAGE)
    assert quarantined(lake) == [("b.csv", 1, "age"), ("b.csv", 3, None)]


def test_a_version_counts_the_records_of_the_files_it_holds(make_pipeline, lake, tmp_path):
    """A repaired file leaves its old records in quarantine, and out of the count."""
    pipeline = make_pipeline({"a.csv": GOOD, "b.csv": TWO_BAD})
    before = land(pipeline, lake, LINEAGE)
    after = land(make_pipeline({"b.csv": "di,8,1.5,no\nann,x,1.6,yes\n"}), lake, LINEAGE)
    seen = malformed(lake, pipeline, before)
    assert (seen.rows, seen.rejected) == (4, 2)
    assert seen.by_file == {"a.csv": (0, 1), "b.csv": (2, 3)}
    assert sum(seen.reasons.values()) == 2
    assert [example["source_line"] for example in seen.examples] == [1, 3]
    seen = malformed(lake, pipeline, after)
    assert seen.by_file == {"b.csv": (1, 2)}
    assert [example["text"] for example in seen.examples] == ["ann,x,1.6,yes"]
    assert len(quarantined(lake)) == 3


def test_a_withdrawn_batch_counts_no_more(make_pipeline, lake, table, tmp_path):
    pipeline = make_pipeline({"a.csv": GOOD})
    land(pipeline, lake, LINEAGE)
    (tmp_path / "batch.csv").write_text(TWO_BAD)
    assert (
        malformed(
            lake, pipeline, land_file(pipeline, tmp_path / "batch.csv", lake, LINEAGE)
        ).rejected
        == 2
    )
    assert (
        malformed(lake, pipeline, withdraw_file(pipeline, "batch.csv", lake, LINEAGE)).rejected == 0
    )


def test_records_of_a_kept_file_still_count_after_another_one_changed(make_pipeline, lake):
    """They are neither read nor quarantined again: the table's own rows stay."""
    land(make_pipeline({"a.csv": GOOD, "b.csv": TWO_BAD}), lake, LINEAGE)
    pipeline = make_pipeline({"a.csv": "cy,8,1.2,no\n", "b.csv": TWO_BAD})
    seen = malformed(lake, pipeline, land(pipeline, lake, LINEAGE))
    assert (seen.rejected, len(seen.examples), len(quarantined(lake))) == (2, 2, 2)


def test_a_source_without_bad_records_has_none(make_pipeline, lake):
    pipeline = make_pipeline({"a.csv": GOOD})
    seen = malformed(lake, pipeline, land(pipeline, lake, LINEAGE))
    assert (seen.rows, seen.rejected, dict(seen.reasons), list(seen.examples)) == (1, 0, {}, [])
    assert not lake.table("people/quarantine").exists()


def test_a_refused_landing_quarantines_nothing(make_pipeline, lake):
    with pytest.raises(SourceError, match="1 field"):
        land(make_pipeline({"a.csv": TWO_BAD, "b.csv": "cy;7;1.2;no\n"}), lake, LINEAGE)
    assert lake.tables() == []


def test_of_many_reasons_the_commit_keeps_fifty_and_the_rest_as_one(make_pipeline, lake):
    text = "".join(f"di{',' * n}\n" for n in range(4, 84)) + GOOD
    pipeline = make_pipeline({"a.csv": text})
    seen = malformed(lake, pipeline, land(pipeline, lake, LINEAGE))
    assert (len(seen.reasons), seen.reasons["other reasons"]) == (51, 30)
    assert sum(seen.reasons.values()) == seen.rejected == 80


CARD = "4111 1111 1111 1111"
CSV = (
    f"di,{CARD},1.5,no\ned,7,1.5,no\ndi,{CARD} is no int64,{CARD},no\ndi,1,{CARD},no\n"
    f'di,1,9e999,no\ndi,"two\n{CARD}",1.5,no\n'
)
JSON_LINES = (
    f'{{"name": "di", "age": "{CARD}"}}\n{{"name": "di", "age": 4111.5}}\n'
    f'{{"{CARD}": 1}}\n{{"name": 1, "name": "{CARD}"}}\n{{"name": {CARD}}}\n'
    '{"height": 1e4111}\n{"name": "ed"}\n'
)
SAYING = {
    "a.csv": (CSV, {"age: no int64": 3, "height: no float64": 1, "height: not finite": 1}),
    "a.jsonl": (
        JSON_LINES,
        {
            "age: no int64": 2,
            "a column that is not declared": 1,
            "a key that stands twice": 1,
            "not a JSON object": 1,
            "height: not finite": 1,
        },
    ),
}


@pytest.mark.parametrize("file", SAYING)
def test_a_commit_keeps_reasons_without_the_values_that_the_quarantine_keeps(
    make_pipeline, lake, table, file
):
    text, expected = SAYING[file]
    source = {"kind": file[2:], "files": [file]}
    if file == "a.csv":
        source["header"] = False
    pipeline = make_pipeline({file: text}, source=source)
    seen = malformed(lake, pipeline, land(pipeline, lake, LINEAGE))
    assert seen.reasons == expected
    logs = [name for kind in ("source", "quarantine") for name in _logs(lake, kind)]
    assert not any("4111" in log.read_text() for log in logs)
    kept = lake.table("people/quarantine").read().to_pylist()
    assert any("4111" in row["reason"] for row in kept)
    assert any("4111" in row["text"] for row in kept)


def _logs(lake, kind):
    found = list(Path(lake.root, "people", kind, "_delta_log").glob("*.json"))
    assert found
    return found


def test_rejected_bytes_are_no_part_of_a_reason_that_is_kept():
    assert general("byte 0xe9 is not utf-8", "name") == "name: not utf-8"
    assert general("U+00E9 is no character", None) == "no character"
    assert general("3 fields, expected 4", None) == "3 fields, expected 4"
