"""Two models asked in turn: who is asked what, when it ends, and what the times are."""

import gc
import time

import numpy as np
import pytest

from mlplatform.errors import FeatureError
from mlplatform.judging.interleaved import TURN, WARM_UP, interleaved
from mlplatform.judging.latency import Timed, latency
from mlplatform.spec.serving_gates import LatencyGate

QUICK = LatencyGate(seconds=0.1)


def test_both_are_asked_the_same_rows_in_the_order_a_b_b_a_and_a_cold_answer_does_not_count():
    asked: list[tuple[str, int]] = []
    found = interleaved(
        [lambda row: asked.append(("a", row)), lambda row: asked.append(("b", row))],
        min_samples=400, seconds=0.001,
    )  # fmt: skip
    rounds = asked[2 * WARM_UP :]
    cold = TURN + 1
    first = [who for who, _ in rounds[: 4 * cold]]
    assert first == ["a"] * cold + ["b"] * 2 * cold + ["a"] * cold
    for who in "ab":
        rows = [row for name, row in rounds if name == who][: 2 * cold]
        assert rows == [0, *range(TURN), TURN, *range(TURN, 2 * TURN)]
    assert found.blocks[0].shape == found.blocks[1].shape
    assert found.samples >= 400


def test_slow_answers_are_in_the_times_in_milliseconds_and_no_garbage_is_collected_meanwhile():
    collecting = []

    def ask(row: int) -> None:
        collecting.append(gc.isenabled())
        time.sleep(0.002 if row % 2 else 0.0)

    (times,) = interleaved([ask], min_samples=100, seconds=0.001).blocks
    assert np.median(times.ravel()[1::2]) >= 2
    assert not any(collecting)
    assert gc.isenabled()


def test_it_ends_where_it_is_precise_and_looks_seldom():
    looks = []

    def precise(found, late) -> bool:
        assert not late
        looks.append(found.samples)
        return len(looks) == 3

    found = interleaved([int, int], min_samples=100, seconds=60, precise=precise)
    assert looks[0] >= 100
    assert looks[1] >= 1.3 * looks[0]
    assert found.samples == looks[2]


def test_where_the_time_is_over_and_it_is_not_precise_it_goes_on_three_times_as_long():
    lates = []

    def precise(found, late) -> bool:
        lates.append(late)
        return False

    began = time.monotonic()
    interleaved([int, int], min_samples=100, seconds=0.2, precise=precise)
    assert time.monotonic() - began >= 0.6
    assert lates == sorted(lates)
    assert lates[0] is False
    assert lates[-1] is True


def test_a_model_too_slow_for_its_samples_is_given_up():
    """Ten times the seconds, and then what there is."""
    found = interleaved([lambda _: time.sleep(0.02)], min_samples=10_000, seconds=0.1)
    assert 0 < found.samples < 10_000


def test_without_a_rival_there_is_no_ratio_and_with_one_there_are_two():
    alone = latency(Timed("a" * 64, {"program": int, "server": int}), None, QUICK)
    assert [(each.path, len(each.ratios)) for each in alone.timed] == [
        ("program", 0),
        ("server", 0),
    ]
    assert alone.champion is None
    rival = Timed("b" * 64, {"program": int, "server": int})
    both = latency(Timed("a" * 64, {"program": int, "server": int}), rival, QUICK)
    assert [[ratio.percentile for ratio in each.ratios] for each in both.timed] == [[50, 99]] * 2
    assert both.champion is not None
    assert not both.champion.unscored
    (program, _) = both.timed
    assert sum(program.counts) == sum(program.champion_counts) == program.samples


def broken(row: int) -> None:
    if row == 3:
        raise FeatureError("row 3: age is old")


def test_a_champion_that_breaks_is_compared_nowhere_and_the_candidate_keeps_its_limits():
    rival = Timed("b" * 64, {"program": int, "server": broken})
    seen = latency(Timed("a" * 64, {"program": int, "server": int}), rival, QUICK)
    assert seen.champion is not None
    assert seen.champion.unscored == "row 3: age is old"
    assert [each.ratios for each in seen.timed] == [(), ()]
    gone = Timed("b" * 64, {}, {"program": "it is gone"})
    lost = latency(Timed("a" * 64, {"program": int, "server": int}), gone, QUICK)
    assert lost.champion is not None
    assert lost.champion.unscored == "it is gone"


@pytest.mark.parametrize("wrong", [FeatureError("age is old"), ZeroDivisionError("by zero")])
def test_a_candidate_that_breaks_is_failed_and_its_other_path_timed(wrong):
    def fails(_: int) -> None:
        raise wrong

    seen = latency(Timed("a" * 64, {"program": fails, "server": int}), None, QUICK)
    assert str(wrong) in seen.failed["program"]
    assert [each.path for each in seen.timed] == ["server"]
