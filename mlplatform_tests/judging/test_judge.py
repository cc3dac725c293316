"""Every gate answers, whatever happens to one of them."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.judging.candidate import Candidate
from mlplatform.judging.model import judge
from mlplatform.judging.upstream import Upstream
from mlplatform.verdict import Outcome
from mlplatform_tests.judging.planted import ROWS, Loans


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    """A model whose scores are beside labels that are none."""
    loans = Loans(tmp_path, "amount")
    chances = np.full(ROWS, 0.5, np.float32)
    labels = pa.array([{"none": 1}] * ROWS)
    scores = pa.table({"row_id": np.arange(ROWS), "label": labels, loans.artifact: chances})
    return Candidate(
        pipeline=loans.pipeline, lake=loans.lake, digest=loans.artifact, model=loans.model,
        dataset=loans.dataset, split=loans.split, aggregates=None, champion=None, scores=scores,
        upstream=Upstream.of(loans.lake, loans.pipeline, loans.model),
    )  # fmt: skip


def test_a_gate_that_breaks_fails_in_one_line_and_the_others_answer(candidate, caplog):
    with caplog.at_level(logging.ERROR):
        broken, sound = judge(candidate, ["calibration", "artifact_size"])
    assert (broken.gate, broken.outcome, broken.stops) == ("calibration", Outcome.FAIL, True)
    assert broken.because.startswith("0 measurements could be made: TypeError: ")
    assert "\n" not in broken.because
    assert (sound.gate, sound.outcome) == ("artifact_size", Outcome.PASS)
    (told,) = caplog.records
    assert f"the gate calibration of model {candidate.digest[:12]}" in told.message
    assert told.exc_info


def test_what_a_user_can_mend_is_said_without_a_traceback(candidate, caplog):
    (gone,) = judge(replace(candidate, digest="0" * 64), ["artifact_size"])
    assert gone.because.startswith("0 measurements could be made: there is no artifact 000")
    assert not caplog.records


class Interrupting:
    """A lake that somebody interrupts."""

    @property
    def artifacts(self) -> object:
        """Stop."""
        raise KeyboardInterrupt


def test_an_interruption_is_no_verdict(candidate):
    with pytest.raises(KeyboardInterrupt):
        judge(replace(candidate, lake=Interrupting()), ["artifact_size"])
