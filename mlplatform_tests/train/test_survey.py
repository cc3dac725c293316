"""What is known of a streamed version before its first step, against the same rows in memory."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.errors import FeatureError, TrainingError
from mlplatform.train.data import prepare
from mlplatform.train.groups import groups_of
from mlplatform.train.stream import streamed
from mlplatform.train.survey import survey
from mlplatform.train.weights import weighted
from mlplatform_tests.features import people
from mlplatform_tests.train.versions import committed, of_task


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "quantiles"])
def test_what_a_stream_knows_is_what_memory_knows(task, tmp_path, lake):
    pipeline, table = of_task(task, tmp_path)
    version = committed(lake, table, 100)
    memory = prepare(pipeline, table, people.encoder())
    stream = streamed(pipeline, groups_of(lake, version, people.encoder()))
    assert stream.rows == memory.rows
    assert stream.shape == memory.shape
    assert stream.notes == ()
    for ours, theirs in zip(
        (*stream.validation, *stream.sample), (*memory.validation, *memory.train), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(stream.scale, memory.scale, rtol=1e-6)


@pytest.mark.parametrize("wanted", ["none", "balanced", {"young": 3.0}])
@pytest.mark.parametrize("task", ["multiclass", "binary", "regression"])
def test_rows_weigh_the_same(task, wanted, tmp_path, lake):
    if task != "multiclass" and wanted != "none":
        wanted = "balanced" if task == "binary" else "none"
    pipeline, table = of_task(task, tmp_path, class_weights=wanted)
    version, label = committed(lake, table, 100), pipeline.spec.label
    memory = weighted(prepare(pipeline, table, people.encoder()), label, pipeline.spec.model)
    stream = weighted(
        streamed(pipeline, groups_of(lake, version, people.encoder())), label, pipeline.spec.model
    )
    found = stream.of_groups(list(range(6)))
    np.testing.assert_allclose(found.weights, memory.train.weights, rtol=1e-6)
    np.testing.assert_array_equal(found.vectors, memory.train.vectors)


def test_too_many_validation_rows_are_thinned_evenly_and_that_is_said(tmp_path, lake):
    pipeline, table = of_task("binary", tmp_path)
    version = committed(lake, table, 70)
    memory = prepare(pipeline, table, people.encoder())
    found = survey(pipeline, groups_of(lake, version, people.encoder()), memory.shape, judged=50)
    np.testing.assert_array_equal(found.validation.vectors, memory.validation.vectors[::3])
    assert found.notes == ("validated on every 3. of 120 validation rows, which stream past",)


def column(table: pa.Table, name: str, values) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, name, pa.array(values, table.schema.field(name).type))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: column(t, "part", ["test"] * len(t)), "people: no train rows; see `split`"),
        (
            lambda t: t.filter(pc.not_equal(t["part"], "validation")),
            "people: no validation rows; see `split`",
        ),
        (
            lambda t: column(t, "label", [0] * len(t)),
            "all 360 train rows are of class 0 .*; two are",
        ),
        (
            lambda t: t.drop_columns(people.encoder().id_names[0]),
            "the feature table lacks",
        ),
    ],
)
def test_rows_that_cannot_teach_are_refused_as_in_memory(change, said, tmp_path, lake):
    pipeline, table = of_task("binary", tmp_path)
    version = committed(lake, change(table), 100)
    with pytest.raises((TrainingError, FeatureError), match=said):
        streamed(pipeline, groups_of(lake, version, people.encoder()))
    with pytest.raises((TrainingError, FeatureError), match=said):
        prepare(pipeline, change(table), people.encoder())


def test_a_class_without_training_rows_is_refused(tmp_path, lake):
    pipeline, table = of_task("multiclass", tmp_path)
    version = committed(lake, column(table, "label", [0, 1] * 300), 100)
    with pytest.raises(TrainingError, match="no training row is of the class 'old'"):
        streamed(pipeline, groups_of(lake, version, people.encoder()))


def test_features_that_are_all_constant_are_refused(tmp_path, lake):
    pipeline, table = of_task("binary", tmp_path)
    for name in (*people.encoder().vector_names, *people.encoder().id_names):
        table = column(table, name, [1] * len(table))
    with pytest.raises(TrainingError, match="every feature is constant over the 360 training"):
        streamed(pipeline, groups_of(lake, committed(lake, table, 100), people.encoder()))
