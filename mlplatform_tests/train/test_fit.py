import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.errors import FeatureError, TrainingError
from mlplatform.train import trainer
from mlplatform.train.data import prepare
from mlplatform.train.fit import fit
from mlplatform_tests.features import people

ELSEWHERE = """
import hashlib, tempfile
from pathlib import Path
from mlplatform.train.export import export
from mlplatform.train.fit import fit
from mlplatform_tests.features import people
pipeline = people.pipeline(Path(tempfile.mkdtemp()))
encoder, table = people.features()
trained = fit(pipeline, table, encoder, pipeline.spec.model)
for name, content in sorted(export(trained, encoder, people.program().content).items()):
    print(name, hashlib.sha256(content).hexdigest())
"""


@pytest.fixture
def made(tmp_path):
    return people.pipeline(tmp_path)


def column(table: pa.Table, name: str, values) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, name, pa.array(values, table.schema.field(name).type))


def test_two_processes_make_the_same_bytes(fresh_python):
    """Parameters and program: equal inputs must give an equal content address."""
    assert fresh_python(ELSEWHERE) == fresh_python(ELSEWHERE)


def test_the_seed_decides_weights_and_order(made, fitted):
    encoder, table = people.features()
    model = made.spec.model
    same = fit(made, table, encoder, model)
    other = fit(made, table, encoder, model.model_copy(update={"seed": 1}))
    for name, kept in fitted[2].params.items():
        assert same.params[name].tobytes() == kept.tobytes()
    assert (other.params["output.weight"] != same.params["output.weight"]).any()


def test_an_id_that_no_training_row_has_adds_nothing(fitted):
    """Most combinations of a cross never train; chance must not speak for them."""
    _, encoder, trained = fitted
    rows = people.table().filter(pc.equal(people.table()["part"], "train"))
    assert encoder.id_sizes[-1] > 20
    first = 0
    for name, size in zip(encoder.id_names, encoder.id_sizes, strict=True):
        seen = set(rows[name].to_pylist())
        for at in range(size):
            assert trained.params["embedding"][first + at].any() == (at in seen), (name, at)
        first += size


def test_what_the_labels_tell_is_learnt(fitted):
    assert fitted[2].validation["auc"] > 0.85
    assert fitted[2].history["train_loss"][-1] < fitted[2].history["train_loss"][0]


def test_the_parameters_of_the_best_epoch_are_kept(made):
    """With a rate this high the last epochs overfit, so the best one is another."""
    encoder, table = people.features(rows=200)
    hard = made.spec.model.model_copy(update={"epochs": 40, "learning_rate": 0.2, "dropout": 0})
    trained = fit(made, table, encoder, hard)
    losses = trained.history["validation_loss"]
    validation = prepare(made, table, encoder).validation
    kept = trainer.measure(dict(trained.params), validation, trained.net)
    assert trained.best_epoch < 40
    assert trained.best_epoch == np.argmin(losses) + 1
    assert float(kept.validation_loss) == pytest.approx(min(losses), rel=1e-5)
    assert trained.validation["log_loss"] == min(losses)


def test_test_rows_change_nothing(made, fitted):
    encoder, table = people.features()
    tested = pc.equal(table["part"], "test")
    flipped = pc.if_else(
        tested, pc.subtract(pa.scalar(1, pa.int8()), table["label"]), table["label"]
    )
    trained = fit(made, column(table, "label", flipped.to_pylist()), encoder, made.spec.model)
    for name, kept in fitted[2].params.items():
        assert trained.params[name].tobytes() == kept.tobytes()


def test_rates_and_dropout_share_one_compiled_program(made, fitted):
    encoder, table = people.features()
    before = trainer.train._cache_size()
    for update in ({"learning_rate": 0.002}, {"weight_decay": 0.1}, {"dropout": 0.4}, {"seed": 7}):
        trained = fit(made, table, encoder, made.spec.model.model_copy(update=update))
        assert (trained.params["output.weight"] != fitted[2].params["output.weight"]).any()
    assert trainer.train._cache_size() == before


def test_a_batch_larger_than_the_table_is_the_table(made):
    encoder, table = people.features(rows=40)
    trained = fit(made, table, encoder, made.spec.model.model_copy(update={"batch_size": 4096}))
    assert len(trained.history["train_loss"]) == 3


def test_a_loss_that_is_not_finite_names_its_epoch(made):
    encoder, table = people.features()
    wild = made.spec.model.model_copy(update={"learning_rate": 1e25})
    with pytest.raises(
        TrainingError, match=r"loss is (nan|inf) in epoch 1 of 3; lower model.learn"
    ):
        fit(made, table, encoder, wild)


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"dropout": 1.0}, r"people: model.dropout is 1.0; it must be below 1"),
        ({"seed": -1}, r"people: model.seed is -1; it must not be negative"),
    ],
)
def test_a_setting_that_cannot_train_is_refused(made, update, said):
    encoder, table = people.features(rows=40)
    with pytest.raises(TrainingError, match=said):
        fit(made, table, encoder, made.spec.model.model_copy(update=update))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: column(t, "part", ["test"] * len(t)), "people: no train rows; see `split`"),
        (
            lambda t: t.filter(pc.not_equal(t["part"], "validation")),
            "people: no validation rows; see `split`",
        ),
        (lambda t: column(t, "label", [0] * len(t)), "all 60 train rows are of class 0; two cl"),
        (lambda t: column(t, "label", [1] * len(t)), "class 1; .*label.positive is 'yes'"),
    ],
)
def test_rows_that_cannot_teach_are_refused(made, change, said):
    encoder, table = people.features(rows=100)
    with pytest.raises(TrainingError, match=said):
        fit(made, change(table), encoder, made.spec.model)


def test_features_that_are_all_constant_are_refused(made):
    encoder, table = people.features(rows=100)
    names = (*encoder.vector_names, *encoder.id_names)
    for name in names:
        table = column(table, name, [1] * len(table))
    with pytest.raises(TrainingError, match="every feature is constant over the 60 training rows"):
        fit(made, table, encoder, made.spec.model)
    with pytest.raises(FeatureError, match="lacks"):
        fit(made, table.drop_columns(names[0]), encoder, made.spec.model)
