"""Inside a segment nothing moves between host and device; JAX's transfer guard proves it."""

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest

from mlplatform.lake import Lake
from mlplatform.train import trainer
from mlplatform.train.feed import InMemory
from mlplatform.train.load import load
from mlplatform.train.loop import Course
from mlplatform.train.nets import network
from mlplatform.train.network import prepared
from mlplatform.train.stream import Stream
from mlplatform_tests.features import people
from mlplatform_tests.train.versions import committed, of_task

Make = Callable[[str], Course]


@pytest.fixture
def course(tmp_path: Path, lake: Lake) -> Make:
    """Makes a training that reads rows in one of the two ways."""
    version = committed(lake, people.table(), 100)

    def make(reads: str) -> Course:
        pipeline, _ = of_task("binary", tmp_path, input=reads, gradient_clip=1.0, average=0.9)
        model = pipeline.spec.model
        data = load(pipeline, lake, version, people.encoder(), model)
        return prepared("people", network(pipeline, model, data.shape), data, model, 16)

    return make


@pytest.mark.parametrize("reads", ["memory", "stream"])
def test_steps_and_judging_transfer_nothing(reads, course):
    made = course(reads)
    state = made.state
    with jax.transfer_guard("disallow"):
        for number in range(made.plan.segments * 2):
            state, taken = made.feed.advance(number, state, made.seeds, made.hyper, made.plan)
        state, measured = trainer.judge(state, made.validation, plan=made.plan)
    assert np.isfinite(jax.device_get((*taken, measured["loss"]))).all()
    assert int(state.step) == made.plan.steps * 2


def judges(made: Course) -> None:
    trainer.judge(made.state, jax.device_get(made.validation), plan=made.plan)


def hands_over_batches(made: Course) -> None:
    batches = jax.tree.map(lambda a: np.asarray(a)[None, :16], made.validation)
    trainer.window(made.state, batches, made.seeds, made.hyper, plan=made.plan)


def changes_a_setting(made: Course) -> None:
    hyper = jax.device_get(made.hyper)
    trainer.segment(made.state, made.feed.rows, made.seeds, hyper, plan=made.plan)


def trains_on_rows_of_the_host(made: Course) -> None:
    rows = jax.device_get(made.feed.rows)
    trainer.segment(made.state, rows, made.seeds, made.hyper, plan=made.plan)


@pytest.mark.parametrize(
    "task", [judges, hands_over_batches, changes_a_setting, trains_on_rows_of_the_host]
)
def test_an_array_of_the_host_is_stopped(task, course):
    """The proof is worth something only if the guard would have spoken."""
    made = course("memory")
    said = "Disallowed host-to-device transfer"
    with pytest.raises(Exception, match=said), jax.transfer_guard("disallow"):
        task(made)


@pytest.mark.parametrize("reads", ["memory", "stream"])
def test_no_program_calls_back_to_the_host(reads, course):
    made = course(reads)
    assert isinstance(made.feed, InMemory if reads == "memory" else Stream)
    rest = made.seeds, made.hyper
    if reads == "memory":
        lowered = trainer.segment.lower(made.state, made.feed.rows, *rest, plan=made.plan)
    else:
        like = jax.tree.map(
            lambda a: jax.ShapeDtypeStruct((made.plan.segment_steps, 16, *a.shape[1:]), a.dtype),
            made.validation,
        )
        lowered = trainer.window.lower(made.state, like, *rest, plan=made.plan)
    programs = (lowered, trainer.judge.lower(made.state, made.validation, plan=made.plan))
    for program in programs:
        text = program.compile().as_text()
        assert not [word for word in ("infeed", "outfeed", "callback") if word in text]
