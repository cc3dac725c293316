"""`mlplatform predict`: files and tables scored as the server scores their rows, all or none."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from mlplatform.cli.main import app
from mlplatform.errors import PlatformError
from mlplatform.features.aggregates import SqliteStore, fill_rows
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import VectorInput
from mlplatform.features.state import WideState
from mlplatform.ingest import parquet
from mlplatform.lake import Lake, Lineage
from mlplatform.monitor.bits import ulps
from mlplatform.rollout import Model, events, plan
from mlplatform.serve.models import load
from mlplatform_tests.cli.conftest import invoked
from mlplatform_tests.monitor import loans as of_loans
from mlplatform_tests.serve.conftest import exported_of

ULPS = 8  # That a matrix product rounds otherwise in another batch.
ASKED = ["asked", "customer", "amount", "score", "job"]
Predict = Callable[..., pa.Table]


@pytest.fixture(scope="module")
def root(loans, tmp_path_factory) -> Path:
    """A checkout with a copy of the lake of loans."""
    root: Path = tmp_path_factory.mktemp("checkout")
    for name in ("definitions.py", "workspace.yaml"):
        (root / name).touch()
    folder = root / "pipelines" / of_loans.NAME
    folder.mkdir(parents=True)
    source = {"kind": "csv", "files": ["loans.csv"], "missing": ["", "?"]}
    attributes = {**of_loans.SPEC, "source": source, "key": ["customer"]}
    spec = {"type": "assets.MLPipeline", "attributes": attributes}
    (folder / "defs.yaml").write_text(json.dumps(spec))
    shutil.copytree(loans.lake.root, root / ".mlplatform" / "lake")
    return root


@pytest.fixture
def lake(root: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The lake of that checkout, which is the working directory."""
    monkeypatch.chdir(root)
    return Lake(root / ".mlplatform" / "lake")


@pytest.fixture
def predict(lake: Lake, loans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Scores an input with the model of loans, Parquet in several batches; returns the output."""
    monkeypatch.setattr(parquet, "BATCH_ROWS", 32)

    def run(what: object, output: str = "out.parquet", *words: str) -> pa.Table:
        path = tmp_path / output
        done = invoked(
            app, "predict", "loans", what, "--output", path, "--model", loans.digest, *words
        )
        assert done.exit_code == 0, done.output
        return pq.read_table(path) if path.suffix == ".parquet" else pcsv.read_csv(path)

    return run


@pytest.fixture(scope="module")
def served(loans, tmp_path_factory) -> Callable[[pa.Table], np.ndarray]:
    """What the server's own code answers to JSON rows, each in a request of its own."""
    model = load(loans.lake, Model(version=0, digest=loans.digest), 1)
    store = SqliteStore(tmp_path_factory.mktemp("store") / "online.db")
    store.load("1", loans.lake.table(loans.aggregates.table).batches(loans.aggregates))

    def answers(rows: pa.Table) -> np.ndarray:
        now = datetime.now(UTC)
        texts = pc.strftime(rows["asked"], "%Y-%m-%dT%H:%M:%SZ")
        rows = rows.set_column(rows.schema.get_field_index("asked"), "asked", texts)
        filled = [fill_rows([row], model.encoder, store, now) for row in rows.to_pylist()]
        return np.concatenate([model.predict(one)["probability"] for one in filled])

    return answers


def asked(rows: int = 100) -> pa.Table:
    """Raw rows as a stranger has them: without a label, in seconds, and with a column too many."""
    table = of_loans.rows().slice(0, rows).select(ASKED)
    seconds = table["asked"].cast(pa.timestamp("s", tz="UTC"))
    return table.set_column(0, "asked", seconds).append_column("note", [["é"] * rows])


def as_csv(path: Path, table: pa.Table, missing: str = "") -> Path:
    rows = [
        [missing if value is None else str(value) for value in row.values()]
        for row in table.to_pylist()
    ]
    path.write_text("\n".join(",".join(row) for row in [table.column_names, *rows]) + "\n")
    return path


def as_jsonl(path: Path, table: pa.Table) -> Path:
    rows = [{**row, "asked": row["asked"].isoformat()} for row in table.to_pylist()]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def as_parquet(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path)
    return path


def test_a_file_is_scored_as_the_server_scores_its_rows(predict, served, tmp_path: Path):
    table = asked()
    made = predict(as_parquet(tmp_path / "rows.parquet", table))
    assert made.column_names == ["row", "customer", "probability"]
    assert made["row"].to_pylist() == list(range(1, 101))
    assert made["customer"].to_pylist() == table["customer"].to_pylist()
    answers = served(table.select(ASKED))
    assert len(set(answers.tolist())) > 50
    assert ulps(made["probability"].to_numpy(), answers).max() <= ULPS
    assert made.schema.metadata[b"mlplatform.pipeline"] == b"loans"


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("multiclass", ["probability_low", "probability_mid", "probability_high"]),
        ("regression", ["prediction"]),
        ("quantiles", ["quantile_0.1", "quantile_0.5", "quantile_0.9"]),
    ],
)
def test_an_answer_of_several_numbers_has_a_column_for_each(
    predict, lake, tmp_path: Path, task, columns
):
    digest = lake.artifacts.put(exported_of(of_loans.encoder(), 1, task))
    facts = {"artifact": digest}
    who = Lineage(asset="loans/model", run_id=task, code_version="test", facts=facts)
    lake.table("loans/model").append(pa.table({"model_digest": [digest]}), who, token=task)
    rows = as_parquet(tmp_path / "rows.parquet", asked())
    made = predict(rows, "out.parquet", "--model", digest)
    assert made.column_names == ["row", "customer", *columns]
    assert {str(made.schema.field(name).type) for name in columns} == {"float"}
    assert predict(rows, "out.csv", "--model", digest).column_names == made.column_names
    if task == "multiclass":
        total = sum(made[name].to_numpy() for name in columns)
        assert total == pytest.approx(np.ones(100), abs=1e-5)


