"""Training on rows that stream from the lake."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.errors import LakeError, TrainingError
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.families import MODEL
from mlplatform.train import load, shuffle, stream
from mlplatform.train.around import Around
from mlplatform.train.data import Data
from mlplatform.train.fit import Trained, fit_version
from mlplatform.train.groups import groups_of
from mlplatform.train.nets import network
from mlplatform.train.network import prepared
from mlplatform.train.reproducible import streams
from mlplatform.train.shuffle import Order
from mlplatform.train.stream import Stream, Streamed, streamed
from mlplatform.train.task import Shape, Task
from mlplatform.train.trainer import Plan
from mlplatform.train.windows import windows
from mlplatform_tests.features import people
from mlplatform_tests.train.versions import WHO, committed, of_task

BATCH = 16


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Make buffers of 100 rows and windows of 4 batches, so that few rows show what many would."""
    monkeypatch.setattr(shuffle, "BUFFER_ROWS", 100)
    encoder = people.encoder()
    shape = Shape(len(encoder.vector_names), encoder.id_sizes, Task("binary"))
    monkeypatch.setattr(stream, "WINDOW_BYTES", 4 * BATCH * stream.row_bytes(shape))


@pytest.fixture
def version(lake: Lake) -> Version:
    """The features of people in 20 groups."""
    return committed(lake, people.table(), 30)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return of_task("binary", tmp_path, input="stream")[0]


@pytest.fixture
def data(lake, version, pipeline) -> Streamed:
    return streamed(pipeline, groups_of(lake, version, people.encoder()))


def given(pipeline: Pipeline, data: Streamed, number: int = 0) -> list[np.ndarray]:
    """Return the vectors of each window from one on."""
    plan, order = planned(pipeline, data)
    found = windows(data.of_groups, data.shape, order, number, plan)
    return [np.asarray(window.vectors) for window in found]


def planned(pipeline: Pipeline, data: Streamed) -> tuple[Plan, Order]:
    """Return the programs of the pipeline's training, and the order of its rows."""
    model = pipeline.spec.model
    plan = prepared("people", network(pipeline, model, data.shape), data, model, BATCH).plan
    return plan, Stream(data, streams(0)).order


def rows_of(windows: list[np.ndarray]) -> set[bytes]:
    return {row.tobytes() for window in windows for row in window.reshape(-1, window.shape[-1])}


def fitted(
    lake: Lake, version: Version, pipeline: Pipeline, around: Around | None = None
) -> Trained:
    return fit_version(pipeline, lake, version, people.encoder(), pipeline.spec.model, around)


def bits(trained: Trained) -> dict[str, bytes]:
    return {name: np.asarray(array).tobytes() for name, array in trained.fitted.params.items()}


def test_an_epoch_is_a_permutation_of_the_training_rows(pipeline, data):
    """360 rows are 22 batches of 16, in windows of 2; what is left over comes in another epoch."""
    found = given(pipeline, data)
    each = len(found) // 3
    assert {window.shape[:2] for window in found} == {(found[0].shape[0], BATCH)}
    assert found[0].shape[0] <= 4
    memory = [np.concatenate([data.groups.rows(at, "train")[0].vectors for at in range(20)])[None]]
    for epoch in range(3):
        mine = found[epoch * each : (epoch + 1) * each]
        assert sum(window.shape[0] for window in mine) == 22
        assert rows_of(mine) <= rows_of(memory)
    assert any(
        (one != other).any()
        for one, other in zip(found[:each], found[each : 2 * each], strict=True)
    )


def test_no_row_is_given_twice_in_an_epoch(pipeline, data, monkeypatch):
    """Rows are told apart by a number in the place of their label's weight."""
    plain = Streamed.of_groups

    def numbered(self, groups):
        rows = plain(self, groups)
        first = {at: sum(self.labels.counts[:at]) for at in groups}
        numbers = [first[at] + np.arange(self.labels.counts[at]) for at in groups]
        return rows._replace(weights=np.concatenate(numbers).astype(np.float32))

    monkeypatch.setattr(Streamed, "of_groups", numbered)
    plan, order = planned(pipeline, data)
    found = list(windows(data.of_groups, data.shape, order, 0, plan))
    for epoch in range(3):
        mine = found[epoch * plan.segments : (epoch + 1) * plan.segments]
        numbers = np.concatenate([np.asarray(window.weights).ravel() for window in mine])
        assert len(numbers) == len(set(numbers.tolist())) == 352


