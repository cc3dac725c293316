"""How far a training is, in numbers and in words."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mlplatform.train.progress import Pace, Progress, Rate, Terminal, lasting, line

spans = st.lists(st.floats(min_value=1e-3, max_value=1e4), min_size=1, max_size=20)


def test_the_epoch_that_compiles_does_not_count_once_there_is_another() -> None:
    pace = Pace.start(epochs=10, rows=1000, steps=4, epoch=0, now=50.0)
    assert pace.progress({}).eta_seconds is None
    first = pace.mark(1, 59.0).progress({})
    assert (first.eta_seconds, first.seconds) == (81.0, 9.0)
    second = pace.mark(1, 59.0).mark(2, 60.0).progress({"train_loss": 0.5})
    assert second == Progress(
        epoch=2,
        epochs=10,
        step=8,
        steps=40,
        seconds=10.0,
        rows_a_second=1000.0,
        eta_seconds=8.0,
        metrics={"train_loss": 0.5},
    )


def test_a_resumed_training_counts_what_is_left_and_times_only_its_own_epochs() -> None:
    pace = Pace.start(epochs=10, rows=1000, steps=4, epoch=7, now=0.0).mark(8, 5.0).mark(9, 7.0)
    progress = pace.progress({})
    assert (progress.epoch, progress.step, progress.eta_seconds) == (9, 36, 2.0)


def test_epochs_told_of_together_took_equally_long() -> None:
    pace = Pace.start(epochs=9, rows=10, steps=1, epoch=0, now=0.0).mark(1, 8.0).mark(5, 12.0)
    assert pace.epoch_seconds == 1.0


@given(spans)
def test_what_is_left_falls_to_nothing_with_the_last_epoch(took: list[float]) -> None:
    pace = Pace.start(epochs=len(took), rows=5, steps=1, epoch=0, now=0.0)
    now = 0.0
    for epoch, seconds in enumerate(took, 1):
        now += seconds
        pace = pace.mark(epoch, now)
        left = pace.progress({}).eta_seconds
        assert left is not None
        assert left >= 0
        assert min(took) * 0.99 <= pace.epoch_seconds <= max(took) * 1.01  # type: ignore[operator]
    assert left == 0


def test_a_clock_that_stands_still_gives_no_rate_and_no_error() -> None:
    progress = Pace.start(epochs=2, rows=5, steps=1, epoch=0, now=3.0).mark(1, 3.0).progress({})
    assert progress.rows_a_second is None
    assert line(progress) == "epoch 1/2  0 s left"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (245, "4 min 5 s"), (8000, "2 h 13 min")],
)
def test_time_is_told_as_people_do(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_a_line_has_metrics_speed_and_what_is_left() -> None:
    progress = Progress(
        epoch=3,
        epochs=12,
        step=30,
        steps=120,
        seconds=9,
        rows_a_second=412_345,
        eta_seconds=9,
        metrics={"train_loss": 0.31274, "validation_loss": 0.3},
    )
    assert line(progress) == (
        "epoch 3/12  train_loss 0.3127  validation_loss 0.3  412k rows/s  9 s left"
    )


def test_a_rate_lets_the_first_through_and_then_one_each_span() -> None:
    now = [0.0]
    rate = Rate(10, clock=lambda: now[0])
    said = []
    for second in range(0, 31, 4):
        now[0] = float(second)
        if rate.due():
            said.append(second)
    assert said == [0, 12, 24]


def told(*, terminal: bool) -> str:
    out = io.StringIO()
    with Terminal(Console(file=out, force_terminal=terminal, width=100)) as teller:
        pace = Pace.start(epochs=30, rows=10, steps=1, epoch=0, now=0.0)
        for epoch in range(1, 31):
            pace = pace.mark(epoch, float(epoch))
            teller(pace.progress({"train_loss": 1 / epoch}))
    return out.getvalue()


def test_without_a_terminal_there_is_a_line_now_and_then_and_one_in_the_end() -> None:
    lines = told(terminal=False).splitlines()
    assert [said.split("  ")[0] for said in lines] == ["epoch 1/30", "epoch 30/30"]


def test_in_a_terminal_a_bar_moves_and_is_gone_afterwards() -> None:
    said = told(terminal=True)
    assert "epoch 30/30" in said
    assert said.endswith("\x1b[2K")
