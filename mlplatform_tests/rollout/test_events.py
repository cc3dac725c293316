"""The deployment table: append-only, exactly once, and one winner of a race."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from mlplatform.errors import ConcurrentWriteError
from mlplatform.lake import Lake, Lineage
from mlplatform.rollout import Kind, Model, events, plan

AT = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
WHO = Lineage(asset="census/deployment", run_id="test", code_version="test")
A, B, C = (Model(version=n, digest=letter * 64) for n, letter in enumerate("abc", start=1))


def deploy(model, by="test", percent=10.0):
    return lambda now: plan.deploy(now, model, percent, by=by, reason="new model", at=AT)


@pytest.fixture
def table(tmp_path):
    return Lake(tmp_path).table("census/deployment")


def test_events_are_read_back_as_they_were_recorded(table):
    first, _ = events.commit(table, deploy(A), WHO)
    second, _ = events.commit(table, deploy(B), WHO)
    assert events.read(table) == [first, second]
    assert (first.kind, second.kind, second.at) == (Kind.DEPLOYED, Kind.CANARY, AT)


def test_any_past_state_can_be_shown(table):
    events.commit(table, deploy(A), WHO)
    first = table.latest()
    events.commit(table, deploy(B), WHO)
    assert events.traffic(table, first).canary is None
    assert events.traffic(table).canary == B


def test_before_the_first_deployment_nobody_answers(table):
    assert events.read(table) == []
    assert events.traffic(table).champion is None


def test_a_decision_that_changes_nothing_adds_no_version(table):
    events.commit(table, deploy(A), WHO)
    event, traffic = events.commit(table, deploy(A), WHO)
    assert (event, traffic.champion) == (None, A)
    assert table.latest().number == 0


def test_an_event_appended_again_under_its_token_is_there_once(table):
    event = deploy(A)(events.traffic(table))
    versions = [events.append(table, event, WHO, "run-1") for _ in range(3)]
    assert len({version.number for version in versions}) == 1
    assert events.read(table) == [event]


def test_of_promotions_sent_at_the_same_time_one_is_recorded(table):
    events.commit(table, deploy(A), WHO)
    events.commit(table, deploy(B), WHO)

    def race(racer: int) -> object:
        promote = lambda now: plan.promote(now, by=f"racer {racer}", reason="good", at=AT)  # noqa: E731
        try:
            return events.commit(table, promote, WHO)[0]
        except plan.RolloutError as lost:
            return str(lost)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(race, range(4)))
    won = [each for each in outcomes if not isinstance(each, str)]
    assert len(won) == 1
    assert events.read(table)[-1] == won[0]
    assert events.traffic(table).champion == B


def test_of_models_deployed_at_the_same_time_each_is_recorded_once(table):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda model: events.commit(table, deploy(model), WHO), (A, B, C)))
    recorded = [event.model for event in events.read(table)]
    assert sorted(model.version for model in recorded) == [1, 2, 3]
    assert events.traffic(table).champion == recorded[0]


def test_a_decider_that_always_comes_second_gives_up_with_one_line(table, monkeypatch):
    monkeypatch.setattr(events, "ATTEMPTS", 2)

    def slow(now):
        other = C if now.champion is None or now.canary == B else B
        events.commit(table, deploy(other, percent=len(events.read(table))), WHO)
        return deploy(A, percent=50)(now)

    with pytest.raises(ConcurrentWriteError, match="2 other deployments were first"):
        events.commit(table, slow, WHO)
