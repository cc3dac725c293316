import json
from datetime import UTC, datetime

import numpy as np

from mlplatform.gates.record import GATES_SCHEMA, rows, to_verdicts
from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict

ABOUT = {
    "subject": "census/dataset",
    "subject_digest": "d",
    "policy_hash": "p",
    "run_id": "r",
    "decided_at": datetime(2026, 3, 1, tzinfo=UTC),
}
FULL = Verdict(
    gate="accuracy",
    outcome=Outcome.INCONCLUSIVE,
    severity=Severity.WARN,
    inconclusive=Inconclusive.PERSON,
    observed=0.9,
    limit=0.8,
    baseline=0.91,
    interval=(0.88, 0.92),
    because="0.9 of “rows”\twith ünïcode",
    evidence={"rows": 3, "groups": {"a": [1, 2.5, None]}},
)


def test_verdicts_come_back_from_rows_as_they_were():
    bare = Verdict(gate="latency", outcome=Outcome.FAIL, because="0 samples")
    table = rows([FULL, bare], **ABOUT)
    assert table.schema == GATES_SCHEMA
    assert to_verdicts(table) == [FULL, bare]


def test_no_verdicts_are_an_empty_table_of_the_same_schema():
    table = rows([], **ABOUT)
    assert (table.num_rows, table.schema) == (0, GATES_SCHEMA)


def test_evidence_is_strict_json_whatever_it_holds():
    evidence = {
        "nan": float("nan"),
        "n": np.int64(3),
        "x": np.float32("inf"),
        1: (np.array([1, 2]),),
    }
    said = Verdict(gate="g", outcome=Outcome.PASS, because="1", evidence=evidence)
    text = rows([said], **ABOUT)["evidence"][0].as_py()
    read = json.loads(text, parse_constant=lambda word: (_ for _ in ()).throw(ValueError(word)))
    assert read == {"nan": None, "n": 3, "x": None, "1": [[1, 2]]}


def test_equal_evidence_is_written_equally_in_any_key_order():
    one, two = (
        Verdict(gate="g", outcome=Outcome.PASS, because="1", evidence=e)
        for e in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert rows([one], **ABOUT) == rows([two], **ABOUT)
