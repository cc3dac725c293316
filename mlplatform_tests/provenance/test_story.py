"""The story of a model has everything on record, nothing guessed, and says what it could not read."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from mlplatform.ingest import landed
from mlplatform.lake import Lake
from mlplatform.lake.compaction import optimize
from mlplatform.provenance import certificate, steps, tell
from mlplatform.provenance.judged import judged
from mlplatform.provenance.lived import lived
from mlplatform.rollout.events import append
from mlplatform.rollout.find import find
from mlplatform.rollout.traffic import Event, Kind, TrafficState, after
from mlplatform_tests.provenance.conftest import story_of
from mlplatform_tests.provenance.registered import BEGAN, COMMIT, HOSTILE, RUN, Durable, Registered


@pytest.fixture
def copy(two_models: Path, tmp_path: Path) -> Path:
    """A lake to damage."""
    root = tmp_path / "lake"
    shutil.copytree(two_models, root)
    return root


def test_a_story_names_every_version_after_those_it_was_made_from(two_models):
    story = story_of(two_models, "census@2")
    nouns = [step.noun for step in story.steps]
    assert nouns == [
        *("source", "dataset", "split", "features", "model", "evaluation", "gate_verdict"),
        "registered_model",
    ]
    known: set[str] = set()
    for step in story.steps:
        assert set(step.inputs) <= known
        known.add(step.table)
    dataset = Lake(two_models).table("census/dataset").latest()
    assert (story.steps[1].digest, story.steps[1].rows) == (dataset.digest, 10)


def test_a_story_says_who_why_and_with_what(two_models):
    story = story_of(two_models, "census@2")
    assert (story.code.commit, story.code.dirty) == (COMMIT, False)
    assert story.run["id"] == RUN
    assert story.run["launched_by"] == "sensor retrain_on_drift"
    assert story.trigger == {"kind": "drift", "because": "age moved", "evidence": "psi 0.31"}
    assert story.hyperparameters == {"learning_rate": 0.2, "seed": 2}
    assert story.training["reproducibility"]["seed"] == 2
    assert story.surroundings["hardware"]["class"] == "x86_64, two cores"
    assert story.spec["model"] == {"learning_rate": 0.2}
    assert story.spent["steps"] == 10
    assert set(story.code.files) == {"spec.json", "features.py"}
    assert [file.name for file in story.landed] == ["batch-1.csv", HOSTILE]
    assert story.signature == {"standing": "unsigned", "keys": []}
    assert story.problems == []


def test_a_story_has_the_gates_the_metrics_and_who_overrode(two_models):
    judged = story_of(two_models, "census@2").judged
    assert [(gate.gate, gate.outcome) for gate in judged.gates] == [
        ("fairness", "fail"),
        ("performance", "pass"),
    ]
    assert (judged.gates[1].lower, judged.gates[1].upper) == (0.91, 0.93)
    assert [(m.metric, m.observed, m.lower) for m in judged.metrics] == [("auc", 0.92, 0.91)]
    assert [each["by"] for each in judged.overrides] == [HOSTILE]


def test_a_story_says_when_the_model_answered_requests(two_models):
    first, second = (story_of(two_models, ref) for ref in ("census@1", "census@2"))
    assert (first.role, second.role) == ("previous", "champion")
    assert [(e.kind, e.version, e.role) for e in second.lived] == [
        ("canary", 2, "canary"),
        ("promoted", 2, "champion"),
    ]
    assert [(e.kind, e.version, e.role) for e in first.lived] == [
        ("deployed", 1, "champion"),
        ("promoted", 2, "previous"),
    ]


def test_what_an_older_model_has_no_fact_of_is_not_recorded(tmp_path):
    made = Registered(Durable(Lake(tmp_path)), facts=None)
    made.land()
    made.model()
    story = story_of(tmp_path, "census@1")
    assert (story.surroundings, story.trigger, story.spec) == (None, None, None)
    assert (story.environment, story.code.pipeline) == (None, None)
    assert (story.run["job"], story.run["launched_by"]) == (None, None)
    assert (story.role, story.lived, story.problems) == ("", [], [])


@pytest.mark.parametrize(
    ("said", "commit", "dirty"),
    [
        ("ab" * 20, "ab" * 20, False),
        ("ab" * 20 + "-dirty", "ab" * 20, True),
        ("no-git", None, None),
    ],
)
def test_a_story_tells_the_commit_from_what_no_commit_holds(tmp_path, said, commit, dirty):
    made = Registered(Durable(Lake(tmp_path)), commit=said, facts=None)
    made.land()
    made.model()
    code = story_of(tmp_path, "census@1").code
    assert (code.commit, code.dirty, code.said) == (commit, dirty, said)


def test_a_story_is_told_without_the_report_that_is_damaged(copy):
    report = story_of(copy, "census@2").judged.report
    (copy / "_artifacts" / report / "report.json").write_bytes(b"{}")
    story = story_of(copy, "census@2")
    assert "is damaged" in story.problems[0]
    assert [(gate.gate, gate.observed) for gate in story.judged.gates] == [
        ("fairness", None),
        ("performance", None),
    ]
    assert [(m.metric, m.observed, m.lower) for m in story.judged.metrics] == [("auc", 0.92, None)]
    assert [each["by"] for each in story.judged.overrides] == [HOSTILE]


def test_a_story_is_told_without_the_artifact_that_is_gone(copy):
    shutil.rmtree(copy / "_artifacts" / story_of(copy, "census@2").digest)
    story = story_of(copy, "census@2")
    assert (story.files, story.training) == ({}, None)
    assert any("there is no artifact" in line for line in story.problems)


def test_a_story_is_told_without_the_log_entry_that_is_damaged(copy):
    entry = copy / "census" / "split" / "_delta_log" / f"{1:020d}.json"
    entry.write_text(entry.read_text().replace(COMMIT, "f" * 40))
    story = story_of(copy, "census@2")
    assert story.step("split").problem.startswith("log entry")
    assert any("census/split 1:" in line for line in story.problems)
    assert story.step("model").rows == 1


def test_a_compacted_lake_tells_the_same_story(two_models, copy):
    for noun in ("source", "gate_verdict", "registered_model", "deployment"):
        optimize(Lake(copy).table(f"census/{noun}"), "test", least_files=2)
    for ref in ("census@1", "census@2"):
        one, other = (story_of(root, ref).to_json() for root in (two_models, copy))
        for told in (one, other):
            told.pop("told_at")
            told.pop("lake")
        assert one == other


@pytest.mark.parametrize("most", [2, 50])
def test_files_that_landed_before_a_compaction_are_told_after_it(tmp_path, monkeypatch, most):
    monkeypatch.setattr(tell, "LANDED", most)
    made = Registered(Durable(Lake(tmp_path)))
    for _ in range(3):
        made.land()
        made.land()
        optimize(made.writer.lake.table("census/source"), "test", least_files=2)
    made.land()
    made.model()
    story = story_of(tmp_path, "census@1")
    names = [f"batch-{number}.csv" for number in range(1, 8)]
    assert [file.name for file in story.landed] == names[-most:]
    assert story.landed_before == max(7 - most, 0)


def test_what_landed_before_a_replacement_is_not_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(tell, "LANDED", 2)
    lake = Lake(tmp_path)
    made = Registered(Durable(lake))
    for _ in range(4):
        made.land()
    lake.table("census/source").overwrite(pa.table({"age": [1]}), made.lineage("source"))
    made.land()
    made.model()
    story = story_of(tmp_path, "census@1")
    assert [file.name for file in story.landed] == ["batch-5.csv"]
    assert story.landed_before == 0


def test_models_registered_after_a_compaction_are_found_and_told(tmp_path):
    """From then on a model's number and its commit's are further apart."""
    lake = Lake(tmp_path)
    made = Registered(Durable(lake))
    made.land()
    made.model()
    made.model()
    optimize(lake.table("census/registered_model"), "test", least_files=2)
    made.model()
    for version in (1, 2, 3):
        story = story_of(tmp_path, f"census@{version}")
        assert story.version == version
        assert story.steps[-1].table == "census/registered_model"
        assert story.steps[-1].rows == version


def test_a_long_deployment_history_is_told_as_if_all_events_were_added_up(tmp_path):
    """Only commits that name the model are read; what they leave out must not change what it was."""
    made = Registered(Durable(Lake(tmp_path)))
    made.land()
    a, b, c = (made.model() for _ in range(3))
    kinds = [
        (Kind.DEPLOYED, a), (Kind.CANARY, b), (Kind.PROMOTED, b), (Kind.CANARY, c), (Kind.ROLLED_BACK, c),
        (Kind.ROLLED_BACK, b), (Kind.CANARY, c), (Kind.PROMOTED, c), (Kind.CANARY, b), (Kind.PROMOTED, b),
    ]  # fmt: skip
    wanted = {model.digest: [""] for model in (a, b, c)}
    for kind, model in kinds:
        made.event(kind, model)
        for digest, roles in wanted.items():
            roles.append(_role(made.live, digest))
    for digest, roles in wanted.items():
        seen = [each.role for each in lived(Lake(tmp_path), "census", digest)]
        changed = [role for before, role in pairwise(roles) if role != before]
        assert [role for at, role in enumerate(seen) if at == 0 or role != seen[at - 1]] == changed


SKIPPED = [
    (Kind.DEPLOYED, 1), (Kind.DEPLOYED, 2), (Kind.CANARY, 3), (Kind.ROLLED_BACK, 3), (Kind.DEPLOYED, 3),
    (Kind.ROLLED_BACK, 3), (Kind.CANARY, 3), (Kind.ROLLED_BACK, 3), (Kind.CANARY, 1), (Kind.CANARY, 3),
]  # fmt: skip


def history(lake: Lake, events: list[tuple[Kind, int]], says: Callable[[int], bool]) -> list[Event]:
    """Record events of models 1 to 3; those at the places that `says` answers say who is live after them."""
    now, told = TrafficState(), []
    for at, (kind, model) in enumerate(events):
        event = Event(
            kind=kind, model_digest=f"{model}" * 64, model_version=model, percent=10, by="ada", reason="r",
            at=BEGAN + timedelta(hours=at),
        )  # fmt: skip
        now = after(now, event)
        who = Registered(Durable(lake)).lineage("deployment")
        table = lake.table("census/deployment")
        append(table, event, who, token=f"event:{at}", after=now if says(at) else None)
        told.append(event)
    return told


def true_roles(events: list[Event], digest: str) -> list[tuple[int, str]]:
    """Return what a model was after each event that is about it or changed that, by the version it is about."""
    now, role, told = TrafficState(), "", []
    for event in events:
        now = after(now, event)
        was, role = role, _role(now, digest)
        if event.model_digest == digest or role != was:
            told.append((event.model_version, role))
    return told


@pytest.mark.parametrize(
    "says", [lambda _: True, lambda _: False, lambda at: at > 4, lambda at: at < 5]
)
def test_events_that_are_skipped_leave_no_stale_role(tmp_path, says):
    happened = history(lake := Lake(tmp_path), SKIPPED, says)
    for digest in ("1" * 64, "2" * 64, "3" * 64):
        told = [(each.version, each.role) for each in lived(lake, "census", digest)]
        assert told == true_roles(happened, digest)


@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_deployments_is_told_as_it_was_also_behind_a_compaction(tmp_path, seed):
    choose, lake = random.Random(seed), Lake(tmp_path)  # noqa: S311 - no secret.
    events = [(choose.choice(list(Kind)), choose.randint(1, 3)) for _ in range(16)]
    happened = history(lake, events[:8], lambda _: True)
    if seed % 2:
        optimize(lake.table("census/deployment"), "test", least_files=2)
    shown = [*events, *[(Kind.DEPLOYED, 1)]]
    happened = history(lake, shown, lambda _: True)
    for digest in ("1" * 64, "2" * 64, "3" * 64):
        told = [(each.version, each.role) for each in lived(Lake(tmp_path), "census", digest)]
        assert told == true_roles(happened, digest)


@pytest.mark.parametrize(
    "evidence", [None, "[]", "1", '"x"', '{"gates": [1]}', '{"overrides": [1]}', '{"gates": 1']
)
def test_a_verdict_of_another_form_is_named_and_the_rest_is_told(copy, evidence):
    lake, story = Lake(copy), story_of(copy, "census@2")
    table = lake.table("census/gate_verdict")
    row = {"outcome": "pass", "because": "b", "policy_hash": "p", "baseline_digest": ""}
    rows = pa.table({name: [value] for name, value in row.items()})
    if evidence is not None:
        rows = rows.append_column("evidence", pa.array([evidence]))
    version = table.overwrite(rows, Registered(Durable(lake)).lineage("gate_verdict"))
    verdict = steps.steps(lake, {version.table: version.reference})[0]
    record = find(lake, ["census"], "census@2").record
    said = judged(lake, verdict, record)
    assert said.problem.startswith("census/gate_verdict 2:")
    assert said.outcome == "pass"
    assert said.metrics[0].observed == story.judged.metrics[0].observed


def _role(now: TrafficState, digest: str) -> str:
    models = {"champion": now.champion, "canary": now.canary, "previous": now.previous}
    return next((role for role, m in models.items() if m and m.digest == digest), "")


def test_certificates_of_this_model_alone_are_told(copy):
    digest = story_of(copy, "census@2").digest
    lake = Lake(copy)
    for model, outcome in ((digest, "BIT_EXACT"), ("f" * 64, "MISMATCH")):
        made = certificate.Certificate(
            model_version=2, model_digest=model, outcome=outcome, max_ulp=0, first_difference="",
            details={"long": "x" * 100}, code_version=COMMIT, environment="e", hardware_class="h",
            made_by="ada", made_at=BEGAN, seconds=1.0,
        )  # fmt: skip
        who = Registered(Durable(lake)).lineage("certificate")
        certificate.write(lake, "census", made, who)
    told = story_of(copy, "census@2").certificates
    assert [(each["outcome"], each["made_by"]) for each in told] == [("BIT_EXACT", "ada")]


def test_a_story_is_json_and_keeps_what_was_written(two_models):
    told = json.loads(json.dumps(story_of(two_models, "census@2").to_json()))
    assert told["judged"]["overrides"][0]["because"] == HOSTILE
    assert told["registered_at"].startswith("2026-03-01T14:00:00")


def test_names_that_are_repeated_for_speed_are_those_they_stand_for():
    assert steps.LANDING == landed.FACT
    assert tell.CERTIFICATE == certificate.TABLE


def test_a_story_needs_neither_jax_nor_mlflow_nor_pandas(two_models):
    """Each takes longer to import than the whole command may."""
    script = (
        "import sys; from pathlib import Path; from mlplatform.lake import Lake;"
        "from mlplatform.rollout.find import find; from mlplatform.provenance.tell import tell;"
        "from mlplatform.provenance.sections import sections;"
        f"lake = Lake({str(two_models)!r});"
        "sections(tell(lake, find(lake, ['census'], 'census')));"
        "print([n for n in ('jax', 'mlflow', 'pandas', 'deltalake', 'dagster') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_answers_of_the_server_are_counted_by_the_log(copy):
    lake = Lake(copy)
    who = Registered(Durable(lake)).lineage("predictions")
    lake.table("census/predictions").append(pa.table({"n": [1, 2, 3]}), who, token="one")
    assert story_of(copy, "census@2").answers == {"version": 0, "rows": 3}