def test_every_kind_of_input_gives_the_same_predictions(predict, loans, tmp_path: Path):
    table = asked()
    expected = predict(as_parquet(tmp_path / "rows.parquet", table))
    others = [
        predict(as_csv(tmp_path / "rows.csv", table), "a.parquet"),
        predict(as_csv(tmp_path / "marked.csv", table, "?"), "b.parquet"),
        predict(as_jsonl(tmp_path / "rows.jsonl", table), "c.parquet"),
        predict("loans/dataset", "d.parquet"),
    ]
    assert [other.num_rows for other in others] == [100, 100, 100, loans.dataset.rows]
    for other in others:
        first = other.slice(0, 100)
        assert first.drop_columns("probability") == expected.drop_columns("probability")
        both = (one["probability"].to_numpy() for one in (first, expected))
        assert ulps(*both).max() <= ULPS
    text = predict(tmp_path / "rows.parquet", "e.csv")
    bits = text["probability"].cast(pa.float32()).to_numpy()
    assert (bits == expected["probability"].to_numpy()).all()
    assert text.drop_columns("probability") == expected.drop_columns("probability")


def test_a_row_without_a_time_has_no_aggregates_and_one_that_leaves_it_out_is_about_now(
    predict, served, tmp_path: Path
):
    table = asked(20).drop_columns("note")
    at = pa.array([None] * 20, pa.timestamp("us", tz="UTC"))
    timeless = table.set_column(0, "asked", at)
    made = predict(as_parquet(tmp_path / "rows.parquet", timeless))["probability"].to_numpy()
    assert ulps(made, served(timeless)).max() <= ULPS
    untold = as_parquet(tmp_path / "untold.parquet", table.drop_columns("asked"))
    begun = np.datetime64("now", "us")
    now = predict(untold, "b.parquet")["probability"].to_numpy()
    nearby = table.set_column(0, "asked", pa.array([begun] * 20).cast(at.type))
    about = predict(as_parquet(tmp_path / "near.parquet", nearby), "c.parquet")
    if begun.astype("M8[h]") == np.datetime64("now", "h"):  # The hour is a feature.
        assert np.abs(about["probability"].to_numpy() - now).max() < 1e-3
    assert (now != made).all()


