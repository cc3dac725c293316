import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.errors import FeatureError, TrainingError
from mlplatform.spec.families import MODEL, Custom, Linear, Mlp, NumericEmbedding, TabM
from mlplatform.spec.label import Label
from mlplatform.train import trainer
from mlplatform.train.calibrate import predictions
from mlplatform.train.data import prepare
from mlplatform.train.fit import fit
from mlplatform.train.measure import measure
from mlplatform.train.nets import network
from mlplatform.train.network import plan_of
from mlplatform.train.reproducible import streams
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


def same(one, other) -> bool:
    return all(a.tobytes() == other.params[n].tobytes() for n, a in one.params.items())


def test_two_processes_make_the_same_bytes(fresh_python):
    """Parameters and program: equal inputs must give an equal content address."""
    assert fresh_python(ELSEWHERE) == fresh_python(ELSEWHERE)


def test_the_seed_decides_weights_and_order(made, fitted):
    encoder, table = people.features()
    model = made.spec.model
    assert same(fit(made, table, encoder, model).fitted, fitted[2].fitted)
    other = fit(made, table, encoder, model.model_copy(update={"seed": 1}))
    assert not same(other.fitted, fitted[2].fitted)


def test_an_id_that_no_training_row_has_adds_nothing(fitted):
    """Most combinations of a cross never train; chance must not speak for them."""
    _, encoder, trained = fitted
    rows = people.table().filter(pc.equal(people.table()["part"], "train"))
    assert encoder.id_sizes[-1] > 20
    first = 0
    for name, size in zip(encoder.id_names, encoder.id_sizes, strict=True):
        seen = set(rows[name].to_pylist())
        for at in range(size):
            learnt = trained.fitted.params["embedding"][first + at].any()
            assert learnt == (at in seen), (name, at)
        first += size


@pytest.mark.parametrize(
    "model",
    [
        Linear(epochs=6, batch_size=16, learning_rate=0.05),
        Mlp(hidden=[8], epochs=6, batch_size=16, learning_rate=0.02),
        TabM(hidden=[8], members=4, epochs=6, batch_size=16, learning_rate=0.02),
    ],
    ids=lambda model: model.family,
)
def test_every_family_learns_what_the_labels_tell(made, model):
    encoder, table = people.features()
    trained = fit(made, table, encoder, model)
    assert trained.validation["auc"] > 0.85
    assert trained.fitted.history["train_loss"][-1] < trained.fitted.history["train_loss"][0]


@pytest.mark.parametrize(
    ("label", "metric", "most"),
    [
        (
            {"column": "kind", "task": "multiclass", "classes": ["young", "middle", "old"]},
            "log_loss",
            0.95,
        ),
        ({"column": "spending", "task": "regression"}, "rmse", 20),
        ({"column": "spending", "task": "regression", "quantiles": [0.1, 0.5, 0.9]}, "pinball", 6),
    ],
    ids=["multiclass", "regression", "quantiles"],
)
@pytest.mark.parametrize("family", ["linear", "mlp", "tabm"])
def test_every_kind_of_label_is_learnt(tmp_path, label, metric, most, family):
    pipeline = people.pipeline(tmp_path, label=label, columns=people.COLUMNS)
    how = {"family": family, "epochs": 15, "batch_size": 16, "learning_rate": 0.02}
    model = people.pipeline(tmp_path, model=how).spec.model
    trained = fit(pipeline, people.labelled(pipeline), people.encoder(), model)
    assert trained.validation[metric] < most
    assert next(iter(trained.validation)) == metric
    assert (
        trained.fitted.task
        == prepare(pipeline, people.labelled(pipeline), people.encoder()).shape.task
    )


def test_the_parameters_of_the_best_epoch_are_kept(made):
    """With a rate this high the last epochs overfit, so the best one is another."""
    encoder, table = people.features(rows=200)
    hard = made.spec.model.model_copy(update={"epochs": 40, "learning_rate": 0.2, "dropout": 0})
    trained = fit(made, table, encoder, hard)
    losses = trained.fitted.history["validation_loss"]
    rows = prepare(made, table, encoder).validation
    kept = measure(trained.fitted.task, predictions(trained.fitted, rows), rows)
    assert trained.fitted.best < 40
    assert trained.fitted.best == np.argmin(losses) + 1
    assert float(kept["loss"]) == pytest.approx(min(losses), rel=1e-5)
    assert trained.validation["log_loss"] == pytest.approx(min(losses), rel=1e-5)


def test_patience_ends_a_training_that_no_longer_improves(made):
    encoder, table = people.features(rows=200)
    update = {"epochs": 60, "learning_rate": 0.2, "early_stopping": 4}
    trained = fit(made, table, encoder, made.spec.model.model_copy(update=update))
    epochs = len(trained.fitted.history["validation_loss"])
    assert epochs < 60
    assert epochs == trained.fitted.best + 4


