"""Errors of predicted numbers: against a limit, a constant, and the champion's."""

from dataclasses import replace

import numpy as np
import pytest

from mlplatform.gates.error import Errors, error
from mlplatform.spec.model_gates import ErrorGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

CHAMPION = "c" * 64
LABELS = np.random.default_rng(1).normal(100, 10, 2000)
NOISE = np.random.default_rng(2).normal(0, 1, 2000)


def off(by: float, digest: str = "a" * 64, noise: np.ndarray = NOISE, rows: int = 2000) -> Errors:
    """A model whose error has this standard deviation."""
    squared = (by * noise[:rows]) ** 2
    return Errors(model_digest=digest, row_id=np.arange(rows), label=LABELS[:rows], error=squared)


class TestError(GateContract):
    """Root mean square errors."""

    gate, policy, limit = staticmethod(error), ErrorGate(maximum=5), 5
    good = (off(3), off(3, CHAMPION))
    bad = (off(6), off(6, CHAMPION))
    missing = (
        (None, None),
        (off(3, rows=0), None),
        (replace(off(3), error=np.full(2000, np.nan)), None),
        (replace(off(3), error=np.append(off(3).error[1:], np.inf)), None),
        (replace(off(3), row_id=np.arange(3)), None),
        (off(3), off(3, CHAMPION, rows=0)),
    )


def test_a_first_model_passes_on_its_own_and_says_so():
    verdict = error(off(3), None, ErrorGate())
    assert verdict.passed
    assert verdict.observed == pytest.approx(3, rel=0.05)
    assert verdict.limit == verdict.baseline == pytest.approx(LABELS.std())
    assert "the first model: no champion to stay within 1.0% of" in verdict.because


def test_a_model_no_better_than_the_labels_own_mean_fails():
    verdict = error(replace(off(1), error=(LABELS - LABELS.mean()) ** 2), None, ErrorGate())
    assert verdict.outcome is Outcome.FAIL
    assert "no better than that of the best constant" in verdict.because


def test_quantiles_are_held_against_the_labels_own_quantiles():
    shares = (0.1, 0.9)
    at = np.quantile(LABELS, shares, method="inverted_cdf")
    apart = LABELS[:, None] - at
    lost = np.maximum(np.array(shares) * apart, (np.array(shares) - 1) * apart).mean(1)
    asked = {"metric": "pinball", "quantiles": shares}
    constant = error(replace(off(1), error=lost), None, ErrorGate(), **asked)
    assert constant.outcome is Outcome.FAIL
    assert constant.observed == pytest.approx(constant.limit)
    assert error(replace(off(1), error=lost * 0.9), None, ErrorGate(), **asked).passed


def test_labels_that_are_all_one_number_cannot_be_passed():
    same = replace(off(0), label=np.ones(2000))
    assert error(same, None, ErrorGate()).outcome is Outcome.FAIL


def test_a_better_model_passes_and_one_beyond_the_margin_fails():
    better = error(off(2.9), off(3, CHAMPION), ErrorGate(margin=0.01))
    assert better.passed
    assert better.baseline == pytest.approx(3, rel=0.05)
    assert better.evidence["relative_difference"] == pytest.approx(-0.0333, abs=1e-3)
    worse = error(off(3.1), off(3, CHAMPION), ErrorGate(margin=0.01))
    assert worse.outcome is Outcome.FAIL
    assert "rmse +3.33% against champion cccccccccccc on 2,000 rows" in worse.because


def test_the_margin_is_one_of_the_error_and_not_of_its_square():
    """Errors of the same rows in a fixed proportion leave no doubt: 1 % more is 2.01 % of squares."""
    for by, passed in ((1.0099, True), (1.0101, False)):
        assert error(off(by), off(1, CHAMPION), ErrorGate(margin=0.01)).passed == passed


def test_doubt_is_inconclusive_and_says_how_many_rows_would_decide():
    other = np.random.default_rng(3).normal(0, 1, 2000)
    verdict = error(off(3, noise=other), off(3, CHAMPION), ErrorGate(margin=0.01))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.evidence["rows_needed"] > 2000
    assert "rows would decide" in verdict.because


def test_the_champion_itself_passes_on_any_number_of_rows():
    few = off(1, rows=5)
    assert error(few, few, ErrorGate(margin=0)).passed
    assert error(few, replace(few, model_digest=CHAMPION), ErrorGate(margin=0)).passed


def test_a_perfect_champion_is_matched_by_a_perfect_model_alone():
    perfect = off(0, CHAMPION)
    assert error(off(0), perfect, ErrorGate()).passed
    assert error(off(0.001), perfect, ErrorGate()).outcome is Outcome.FAIL


def test_a_champion_that_nothing_can_run_bars_no_successor_and_the_verdict_says_so():
    champion = replace(off(1, CHAMPION), error=np.full(2000, np.nan))
    verdict = error(off(3), champion, ErrorGate())
    assert verdict.passed
    assert "could not be scored on any of 2,000 rows" in verdict.because
    assert verdict.evidence["champion_unscored"] is True


@pytest.mark.parametrize("how", ["other rows", "other labels", "nan"])
def test_a_champion_that_cannot_be_compared_is_never_a_pass(how):
    champion = off(3, CHAMPION)
    changed = {
        "other rows": replace(champion, row_id=np.arange(2000)[::-1]),
        "other labels": replace(champion, label=LABELS + 1),
        "nan": replace(champion, error=np.append(champion.error[1:], np.nan)),
    }[how]
    verdict = error(off(3), changed, ErrorGate())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "cannot compare with champion cccccccccccc" in verdict.because
