import json
import threading
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc
import pytest
from safetensors.numpy import load, save

from mlplatform.errors import CorruptionError
from mlplatform.features import mlflow_model
from mlplatform.features.buckets import BUCKETS
from mlplatform.features.program import Predictor
from mlplatform.features.table import arrays
from mlplatform.train.export import export
from mlplatform.train.fit import fit
from mlplatform_tests.features import people

ULPS = 8  # A matrix product rounds differently at another batch size; 4 were seen.


@dataclass
class Folder:
    """Files in memory, where a lake would refuse a changed byte before the loader sees it."""

    content: dict[str, bytes]

    def read(self, name: str) -> bytes:
        """Return one file, unverified."""
        return self.content[name]


@pytest.fixture(scope="module")
def predictor(files):
    return Predictor.load(Folder(files))


def test_a_model_is_loaded_from_its_lake_artifact(lake, files, fitted):
    digest = lake.artifacts.put(files)
    loaded = Predictor.load(lake.artifacts.open(digest))
    assert loaded.encoder == fitted[1]
    assert loaded.predict_table(people.dataset(10)).shape == (10,)


def test_the_program_predicts_what_the_fitted_network_does(predictor, fitted):
    _, encoder, trained = fitted
    encoded = encoder.encode(people.dataset(300, seed=1))
    vectors, ids = people.program().columns(encoded)
    expected = trained.fitted.predict(trained.fitted.params, vectors.T, ids.T)
    np.testing.assert_array_max_ulp(predictor.predict(encoded), np.asarray(expected), maxulp=ULPS)


def test_the_programs_features_are_the_bits_of_the_features_table(predictor, fitted):
    _, encoder, _ = fitted
    vectors, ids, *_ = arrays(people.table(), encoder)
    _, *found = predictor.everything(encoder.encode(people.dataset()))
    assert found[0].tobytes() == vectors.tobytes()
    assert found[1].tobytes() == ids.tobytes()


def test_features_are_bitwise_and_predictions_within_ulps_at_any_batch_size(predictor):
    encoded = predictor.encoder.encode(people.dataset(300, seed=2))
    probability, vectors, ids = predictor.everything(encoded)
    assert probability.tobytes() == predictor.predict(encoded).tobytes()
    for rows in (1, 3, 17, 256):
        part = slice(5, 5 + rows)
        alone = predictor.everything(encoded[part])
        assert alone[1].tobytes() == vectors[part].tobytes()
        assert alone[2].tobytes() == ids[part].tobytes()
        np.testing.assert_array_max_ulp(alone[0], probability[part], maxulp=ULPS)


def test_no_batch_size_compiles_after_warming_up(files):
    predictor = Predictor.load(Folder(files))
    predictor.warm_up(rows=20)
    compiled = dict(predictor._runs.compiled)
    assert list(compiled) == [size for size in BUCKETS if size <= 64]
    for rows in range(65):
        assert predictor.predict_table(people.dataset(64).slice(0, rows)).shape == (rows,)
    assert predictor._runs.compiled == compiled


