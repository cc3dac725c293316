"""Any tool of MLflow loads and scores a registered model, from verified bytes, and leaves the lake as it was."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mlplatform.errors import CorruptionError, FeatureError, LakeError
from mlplatform.features import mlflow_model
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import NumberInput, TimeInput, VectorInput, VocabularyInput
from mlplatform.features.program import Predictor
from mlplatform.features.signature import described
from mlplatform.lake import Lake
from mlplatform.registry import backend
from mlplatform.registry.folder import Folder
from mlplatform.registry.mlflow_index import MlflowIndex
from mlplatform_tests.features import people
from mlplatform_tests.models import LABELS, exported_model
from mlplatform_tests.registry.conftest import registered
from mlplatform_tests.registry.test_hostile import told_a_pickle, torn

ROWS = 40


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    return Lake(tmp_path_factory.mktemp("registry") / "lake")


@pytest.fixture(scope="module")
def digests(lake) -> dict[str, str]:
    program = people.program().content
    return {
        task: lake.artifacts.put(exported_model(people.encoder(), program, label))
        for task, label in LABELS.items()
    }


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return people.dataset(ROWS).select(["age", "income", "rooms", "city"]).to_pandas()


@pytest.fixture(scope="module")
def mlflow(store, lake, digests):
    """MLflow with a model of each task, its champion."""
    for task, digest in digests.items():
        record = registered(1, model_digest=digest)
        MlflowIndex(store).sync(task, [record], {"champion": digest}, lake.artifacts.uri)
    module = backend.load()
    module.set_tracking_uri(store)
    module.set_registry_uri(store)
    yield module
    module.set_tracking_uri(None)
    module.set_registry_uri(None)


def folder_of(lake: Lake, digest: str) -> Path:
    return Path(lake.artifacts.open(digest).uri)


@pytest.mark.parametrize("task", LABELS)
def test_mlflow_scores_a_champion_as_the_server_does(mlflow, lake, digests, frame, task):
    model = mlflow.pyfunc.load_model(f"models:/{task}@champion")
    found = model.predict(frame)
    predictor = Predictor.load(lake.artifacts.open(digests[task]))
    expected = predictor.predict_table(people.dataset(ROWS))
    assert tuple(found.columns) == predictor.predicts.columns
    assert found.to_numpy().tobytes() == expected.reshape(ROWS, -1).tobytes()
    assert found.index.equals(frame.index)


def test_mlflow_writes_nothing_into_the_lake(mlflow, lake, digests):
    before = sorted(folder_of(lake, digests["binary"]).iterdir())
    mlflow.pyfunc.load_model("models:/binary@champion")
    mlflow.artifacts.download_artifacts("models:/binary@champion")
    assert sorted(folder_of(lake, digests["binary"]).iterdir()) == before
    lake.artifacts.open(digests["binary"]).require_nothing_else()


def test_the_schema_is_mlflows_own_and_names_every_column(mlflow, lake, digests):
    model = mlflow.models.Model.load(str(folder_of(lake, digests["binary"])))
    told = model.signature.to_dict()
    assert [column["name"] for column in json.loads(told["inputs"])] == [
        *("age", "income", "rooms", "city"),
    ]
    assert json.loads(told["outputs"])[0]["name"] == "probability"
    assert model.metadata["columns"] == people.encoder().columns
    assert model.flavors["python_function"]["model_code_path"] == mlflow_model.CODE


def test_the_schema_takes_every_type_of_column(mlflow):
    inputs = (
        NumberInput(column="whole", type="int64"),
        NumberInput(column="share", type="float64"),
        NumberInput(column="flag", type="bool"),
        VocabularyInput(column="word", type="string", vocabulary=("a",)),
        TimeInput(column="at", timezone="UTC"),
        VectorInput(column="point", size=2),
    )
    specs = mlflow_model.columns(Encoder(inputs=inputs))
    schema = mlflow.types.Schema.from_json(json.dumps(specs))
    types = {spec.name: str(spec.type).lower() for spec in schema.inputs}
    assert types["whole"].startswith("any")
    assert [types[name] for name in ("share", "flag", "word", "at")] == [
        *("datatype.double", "datatype.boolean", "datatype.string", "datatype.datetime"),
    ]
    assert schema.input_dict()["point"].required is False


def test_missing_values_and_whole_floats_are_taken(mlflow, lake, digests):
    model = mlflow.pyfunc.load_model("models:/binary@champion")
    rows = {"age": [30.0, None], "income": [1e4, None], "rooms": [None, 2], "city": ["Rome", None]}
    expected = pa.table(
        {
            "age": pa.array([30, None], pa.int64()),
            "income": pa.array([1e4, None]),
            "rooms": pa.array([None, 2], pa.int64()),
            "city": ["Rome", None],
        }
    )
    predictor = Predictor.load(lake.artifacts.open(digests["binary"]))
    found = model.predict(pd.DataFrame(rows))["probability"].to_numpy()
    np.testing.assert_array_equal(found, predictor.predict_table(expected))


def test_a_value_that_does_not_fit_is_named_by_row_and_column(mlflow, frame):
    model = mlflow.pyfunc.load_model("models:/binary@champion")
    wrong = frame.assign(age=frame["age"].astype(float).where(frame.index != 3, 30.5))
    with pytest.raises(FeatureError, match="row 3: column 'age': not a whole number"):
        model.predict(wrong)
    with pytest.raises(Exception, match=r"missing inputs \['city'\]"):
        model.predict(frame.drop(columns="city"))
    with pytest.raises(FeatureError, match="column 'rooms' is missing"):
        model.unwrap_python_model().predict(None, frame.drop(columns="rooms"))


def test_the_files_of_mlflow_hold_no_time_and_no_random_id():
    encoder, other = people.encoder(), people.encoder()
    signed = described(encoder, (), "0.10.2", _predicts())
    assert mlflow_model.mlflow_files(encoder, signed) == mlflow_model.mlflow_files(other, signed)
    assert set(mlflow_model.mlflow_files(encoder, signed)) == set(mlflow_model.FILES)
    text = mlflow_model.mlflow_files(encoder, signed)["MLmodel"].decode()
    assert "uuid" not in text
    assert "time_created" not in text


def _predicts():
    from mlplatform.features.predicts import Predicts

    return Predicts.of(LABELS["binary"])


@pytest.mark.parametrize("name", ["params.safetensors", "manifest.json"])
def test_a_changed_byte_is_refused_whichever_way_mlflow_comes(
    mlflow, lake, digests, tmp_path, name
):
    damaged = Lake(tmp_path / "lake")
    shutil.copytree(lake.root, damaged.root)
    digest = digests["binary"]
    file = folder_of(damaged, digest) / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    record = registered(1, model_digest=digest)
    pipeline = f"damaged-{name.replace('.', '-').lower()}"
    MlflowIndex(mlflow.get_tracking_uri()).register(pipeline, record, str(file.parent))
    with pytest.raises(Exception, match="is damaged: expected"):
        mlflow.pyfunc.load_model(f"models:/{pipeline}/1")
    with pytest.raises(CorruptionError, match="is damaged"):
        Folder.verified(file.parent)


@pytest.mark.parametrize("attack", ["code", "pickle"])
def test_mlflow_gets_no_code_that_nobody_registered(mlflow, lake, digests, tmp_path, attack):
    """A version of MLflow names an artifact that did not come through `register`; nothing of it runs."""
    files = lake.artifacts.open(digests["binary"]).contents()
    del files["manifest.json"]
    ran = tmp_path / "ran"
    if attack == "code":
        files["mlflow_model.py"] = f"open({str(ran)!r}, 'w')\n".encode() + files["mlflow_model.py"]
    else:
        files = told_a_pickle(files) | {"training.json": torn(ran)}
    digest = lake.artifacts.put(files)
    record = registered(1, model_digest=digest)
    MlflowIndex(mlflow.get_tracking_uri()).register(attack, record, lake.artifacts.uri(digest))
    with pytest.raises(Exception, match=r"is not what an export writes|is not the code"):
        mlflow.pyfunc.load_model(f"models:/{attack}/1")
    assert not ran.exists()


def test_a_moved_lake_is_named_by_the_environment(mlflow, lake, digests, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(lake.root, elsewhere)
    gone = f"/nowhere/_artifacts/{digests['binary']}"
    record = registered(1, model_digest=digests["binary"])
    MlflowIndex(mlflow.get_tracking_uri()).register("moved", record, gone)
    with pytest.raises(Exception, match="there is no artifact"):
        mlflow.pyfunc.load_model("models:/moved/1")
    monkeypatch.setenv("MLPLATFORM_LAKE", str(elsewhere))
    assert mlflow.pyfunc.load_model("models:/moved/1").metadata.signature is not None


def test_a_folder_with_more_or_less_than_its_manifest_is_refused(lake, digests, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(folder_of(lake, digests["binary"]), copy)
    assert "MLmodel" in Folder.verified(copy).names
    (copy / "registered_model_meta").write_text("model_name: people\n")  # MLflow's own.
    assert Folder.verified(copy).read("features.json")
    (copy / "sitecustomize.py").write_text("raise SystemExit")
    with pytest.raises(CorruptionError, match=r"holds 'sitecustomize\.py', which its manifest"):
        Folder.verified(copy)
    (copy / "sitecustomize.py").unlink()
    (copy / "features.json").unlink()
    with pytest.raises(CorruptionError, match=r"features\.json is missing"):
        Folder.verified(copy)
    with pytest.raises(LakeError, match="has no file 'x'"):
        Folder(copy, {}).read("x")
    shutil.rmtree(copy)
    with pytest.raises(CorruptionError, match=r"manifest\.json is missing"):
        Folder.verified(copy)