def text_with(path: Path, line: int, old: str, new: str) -> Path:
    lines = path.read_text().splitlines()
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_bad_input_is_one_line_with_row_and_column_and_leaves_nothing(predict, tmp_path: Path):
    table = asked()
    rows = as_csv(tmp_path / "rows.csv", table)
    score = str(table["score"][59].as_py())
    wrong = as_csv(tmp_path / "wrong.csv", table)
    text_with(wrong, 61, score, "many")
    with pytest.raises(PlatformError, match=r"wrong.csv:61: column 'score': 'many' is no float64"):
        predict(wrong)
    infinite = table.set_column(
        3, "score", pc.if_else(pa.array(np.arange(100) == 77), np.inf, table["score"])
    )
    as_parquet(tmp_path / "infinite.parquet", infinite)
    with pytest.raises(PlatformError, match=r"infinite.parquet:78: column 'score' is inf; a fin"):
        predict(tmp_path / "infinite.parquet")
    lacking = as_parquet(tmp_path / "lacking.parquet", table.drop_columns("job"))
    with pytest.raises(PlatformError, match="no column 'job', which the model reads; columns: as"):
        predict(lacking)
    nested = table.set_column(4, "job", pa.array([[1]] * 100))
    with pytest.raises(PlatformError, match=r"column 'job' is list<.*>, which the model reads"):
        predict(as_parquet(tmp_path / "nested.parquet", nested))
    before = predict(rows)
    with pytest.raises(PlatformError, match=r"out.parquet: is there already; --force replaces it"):
        predict(rows)
    with pytest.raises(PlatformError, match=r"wrong.csv:61"):
        predict(wrong, "out.parquet", "--force")
    assert pq.read_table(tmp_path / "out.parquet") == before
    assert predict(rows, "out.parquet", "--force") == before
    with pytest.raises(PlatformError, match=r"ends? in .parquet or .csv"):
        predict(rows, "out.xlsx")
    with pytest.raises(PlatformError, match="cannot be written: No such file"):
        predict(rows, "nowhere/out.csv")
    assert {path.name for path in tmp_path.glob("*out*")} == {"out.parquet"}
    assert not list(tmp_path.glob(".*"))


def test_what_is_live_is_asked_where_no_model_is_named(lake: Lake, loans, tmp_path: Path):
    rows = as_csv(tmp_path / "rows.csv", asked(3))
    output = tmp_path / "out.csv"
    with pytest.raises(PlatformError, match="loans: nothing is live; name a model with --model"):
        invoked(app, "predict", "loans", rows, "--output", output)
    who = Lineage(asset="loans/deployment", run_id="test", code_version="test")
    model = Model(version=1, digest=loans.digest)
    events.commit(
        lake.table(f"loans/{events.TABLE}"),
        lambda now: plan.deploy(
            now, model, 10, by="test", reason="test", at=datetime(2026, 1, 1, tzinfo=UTC)
        ),
        who,
    )
    shown = invoked(app, "predict", "loans", rows, "--output", output)
    assert f"out.csv: 3 rows of {rows}, by model {loans.digest[:16]}" in shown.output
    assert pcsv.read_csv(output).num_rows == 3


def test_vectors_of_a_file_are_read_and_delimited_text_has_none(lake: Lake, tmp_path: Path):
    states = (WideState(name="face", input=0, width=3, log=False),)
    encoder = Encoder(inputs=(VectorInput(column="face", size=3),), states=states)
    digest = lake.artifacts.put(exported_of(encoder, 1))
    who = Lineage(asset="loans/model", run_id="v", code_version="v", facts={"artifact": digest})
    lake.table("loans/model").overwrite(pa.table({"model_digest": [digest]}), who)
    words = ("--model", digest, "--output", tmp_path / "out.parquet")
    faces = [[1.0, 2.0, 3.0], [0.5, 0.5, -1.0]]
    table = pa.table({"face": pa.array(faces, pa.list_(pa.float64()))})
    rows = as_parquet(tmp_path / "rows.parquet", table)
    assert invoked(app, "predict", "loans", rows, *words).exit_code == 0
    found = pq.read_table(tmp_path / "out.parquet")["probability"].to_numpy()
    model = load(lake, Model(version=0, digest=digest), 1)
    expected = [model.predict([{"face": face}])["probability"][0] for face in faces]
    assert ulps(found, np.array(expected)).max() <= ULPS
    text = as_csv(tmp_path / "rows.csv", pa.table({"face": ["1", "2"], "b": ["3", "4"]}))
    with pytest.raises(PlatformError, match="column 'face': delimited text has no vectors"):
        invoked(app, "predict", "loans", text, *words, "--force")
