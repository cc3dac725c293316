"""Real servers: one as it should be, and copies of its code with one thing changed."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

import mlplatform
from mlplatform.cli.main import app
from mlplatform.gates.features import training_serving_skew
from mlplatform.lake import Lake
from mlplatform.monitor.compared import Compared
from mlplatform.monitor.skew import parity, parity_batch, parity_server
from mlplatform.serve.candidate import NAME, serving
from mlplatform.serve.client import PredictionError
from mlplatform.spec.feature_gates import SkewGate
from mlplatform_tests.cli.conftest import invoked
from mlplatform_tests.monitor import loans as of_loans

pytestmark = pytest.mark.slow
pytest_plugins = ["mlplatform_tests.monitor.loans"]

POLICY = SkewGate(max_rows=500)
# One thing each, put behind the code of a module of the copy that is served.
ANOTHER_CLOCK = """
def _local(instants, zone):
    return instants
"""
ANOTHER_FILL = """
_rows = Encoder.encode_rows
def _filled(self, rows):
    return _rows(self, [{**row, 'amount': row['amount'] or 0.0} for row in rows])
Encoder.encode_rows = _filled
"""
NO_ARTISTS = """
_rows = Encoder.encode_rows
def _refused(self, rows):
    if any(row['job'] == 'Art' for row in rows):
        raise FeatureError('row 0: no artists')
    return _rows(self, rows)
Encoder.encode_rows = _refused
"""
CLOCKS, ENCODER = "features/instants.py", "features/encoder.py"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder in which these servers share their compiled programs."""
    return tmp_path_factory.mktemp("xla")


@pytest.fixture(scope="module")
def sound(loans):
    """The model and the table it was trained on."""
    return Compared(loans.pipeline, loans.lake, loans.features, loans.digest)


def served(folder: Path, changes: Mapping[str, str]) -> dict[str, str]:
    """Copy the package, change it, and return the environment in which the copy is served."""
    package = Path(mlplatform.__file__).parent
    shutil.copytree(package, folder / "mlplatform", ignore=shutil.ignore_patterns("__pycache__"))
    for file, behind in changes.items():
        with (folder / "mlplatform" / file).open("a") as module:
            module.write(f"\n\n{behind}")
    return {"PYTHONPATH": str(folder)}


def test_a_skewed_copy_of_the_serving_code_is_caught_and_the_features_are_named(
    sound, compiled, tmp_path
):
    env = served(tmp_path, {CLOCKS: ANOTHER_CLOCK, ENCODER: ANOTHER_FILL})
    batch, server = parity(sound, max_rows=500, compile_cache=compiled, env=env)[:2]
    assert batch.different == 0
    assert server.rows == 500
    clock = {"asked__hour", "asked__day_sin", "asked__day_cos"}
    assert set(server.features) == {"amount__scaled", "amount__missing", *clock}
    verdict = training_serving_skew([batch, server], POLICY)
    assert not verdict.passed
    assert "feature values have other bits than in the feature table (asked__" in verdict.because
    assert "row 0: asked__day_sin is" in verdict.because


def test_a_server_that_refuses_a_row_that_trained_or_has_another_model_is_told(
    sound, compiled, tmp_path
):
    with serving(
        sound.lake.root,
        sound.digest,
        aggregates=sound.made.aggregates,
        compile_cache=compiled,
        env=served(tmp_path, {ENCODER: NO_ARTISTS}),
    ) as url:
        seen = parity_server(sound, url, model=NAME, max_rows=500)
        other = replace(sound, digest=another(sound))
        with pytest.raises(
            PredictionError, match=r"answers, not .*; name the model that is served"
        ):
            parity_server(other, url, model=NAME, max_rows=5)
    assert "is refused by server: 422: row 0: no artists" in seen.worst
    assert seen.different == len(sound.names)
    assert not training_serving_skew([parity_batch(sound), seen], POLICY).passed


def another(sound: Compared) -> str:
    """Return the digest of the same files and one more."""
    artifact = sound.lake.artifacts.open(sound.digest)
    names = ("program.stablehlo", "params.safetensors", "features.json", "signature.json")
    return sound.lake.artifacts.put({**{n: artifact.read(n) for n in names}, "more": b""})


@pytest.fixture
def checkout(loans, tmp_path, monkeypatch):
    """A checkout with a lake of its own, the working directory; returns the lake."""
    for name in ("definitions.py", "workspace.yaml"):
        (tmp_path / name).touch()
    folder = tmp_path / "pipelines" / of_loans.NAME
    folder.mkdir(parents=True)
    spec = {"type": "assets.MLPipeline", "attributes": of_loans.SPEC}
    (folder / "defs.yaml").write_text(json.dumps(spec))
    shutil.copytree(loans.lake.root, tmp_path / ".mlplatform" / "lake")
    monkeypatch.chdir(tmp_path)
    return Lake(tmp_path / ".mlplatform" / "lake")


def test_the_command_passes_for_table_batch_and_server_of_the_same_bits(loans, checkout):
    shown = invoked(app, "skew", of_loans.NAME, "--model", loans.digest[:12])
    assert shown.exit_code == 0
    assert "pass: every feature has the same bits as in the feature table" in shown.stdout
    assert "600 rows by batch, 600 rows by server" in shown.stdout


def test_the_command_fails_where_a_stored_value_has_another_bit(loans, checkout):
    table = checkout.table("loans/features")
    rows = table.read(loans.features)
    ids = rows["job__id"].to_numpy().copy()
    ids[17] += 1
    at = rows.schema.get_field_index("job__id")
    features = table.overwrite(
        rows.set_column(at, "job__id", pa.array(ids)), loans.features.lineage
    )
    inputs = {**loans.model.lineage.inputs, features.table: features.reference}
    who = replace(loans.model.lineage, inputs=inputs, recipe="again")
    checkout.table("loans/model").overwrite(pa.table({"model_digest": [loans.digest]}), who)
    shown = invoked(app, "skew", "loans", "--model", loans.digest, "--rows", "40", "--json")
    assert shown.exit_code == 1
    said = json.loads(shown.stdout)
    assert said["verdict"]["outcome"] == "fail"
    assert [one["features"] for one in said["paths"][:1]] == [{"job__id": 1}]
    assert said["paths"][1]["rows"] == 40