def test_the_moving_average_is_what_predicts(made):
    """Also on a table of few steps: the first parameters are forgotten in time."""
    encoder, table = people.features()
    slow = fit(made, table, encoder, made.spec.model.model_copy(update={"average": 0.9999}))
    plain = fit(made, table, encoder, made.spec.model)
    assert not same(slow.fitted, plain.fitted)
    assert slow.validation["log_loss"] < plain.validation["log_loss"] + 0.1
    assert slow.fitted.history["train_loss"] == plain.fitted.history["train_loss"]


def test_clipped_gradients_move_parameters_no_further_than_they_may(made):
    encoder, table = people.features()
    how = {"optimizer": "sgd", "learning_rate": 1.0, "weight_decay": 0.0, "epochs": 1}
    model = made.spec.model.model_copy(update={**how, "gradient_clip": 1e-3})
    trained = fit(made, table, encoder, model).fitted
    start = network(made, model, prepare(made, table, encoder).shape).init(
        streams(0).weights, prepare(made, table, encoder).train
    )
    moved = np.sqrt(sum(((trained.params[n] - a) ** 2).sum() for n, a in start.params.items()))
    assert 0 < moved <= 1e-3 * trained.spent["steps"]
    assert trained.history["gradient_norm"][0] > 1e-3


def test_balanced_classes_shift_probabilities_to_the_rare_one(made):
    encoder, table = people.features()
    rare = pc.and_(pc.equal(table["label"], 1), pc.less(table["row_id"], 480))
    table = table.filter(pc.invert(rare))
    model = made.spec.model
    plain = fit(made, table, encoder, model)
    balanced = fit(made, table, encoder, model.model_copy(update={"class_weights": "balanced"}))
    rows = prepare(made, table, encoder).validation
    shift = predictions(balanced.fitted, rows).mean() - predictions(plain.fitted, rows).mean()
    assert shift > 0.1


def test_rows_without_weight_teach_nothing(tmp_path, made):
    """Their labels are turned round, and the model does not notice."""
    encoder, table = people.features()
    odd = np.arange(len(table)) % 2 == 1
    turned = pc.if_else(odd, pc.subtract(pa.scalar(1, pa.int8()), table["label"]), table["label"])
    weighed = table.append_column("weight", pa.array(np.where(odd, 0, 1).astype(np.float32)))
    one = fit(made, weighed, encoder, made.spec.model)
    other = fit(made, column(weighed, "label", turned.to_pylist()), encoder, made.spec.model)
    assert same(one.fitted, other.fitted)


def test_test_rows_change_nothing(made, fitted):
    encoder, table = people.features()
    tested = pc.equal(table["part"], "test")
    flipped = pc.if_else(
        tested, pc.subtract(pa.scalar(1, pa.int8()), table["label"]), table["label"]
    )
    trained = fit(made, column(table, "label", flipped.to_pylist()), encoder, made.spec.model)
    assert same(trained.fitted, fitted[2].fitted)


def test_rates_and_dropout_share_one_compiled_program(made, fitted):
    encoder, table = people.features()
    before = trainer.segment._cache_size()
    updates = [{"learning_rate": 0.002}, {"weight_decay": 0.1}, {"dropout": 0.4}, {"seed": 7}]
    updates += [{"label_smoothing": 0.1}, {"warmup_epochs": 1.0}]
    for update in updates:
        trained = fit(made, table, encoder, made.spec.model.model_copy(update=update))
        assert not same(trained.fitted, fitted[2].fitted)
    assert trainer.segment._cache_size() == before


def test_a_training_without_dropout_draws_no_noise(made, fitted):
    """Noise is a tenth of a small network's time; a team's own network may want it all the same."""
    encoder, table = people.features()
    shape = prepare(made, table, encoder).shape
    plans = [
        plan_of(network(made, model, shape), shape.task, model, 360, 16)
        for model in (Mlp(dropout=0.0), Mlp(dropout=0.1), Linear())
    ]
    assert [plan.noisy for plan in plans] == [False, True, False]
    assert plan_of(plans[0].net, shape.task, Custom(), 360, 16).noisy


def test_a_batch_larger_than_the_table_is_the_table(made):
    encoder, table = people.features(rows=40)
    trained = fit(made, table, encoder, made.spec.model.model_copy(update={"batch_size": 4096}))
    assert len(trained.fitted.history["train_loss"]) == 3


