"""The table of registered models: the next version each, once per model, only what passed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlplatform.errors import CorruptionError, GateRefusedError, LakeError
from mlplatform.lake import Lake, Lineage
from mlplatform.registry.record import Candidate, by_digest, records, register
from mlplatform.verdict import Outcome
from mlplatform_tests.registry.conftest import AT

WHO = Lineage(asset="census/registered_model", run_id="test", code_version="test")


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def candidate(lake: Lake, content: bytes, verdict: Outcome = Outcome.PASS) -> Candidate:
    return Candidate(
        model_digest=lake.artifacts.put({"params.safetensors": content}),
        metrics={"auc": 0.91, "accuracy": 0.85},
        verdict=verdict,
        verdict_digests={"policy": "f" * 64},
        code_version="4f1c",
        data_versions={"census/dataset": "3:9f86d081884c7d65"},
    )


def rows(lake: Lake):
    return records(lake.table("census/registered_model"))


def test_versions_count_from_one_and_rows_are_read_back(lake):
    one = register(lake, "census", candidate(lake, b"1"), WHO, AT)
    two = register(lake, "census", candidate(lake, b"2"), WHO, AT)
    assert (one.model_version, two.model_version) == (1, 2)
    assert rows(lake) == [one, two]
    assert by_digest(rows(lake), two.model_digest) == two
    assert one.metrics == {"auc": 0.91, "accuracy": 0.85}
    assert one.registered_at == AT


def test_the_same_model_is_registered_once(lake):
    first = register(lake, "census", candidate(lake, b"1"), WHO, AT)
    register(lake, "census", candidate(lake, b"2"), WHO, AT)
    again = register(lake, "census", candidate(lake, b"1"), WHO, AT.replace(year=2027))
    assert again == first
    assert len(rows(lake)) == 2


@pytest.mark.parametrize("verdict", [Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_only_a_pass_is_registered(lake, verdict):
    with pytest.raises(GateRefusedError, match=f"is '{verdict.value}'; only a pass"):
        register(lake, "census", candidate(lake, b"1", verdict), WHO, AT)
    assert rows(lake) == []


def test_a_row_never_names_bytes_that_are_not_there(lake):
    missing = Candidate(**{**vars(candidate(lake, b"1")), "model_digest": "0" * 64})
    with pytest.raises(LakeError, match="there is no artifact"):
        register(lake, "census", missing, WHO, AT)
    assert rows(lake) == []


def test_a_damaged_artifact_is_not_registered(lake):
    damaged = candidate(lake, b"weights")
    folder = Path(lake.artifacts.open(damaged.model_digest).uri)
    (folder / "params.safetensors").write_bytes(b"Weights")
    with pytest.raises(CorruptionError, match="is damaged"):
        register(lake, "census", damaged, WHO, AT)
    assert rows(lake) == []


def test_models_registered_at_the_same_time_get_different_versions(lake):
    many = [candidate(lake, b"%d" % n) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda each: register(lake, "census", each, WHO, AT), many * 2))
    assert {each.model_version for each in made} == {1, 2, 3, 4}
    assert {(each.model_version, each.model_digest) for each in made} == {
        (each.model_version, each.model_digest) for each in rows(lake)
    }
