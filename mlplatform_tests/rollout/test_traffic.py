"""The traffic state is a function of the events, and the plan says what to record next."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.rollout.plan import RolloutError, deploy, promote, rollback
from mlplatform.rollout.traffic import Event, Kind, Model, TrafficState, state

AT = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = (Model(version=n, digest=letter * 64) for n, letter in enumerate("abc", start=1))
WHO = {"by": "test", "reason": "because", "at": AT}

events = st.builds(
    lambda kind, model, percent: Event(
        kind=kind, model_digest=model.digest, model_version=model.version, percent=percent, **WHO
    ),
    st.sampled_from(Kind),
    st.sampled_from([A, B, C]),
    st.floats(0, 100),
)


def after(*wishes) -> TrafficState:
    """Return the state after carrying out wishes such as `(A, 10)`, `promote` and `rollback`."""
    done: list[Event] = []
    for wish in wishes:
        now = state(done)
        event = wish(now, **WHO) if callable(wish) else deploy(now, *wish, **WHO)
        done += [event] if event else []
    return state(done)


def test_the_first_model_gets_all_traffic():
    now = after((A, 10))
    assert (now.champion, now.canary, now.canary_percent) == (A, None, 0)


def test_a_later_model_becomes_a_canary_and_the_champion_stays():
    now = after((A, 10), (B, 10))
    assert (now.champion, now.canary, now.canary_percent) == (A, B, 10)


def test_deploying_what_is_live_changes_nothing():
    live = after((A, 10), (B, 10))
    assert deploy(live, A, 10, **WHO) is None
    assert deploy(live, B, 10, **WHO) is None


def test_a_canary_deployed_with_another_percentage_moves_to_it():
    assert after((A, 10), (B, 10), (B, 50)).canary_percent == 50


def test_a_promoted_canary_is_champion_and_the_old_champion_is_previous():
    now = after((A, 10), (B, 10), promote)
    assert (now.champion, now.canary, now.previous) == (B, None, A)


def test_a_rollback_ends_the_canary_first():
    now = after((A, 10), (B, 10), rollback)
    assert (now.champion, now.canary) == (A, None)
    assert now.withdrawn == {B.digest: "because"}


def test_a_rollback_without_a_canary_returns_to_the_previous_champion():
    now = after((A, 10), (B, 10), promote, rollback)
    assert (now.champion, now.previous) == (A, None)


def test_a_model_that_was_rolled_back_returns_only_when_asked_for_again():
    now = after((A, 10), (B, 10), rollback)
    assert deploy(now, B, 10, **WHO) is None
    assert deploy(now, B, 10, again=True, **WHO).kind is Kind.CANARY


def test_a_model_deployed_again_is_no_longer_withdrawn():
    event = deploy(after((A, 10), (B, 10), rollback), B, 10, again=True, **WHO)
    assert state([*_history(), event]).withdrawn == {}


def test_promoting_without_a_canary_says_so():
    with pytest.raises(RolloutError, match="no canary is on trial"):
        promote(after((A, 10)), **WHO)


def test_rolling_back_the_only_model_says_so():
    with pytest.raises(RolloutError, match="neither a canary nor an earlier champion"):
        rollback(after((A, 10)), **WHO)


@pytest.mark.parametrize("percent", [-1, 100.5, float("nan")])
def test_a_percentage_outside_0_to_100_is_refused(percent):
    with pytest.raises(RolloutError, match="expected 0 to 100"):
        deploy(TrafficState(), A, percent, **WHO)


def test_a_second_promotion_of_the_same_canary_changes_nothing():
    before = [deploy(TrafficState(), A, 10, **WHO)]
    before.append(deploy(state(before), B, 10, **WHO))
    once = promote(state(before), **WHO)
    assert state([*before, once, once]) == state([*before, once])


def test_a_promotion_that_comes_after_the_rollback_changes_nothing():
    """Of a rollback and a promotion decided at the same time, the first one recorded counts."""
    before = _history()
    late = promote(after((A, 10), (B, 10)), **WHO)
    assert state([*before, late]) == state(before)


@given(st.lists(events, max_size=12))
def test_any_history_leaves_a_state_that_can_serve(history):
    """A canary only beside another champion, a percentage only with a canary, never no champion again."""
    now = state(history)
    assert now.canary is None or now.champion not in (None, now.canary)
    assert now.canary is not None or now.canary_percent == 0
    if any(event.kind is Kind.DEPLOYED for event in history):
        assert now.champion is not None


@given(st.lists(events, max_size=12), st.sampled_from([A, B, C]), st.floats(0, 100))
def test_deploying_twice_is_deploying_once(history, model, percent):
    first = deploy(state(history), model, percent, again=True, **WHO)
    then = state([*history, *([first] if first else [])])
    assert deploy(then, model, percent, again=True, **WHO) is None


def _history() -> list[Event]:
    done = [deploy(TrafficState(), A, 10, **WHO)]
    done.append(deploy(state(done), B, 10, **WHO))
    return [*done, rollback(state(done), **WHO)]
