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
from mlplatform.monitor.skew import parity_batch, parity_server
from mlplatform.serve.candidate import NAME, serving
from mlplatform.serve.client import PredictionError
from mlplatform.spec.feature_gates import SkewGate
from mlplatform_tests.cli.conftest import invoked
from mlplatform_tests.monitor import loans as of_loans

pytestmark = pytest.mark.slow

POLICY = SkewGate()
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
NO_ANSWER = """
_sound = Encoder.encode_rows
def _refused(self, rows):
    if any(row['score'] == {score!r} for row in rows):
        raise FeatureError('row 0: no answer')
    return _sound(self, rows)
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
    """A time zone that is left out, another fill, and a row that trained and is refused: the last."""
    refuses = NO_ANSWER.format(score=of_loans.rows()["score"][-1].as_py())
    env = served(tmp_path, {CLOCKS: ANOTHER_CLOCK, ENCODER: ANOTHER_FILL + refuses})
    with serving(
        sound.lake.root,
        sound.digest,
        aggregates=sound.made.aggregates,
        compile_cache=compiled,
        env=env,
    ) as url:
        server = parity_server(sound, url, model=NAME, max_rows=40)
        other = replace(sound, digest=another(sound))
        with pytest.raises(
            PredictionError, match=r"answers, not .*; name the model that is served"
        ):
            parity_server(other, url, model=NAME, max_rows=1)
    assert server.rows == 40
    times = {"asked__hour", "asked__day_sin", "asked__day_cos"}
    wrong = {name for name, rows in server.features.items() if rows > 1}
    assert wrong == {"amount__scaled", "amount__missing", *times}
    assert set(server.features) == set(sound.names)  # Of the row that was refused all.
    assert server.examples[0] == {"row_id": 599, "refused": "422: row 0: no answer"}
    verdict = training_serving_skew([parity_batch(sound), server], POLICY)
    assert not verdict.passed
    assert "have other bits than in the feature table (asked__" in verdict.because
    assert "row 599 is refused by server: 422: row 0: no answer" in verdict.because
    assert any(row.get("feature") == "asked__day_sin" for row in verdict.evidence["examples"])


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
    server = said["paths"][1]
    assert (server["path"], server["rows"], server["features"]) == ("server", 40, {})
    assert 0 <= server["ulps"] <= 8