def test_threads_may_share_a_predictor(files):
    predictor = Predictor.load(Folder(files))
    table = people.dataset(200)
    expected = Predictor.load(Folder(files)).predict_table(table)
    wrong = []

    def serve(at: int) -> None:
        for row in range(at, 200, 8):
            found = predictor.predict_table(table.slice(row, 3))
            if not np.allclose(found, expected[row : row + 3], rtol=1e-5):
                wrong.append(row)

    threads = [threading.Thread(target=serve, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert list(predictor._runs.compiled) == [BUCKETS[0]]


def test_rows_with_nothing_known_get_a_probability(predictor):
    nothing = dict.fromkeys(predictor.encoder.columns)
    found = predictor.predict(predictor.encoder.encode_rows([nothing]))
    assert 0 < found[0] < 1


def test_the_parameters_are_in_one_file_only(files, fitted):
    """Others hold what they mean; the bytes are stored once."""
    params = fitted[2].fitted.params
    assert len(files["params.safetensors"]) < sum(a.nbytes for a in params.values()) + 1024
    assert params["hidden.0.weight"][0].tobytes() in files["params.safetensors"]
    assert params["hidden.0.weight"][0].tobytes() not in files["program.stablehlo"]


def test_the_program_takes_its_parameters_as_arguments(files):
    params = load(files["params.safetensors"])
    zero = save({name: np.zeros_like(array) for name, array in params.items()})
    changed = Predictor.load(Folder({**files, "params.safetensors": zero}))
    assert changed.predict_table(people.dataset(3)).tolist() == [0.5] * 3


def test_no_path_of_this_machine_is_in_the_files(files, root):
    for name, content in files.items():
        assert str(root).encode() not in content
        assert name in mlflow_model.FILES or b".py" not in content


def test_the_signature_tells_a_server_what_to_send(files):
    signature = json.loads(files["signature.json"])
    assert signature["inputs"][0] == {"name": "age", "type": "int64", "nullable": True}
    assert signature["platforms"] == ["cpu", "cuda"]
    assert signature["outputs"][0] == {
        "name": "probability",
        "dtype": "float32",
        "shape": ["rows"],
    }
    assert [output["name"] for output in signature["outputs"]] == ["probability", "vectors", "ids"]
    names = [tensor["name"] for tensor in signature["params"]]
    assert names == sorted(load(files["params.safetensors"]))


def test_loading_needs_neither_trainer_nor_declaration(fresh_python, files, tmp_path):
    """A server holds the artifact and nothing of the team's."""
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    program = (
        "import sys; from pathlib import Path\n"
        "from mlplatform.features.program import Predictor\n"
        "class Folder:\n"
        f"    def read(self, name): return (Path({str(tmp_path)!r}) / name).read_bytes()\n"
        "predictor = Predictor.load(Folder())\n"
        "rows = [dict.fromkeys(predictor.encoder.columns)]\n"
        "predictor.predict(predictor.encoder.encode_rows(rows))\n"
        "print([m for m in sys.modules if m.startswith(('optax', 'mlplatform.train'))])"
    )
    assert fresh_python(program) == "[]\n"


def changed(files: dict[str, bytes], name: str, old: str, new: str) -> dict[str, bytes]:
    text = files[name].decode()
    assert old in text
    return {**files, name: text.replace(old, new, 1).encode()}


def test_files_that_are_not_of_one_model_are_refused(files):
    params = load(files["params.safetensors"])
    wide = {**params, "output.bias": np.zeros(2, np.float32)}
    more = {**params, "extra": np.zeros(1, np.float32)}
    cases = {
        "params.safetensors cannot be read": {**files, "params.safetensors": b"12345678{}"},
        "output.bias is float32.2.; signature": {**files, "params.safetensors": save(wide)},
        "holds other names than": {**files, "params.safetensors": save(more)},
        "program.stablehlo cannot be read": {**files, "program.stablehlo": b"no program"},
        "features.json is not what": {**files, "features.json": b"{}"},
        "signature.json is not what": {**files, "signature.json": b"[]"},
        "does not describe features.json": changed(files, "signature.json", '"age"', '"aeg"'),
    }
    for said, content in cases.items():
        with pytest.raises(CorruptionError, match=said):
            Predictor.load(Folder(content))


def test_a_program_of_other_features_is_refused(files, fitted):
    """Equal signatures do not make equal programs: the shapes it takes are compared too."""
    _, encoder, trained = fitted
    params = {**trained.fitted.params, "hidden.0.weight": np.zeros((1, 1), np.float32)}

    def predict(params, vectors, ids):
        return vectors[:, 0] * params["hidden.0.weight"][0, 0]

    wider = replace(trained, fitted=replace(trained.fitted, params=params, predict=predict))
    other = export(wider, encoder, people.program().content)["program.stablehlo"]
    with pytest.raises(CorruptionError, match=r"program.stablehlo takes .*; the features say"):
        Predictor.load(Folder({**files, "program.stablehlo": other}))


def test_a_feature_program_of_other_features_is_refused(fitted):
    from mlplatform_tests.features import table_cases

    other = table_cases.function().program.content
    with pytest.raises(CorruptionError, match=r"features.stablehlo takes .*; the features say"):
        export(fitted[2], fitted[1], other)


def test_predictions_separate_the_classes(predictor):
    data = people.dataset(400, seed=9)
    found = predictor.predict_table(data)
    members = np.asarray(pc.equal(data["member"], "yes"))
    assert found[members].mean() > found[~members].mean() + 0.2


@pytest.mark.parametrize("task", people.OTHER_TASKS)
@pytest.mark.parametrize("family", ["linear", "mlp", "tabm"])
def test_models_of_every_task_answer_from_their_files(tmp_path, task, family):
    how = {"family": family, "epochs": 1, "batch_size": 64, "seed": 3}
    pipeline = people.pipeline(tmp_path, **people.OTHER_TASKS[task], model=how)
    table = people.labelled(pipeline)
    trained = fit(pipeline, table, people.encoder(), pipeline.spec.model)
    files = export(trained, people.encoder(), people.program().content)
    data = people.dataset(50, seed=4)
    vectors, ids = people.program().columns(people.encoder().encode(data))
    expected = np.asarray(trained.fitted.predict(trained.fitted.params, vectors.T, ids.T))
    found = Predictor.load(Folder(files)).predict_table(data)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("how", ["temperature", "isotonic"])
def test_calibration_is_a_part_of_the_program(tmp_path, how):
    pipeline = people.pipeline(tmp_path)
    model = pipeline.spec.model.model_copy(update={"calibration": how})
    encoder, table = people.features()
    trained = fit(pipeline, table, encoder, model)
    data = people.dataset(50, seed=4)
    vectors, ids = people.program().columns(encoder.encode(data))
    expected = np.asarray(trained.fitted.predict(trained.fitted.params, vectors.T, ids.T))
    files = export(trained, encoder, people.program().content)
    found = Predictor.load(Folder(files)).predict_table(data)
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    plain = Predictor.load(
        Folder(
            export(
                fit(pipeline, table, encoder, pipeline.spec.model),
                encoder,
                people.program().content,
            )
        )
    )
    assert (plain.predict_table(data) != found).any()


def test_the_manifest_says_how_the_model_came_about(files, fitted):
    says = json.loads(files["training.json"])
    assert says["model"]["family"] == "mlp"
    assert says["validation"] == dict(fitted[2].validation)
    assert says["reproducibility"]["seed"] == fitted[2].model.seed
    assert any("bit by bit" in line for line in says["reproducibility"]["reproducible"])
