"""The commits that wrote a version are found in a table's log whatever was replaced and compacted."""

import random

import pyarrow as pa
import pytest

from mlplatform.lake import Lake, Lineage
from mlplatform.lake.compaction import optimize
from mlplatform.provenance import written as module
from mlplatform.provenance.written import continues, earlier, written

WHO = Lineage(asset="a/b", run_id="test", code_version="test")


def grown(lake: Lake, seed: int) -> dict[int, list[int]]:
    """Append, replace and compact at random; return for each version the commits that wrote it, oldest first."""
    choose, table = random.Random(seed), lake.table("a/b")  # noqa: S311 - no secret.
    wrote: list[int] = []
    found: dict[int, list[int]] = {}
    for at in range(24):
        does = choose.choice(["append", "append", "append", "compact", "overwrite"])
        rows = pa.table({"n": [at]})
        if does == "compact" and wrote:
            optimize(table, "test", least_files=2)
            continue
        if does == "overwrite" and choose.random() < 0.4:
            wrote, version = [], table.overwrite(rows, WHO)
        else:
            version = table.append(rows, WHO, token=str(at))
        wrote = [*wrote, version.number]
        found[version.number] = wrote
    return found


@pytest.mark.parametrize("seed", range(5))
def test_what_wrote_a_version_is_found_behind_compactions(tmp_path, seed):
    found = grown(lake := Lake(tmp_path), seed)
    table = lake.peek("a/b")
    assert len(found) <= table.newest()  # Something was compacted.
    for number, wrote in found.items():
        assert [c.version.number for c in written(table, number)] == wrote[::-1]
        for after in [-1, *found]:
            left = [each for each in wrote if each > after]
            assert [c.version.number for c in written(table, number, after)] == left[::-1]
            for oldest in left:
                assert earlier(table, oldest, after) == left.index(oldest)
        for first in found:
            if first <= number:
                assert continues(table, number, first) == (wrote[0] <= first)


def test_what_is_left_is_counted_by_the_log_behind_many_compactions(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "COUNTED", 1)
    lake = Lake(tmp_path)
    for at in range(6):
        lake.table("a/b").append(pa.table({"n": [at]}), WHO, token=str(at))
        optimize(lake.table("a/b"), "test", least_files=2)
    assert lake.peek("a/b").newest() == 10  # 5 of them compactions.
    assert earlier(lake.peek("a/b"), 9) == 8