def test_a_loss_that_is_not_finite_names_its_epoch(made):
    encoder, table = people.features()
    wild = made.spec.model.model_copy(update={"learning_rate": 1e25})
    said = (
        r"people: the (train loss|gradient's norm) is (nan|inf) in epoch \d of 3.*lower model.learn"
    )
    with pytest.raises(TrainingError, match=said):
        fit(made, table, encoder, wild)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: column(t, "part", ["test"] * len(t)), "people: no train rows; see `split`"),
        (
            lambda t: t.filter(pc.not_equal(t["part"], "validation")),
            "people: no validation rows; see `split`",
        ),
        (lambda t: column(t, "label", [0] * len(t)), "all 60 train rows are of class 0 "),
        (lambda t: column(t, "label", [1] * len(t)), "class 1 .label.positive is 'yes'.; two are"),
    ],
)
def test_rows_that_cannot_teach_are_refused(made, change, said):
    encoder, table = people.features(rows=100)
    with pytest.raises(TrainingError, match=said):
        fit(made, change(table), encoder, made.spec.model)


def test_a_class_whose_rows_weigh_nothing_is_none(made):
    encoder, table = people.features()
    weights = pc.cast(pc.equal(table["label"], 0), pa.float32())
    with pytest.raises(TrainingError, match=r"all 360 train rows are of class 0"):
        fit(made, table.append_column("weight", weights), encoder, made.spec.model)


def test_numbers_that_float32_cannot_tell_apart_are_refused(tmp_path):
    pipeline = people.pipeline(tmp_path, label={"column": "spending", "task": "regression"})
    table = people.labelled(pipeline)
    far = pc.add(pc.cast(table["label"], pa.float64()), 1.7e9)
    with pytest.raises(TrainingError, match=r"varies by .* around 1.7e.09, which float32 cannot"):
        fit(
            pipeline,
            column(table, "label", far.cast(pa.float32()).to_pylist()),
            people.encoder(),
            pipeline.spec.model,
        )


def test_a_loss_beyond_float32_is_no_model(tmp_path):
    pipeline = people.pipeline(tmp_path, label={"column": "spending", "task": "regression"})
    table = people.labelled(pipeline)
    huge = pc.multiply(table["label"], pa.scalar(1e25, pa.float32()))
    trees = MODEL.validate_python({"family": "gbdt", "trees": 5})
    with pytest.raises(TrainingError, match=r"the validation rmse is (inf|nan)"):
        fit(pipeline, column(table, "label", huge.to_pylist()), people.encoder(), trees)


def test_calibration_tells_what_the_model_was_before_it(made):
    """It is fitted on the rows it is measured by."""
    encoder, table = people.features()
    plain = fit(made, table, encoder, made.spec.model)
    model = made.spec.model.model_copy(update={"calibration": "isotonic"})
    trained = fit(made, table, encoder, model)
    assert plain.uncalibrated is None
    assert trained.uncalibrated == plain.validation
    assert trained.summary()["uncalibrated_log_loss"] == plain.validation["log_loss"]


def test_a_class_without_a_training_row_is_refused(tmp_path):
    """Whatever the test holds, it could never be predicted."""
    label = {
        "column": "kind",
        "task": "multiclass",
        "classes": ["young", "middle", "old", "ancient"],
    }
    pipeline = people.pipeline(tmp_path, label=label, columns=people.COLUMNS)
    with pytest.raises(TrainingError, match=r"no training row is of the class 'ancient'; drop it"):
        fit(pipeline, people.labelled(pipeline), people.encoder(), pipeline.spec.model)


def test_features_that_are_all_constant_are_refused(made):
    encoder, table = people.features(rows=100)
    names = (*encoder.vector_names, *encoder.id_names)
    for name in names:
        table = column(table, name, [1] * len(table))
    with pytest.raises(TrainingError, match="every feature is constant over the 60 training rows"):
        fit(made, table, encoder, made.spec.model)
    with pytest.raises(FeatureError, match="lacks"):
        fit(made, table.drop_columns(names[0]), encoder, made.spec.model)


def test_an_unknown_optimizer_is_told_with_the_known_ones(made):
    encoder, table = people.features()
    with pytest.raises(TrainingError, match=r"model.optimizer 'adamm' is unknown; known: .*adamw"):
        fit(made, table, encoder, Mlp(optimizer="adamm"))


def test_a_numeric_embedding_is_a_part_of_any_network(made):
    encoder, table = people.features()
    for kind in ("piecewise_linear", "periodic"):
        form = NumericEmbedding(kind=kind, bins=5, width=3)
        model = Mlp(hidden=[8], epochs=8, batch_size=16, learning_rate=0.02, numeric=form)
        assert fit(made, table, encoder, model).validation["auc"] > 0.8


def test_labels_are_declared_with_what_their_task_needs():
    with pytest.raises(ValueError, match=r"label.task is 'multiclass'; set label.classes"):
        Label(column="y", task="multiclass")
