"""Labels of three tasks, and weights: as numbers, or refused by row, column and value."""

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import FeatureError
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.engine import Local
from mlplatform.features.labels import columns, fields, labels, truth, weight_of, weights
from mlplatform.features.labels import reads as label_reads
from mlplatform.features.table import arrays, build, reads
from mlplatform.spec.label import Label
from mlplatform_tests.features import people

BINARY = Label(column="y", positive="yes")
MULTI = Label(column="y", task="multiclass", classes=["low", "mid", "high"])
NUMBER = Label(column="y", task="regression", weight="w")


def batch(**values) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(values)


@pytest.mark.parametrize(
    ("label", "values", "expected", "kind"),
    [
        (BINARY, ["yes", "no", "maybe"], [1, 0, 0], pa.int8()),
        (MULTI, ["high", "low", "mid", "high"], [2, 0, 1, 2], pa.int32()),
        (NUMBER, [1.5, -2.0, 0.0], [1.5, -2.0, 0.0], pa.float32()),
        (NUMBER, [3, -4], [3.0, -4.0], pa.float32()),
        (
            Label(column="y", task="multiclass", classes=["1", "0"]),
            [0, 1, 1],
            [1, 0, 0],
            pa.int32(),
        ),
        (Label(column="y", task="multiclass", classes=["false", "true"]), [True], [1], pa.int32()),
    ],
)
def test_a_label_is_a_class_or_a_number_by_its_task(label, values, expected, kind):
    found = labels(label, batch(y=values))
    assert found.type == kind == fields(label)[0].type
    assert found.to_pylist() == expected
    assert (
        truth(label, pa.table({"y": pa.chunked_array([values, values])})).tolist() == expected * 2
    )


@pytest.mark.parametrize("label", [BINARY, MULTI])
def test_a_dictionary_of_texts_is_read_as_the_texts(label):
    texts = pa.array(["mid", "low", "mid"] if label is MULTI else ["yes", "no", "yes"])
    coded = pa.RecordBatch.from_arrays([texts.dictionary_encode()], ["y"])
    assert labels(label, coded).equals(labels(label, batch(y=texts)))


@pytest.mark.parametrize(
    ("label", "values", "said"),
    [
        (BINARY, ["yes", None], "row 11: the label 'y' is missing; drop or label the row"),
        (MULTI, ["low", "huge"], "row 11: the label 'y' is 'huge', none of label.classes: low, mid, high"),
        (NUMBER, [1.0, float("nan")], "row 11: the label 'y' is nan, which no float32 holds as a finite"),
        (NUMBER, [1.0, float("inf")], "row 11: the label 'y' is inf"),
        (NUMBER, [1.0, 1e300], r"row 11: the label 'y' is 1e\+300"),
        (NUMBER, ["7", "8"], "row 10: the label 'y' is no number but string; declare"),
    ],
)  # fmt: skip
def test_a_label_that_fits_no_class_and_no_number_is_named(label, values, said):
    with pytest.raises(FeatureError, match=said):
        labels(label, batch(y=values), first_row=10)


def test_a_value_of_a_dictionary_that_no_row_has_is_no_mistake():
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), ["low", "huge"])
    assert labels(MULTI, pa.RecordBatch.from_arrays([coded], ["y"])).to_pylist() == [0, 0]
    coded = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), ["low", "huge"])
    with pytest.raises(FeatureError, match="row 1: the label 'y' is 'huge'"):
        labels(MULTI, pa.RecordBatch.from_arrays([coded], ["y"]))


def test_of_many_classes_only_the_first_are_told():
    many = Label(column="y", task="multiclass", classes=[str(n) for n in range(1000)])
    with pytest.raises(FeatureError, match=r"none of label\.classes: 0, 1, .*, 19 and 980 more$"):
        labels(many, batch(y=["x"]))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, None], "row 11: the weight 'w' is missing; weigh or drop the row"),
        ([1.0, -0.5], "row 11: the weight 'w' is -0.5; 0 is the least"),
        ([1.0, float("nan")], "row 11: the weight 'w' is nan"),
        ([1.0, float("inf")], "row 11: the weight 'w' is inf"),
        (["1", "2"], "row 10: the weight 'w' is no number but string"),
    ],
)
def test_a_weight_that_is_no_weight_is_named(values, said):
    with pytest.raises(FeatureError, match=said):
        weights(NUMBER, batch(w=values), first_row=10)


def test_rows_weigh_what_is_declared_and_else_the_same():
    rows = pa.table({"y": [1.0, 2.0], "w": [0, 3]})
    assert weight_of(NUMBER, rows).tolist() == [0.0, 3.0]
    assert weight_of(BINARY, rows).tolist() == [1.0, 1.0]
    assert [one.type for one in columns(NUMBER, rows.to_batches()[0])] == [pa.float32()] * 2


@pytest.mark.parametrize(
    ("task", "kinds"),
    [("multiclass", ["int32"]), ("regression", ["float", "float"]), ("quantiles", ["float"])],
)
def test_a_table_has_the_label_of_its_task_and_the_weights(tmp_path, task, kinds):
    made = people.pipeline(tmp_path, **people.OTHER_TASKS[task])
    data = people.dataset(80)
    table = build(
        made,
        people.encoder(),
        people.program(),
        data.to_batches(30),
        people.split(data).to_batches(),
    ).read_all()
    names = ["label", "weight"][: len(kinds)]
    assert table.column_names[: 2 + len(kinds)] == ["row_id", "part", *names]
    assert [str(table.schema.field(name).type) for name in names] == kinds
    function = BatchFunction(people.encoder(), people.program())
    assert set(label_reads(made.spec.label)) <= set(reads(made, function, Local()))
    vectors, ids, found, weigh = arrays(table, people.encoder())
    assert len(vectors) == len(ids) == 80
    assert found.tolist() == truth(made.spec.label, data).tolist()
    assert found.dtype == (np.int32 if task == "multiclass" else np.float32)
    assert weigh.tolist() == weight_of(made.spec.label, data).tolist()
