"""The split: fair within chance, sticky, and monotone in the percentage."""

import math

from hypothesis import given
from hypothesis import strategies as st

from mlplatform.rollout.route import arm
from mlplatform.rollout.traffic import Model, TrafficState

keys = st.text(max_size=40)
percents = st.floats(0, 100)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)


def split(percent: float, digest: str = "c" * 64) -> TrafficState:
    return TrafficState(
        champion=Model(version=1, digest="a" * 64),
        canary=Model(version=2, digest=digest),
        canary_percent=percent,
    )


@given(percents, digests)
def test_the_canary_gets_its_share_within_chance(percent, digest):
    """5 standard deviations: one false alarm in 1.7 million draws."""
    rows, share = 2000, percent / 100
    got = sum(arm(f"request-{n}", split(percent, digest)) == "canary" for n in range(rows))
    assert abs(got - rows * share) <= 5 * math.sqrt(rows * share * (1 - share)) + 1


@given(keys, percents, digests)
def test_a_key_stays_with_its_arm(key, percent, digest):
    assert arm(key, split(percent, digest)) == arm(key, split(percent, digest))


@given(keys, percents, percents, digests)
def test_raising_the_percentage_takes_no_key_from_the_canary(key, one, other, digest):
    low, high = sorted((one, other))
    if arm(key, split(low, digest)) == "canary":
        assert arm(key, split(high, digest)) == "canary"


@given(keys, digests)
def test_none_at_zero_and_all_at_a_hundred(key, digest):
    assert arm(key, split(0, digest)) == "champion"
    assert arm(key, split(100, digest)) == "canary"


def test_another_canary_tries_other_keys():
    names = [f"request-{n}" for n in range(2000)]
    first = {n for n in names if arm(n, split(10, "b" * 64)) == "canary"}
    second = {n for n in names if arm(n, split(10, "c" * 64)) == "canary"}
    assert len(first & second) < 0.3 * len(first)


def test_without_a_canary_the_champion_answers():
    assert arm("key", TrafficState(champion=Model(version=1, digest="a" * 64))) == "champion"