@pytest.mark.parametrize("number", [1, 5, 11, 20, 32])
def test_a_window_is_the_same_whatever_came_before(number, pipeline, data):
    whole = given(pipeline, data)
    assert number < len(whole)
    rest = given(pipeline, data, number)
    assert len(rest) == len(whole) - number
    for ours, theirs in zip(rest, whole[number:], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_buffers_are_read_one_ahead_and_no_further(pipeline, data):
    read = []
    plan, order = planned(pipeline, data)

    def counted(groups):
        read.append(groups)
        return data.of_groups(groups)

    found = windows(counted, data.shape, order, 0, plan)
    next(found)
    assert len(read) <= 2
    found.close()


def test_a_stream_learns_what_the_labels_tell(lake, version, pipeline):
    trained = fitted(lake, version, pipeline)
    assert trained.validation["auc"] > 0.85
    in_memory = pipeline.spec.model.model_copy(update={"input": "memory"})
    other = fit_version(pipeline, lake, version, people.encoder(), in_memory)
    assert trained.validation["log_loss"] == pytest.approx(other.validation["log_loss"], abs=0.03)


@pytest.mark.parametrize("task", ["multiclass", "regression", "quantiles"])
def test_every_task_streams(task, lake, tmp_path):
    pipeline, table = of_task(task, tmp_path, input="stream")
    trained = fitted(lake, committed(lake, table, 50), pipeline)
    assert trained.fitted.history["train_loss"][-1] < trained.fitted.history["train_loss"][0]


def test_two_streamed_trainings_have_equal_bits(lake, version, pipeline):
    assert bits(fitted(lake, version, pipeline)) == bits(fitted(lake, version, pipeline))


class KilledError(Exception):
    """Ends a training where the test wants."""


@pytest.mark.parametrize("after", [0, 1])
def test_a_training_that_ended_in_an_epoch_goes_on_to_the_same_bits(
    after, lake, version, pipeline, tmp_path, monkeypatch
):
    undisturbed = bits(fitted(lake, version, pipeline))
    plain, calls = Stream.advance, []

    def killing(self, number, *rest):
        if not calls and number == 13 + after:
            calls.append(number)
            raise KilledError
        return plain(self, number, *rest)

    monkeypatch.setattr(Stream, "advance", killing)
    around = Around(
        checkpoints=tmp_path / "kept", identity="a", every_seconds=0, on_note=calls.append
    )
    with pytest.raises(KilledError):
        fitted(lake, version, pipeline, around)
    assert bits(fitted(lake, version, pipeline, around)) == undisturbed
    assert any("going on after" in str(note) for note in calls)


def test_test_rows_change_nothing(lake, version, pipeline):
    table = people.table()
    tested = pc.equal(table["part"], "test")
    for name in ("label", people.encoder().vector_names[0]):
        kind = table.schema.field(name).type
        other = pc.if_else(tested, pa.scalar(9, kind), table[name])
        table = table.set_column(table.schema.get_field_index(name), name, other)
    changed = lake.table("people/features").overwrite(table.slice(0, 0), WHO)
    for at in range(0, table.num_rows, 30):
        changed = lake.table(changed.table).append(table.slice(at, 30), WHO, token=f"other {at}")
    assert bits(fitted(lake, version, pipeline)) == bits(fitted(lake, changed, pipeline))


def test_a_file_that_went_away_is_one_clear_error(lake, version, pipeline, data):
    for file in lake.table(version.table).files(version):
        Path(file.removeprefix("file://")).unlink()
    with pytest.raises(LakeError, match=r"read .*part-.*parquet"):
        given(pipeline, data)


def test_auto_streams_what_takes_more_than_a_share_of_memory(monkeypatch, lake, version, pipeline):
    model = MODEL.validate_python({"family": "mlp"})
    read = lambda: load.load(pipeline, lake, version, people.encoder(), model)  # noqa: E731
    assert isinstance(read(), Data)
    monkeypatch.setattr(load, "SHARE", 1e-12)
    assert isinstance(read(), Streamed)
    model = MODEL.validate_python({"family": "mlp", "input": "memory"})
    assert isinstance(read(), Data)


def test_trees_do_not_stream(monkeypatch):
    trees = {"family": "gbdt"}
    monkeypatch.setattr(load, "SHARE", 0)
    assert not load.streams(MODEL.validate_python(trees), 1)
    blend = {"family": "blend", "members": {"a": trees, "b": {"family": "mlp"}}}
    assert not load.streams(MODEL.validate_python(blend), 1)
    blend["members"]["b"]["input"] = "stream"
    with pytest.raises(TrainingError, match="trees need all rows in memory"):
        load.streams(MODEL.validate_python(blend), 1)
