"""Every way a model could slip past its gates, tried after the verdict: registration and deployment refuse each."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.gates.override import Override
from mlplatform.lake import Lineage
from mlplatform.registry import overrides
from mlplatform.rollout import Event, Kind
from mlplatform.rollout.events import append
from mlplatform.verdict import Outcome
from mlplatform_tests.assets.conftest import Walk, failed_steps
from mlplatform_tests.small import change

WHO = Lineage(asset="somebody", run_id="else", code_version="")
OTHER = "b" * 64
GATE = "artifact_size"  # One of those on the evaluation.


def reasons(result: dg.ExecuteInProcessResult) -> str:
    """Return the messages of the steps that failed."""
    found = [e for e in result.all_events if e.is_step_failure]
    return " ".join(str(e.step_failure_data.error) for e in found)


def rewrite(walk: Walk, noun: str, edit: Callable[[pa.Table], pa.Table]) -> None:
    """Put other rows in place of those of a table."""
    table = walk.lake.table(f"census_income/{noun}")
    table.overwrite(edit(table.read()), WHO)


def having(rows: pa.Table, **columns: str) -> pa.Table:
    """Return the rows with another text in every place of these columns."""
    for name, text in columns.items():
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(name), pa.array([text] * rows.num_rows))
    return rows


def of_gate(rows: pa.Table) -> pa.Table:
    """Return the rows of one gate of the evaluation."""
    return rows.filter(pc.equal(rows["gate"], GATE))


def again(walk: Walk, **columns: str) -> None:
    """Add the verdict of one gate once more, with other content."""
    rewrite(walk, "gates", lambda rows: pa.concat_tables([rows, having(of_gate(rows), **columns)]))


def changed(walk: Walk, **columns: str) -> None:
    """Change the verdict of one gate."""

    def edit(rows: pa.Table) -> pa.Table:
        others = rows.filter(pc.not_equal(rows["gate"], GATE))
        return pa.concat_tables([others, having(of_gate(rows), **columns)])

    rewrite(walk, "gates", edit)


def gates_deleted(walk: Walk) -> None:
    rewrite(walk, "gates", lambda rows: rows.slice(0, 0))


def verdict_deleted(walk: Walk) -> None:
    rewrite(walk, "gate_verdict", lambda rows: rows.slice(0, 0))


def failed_since(walk: Walk) -> None:
    again(walk, outcome="fail", because="it has 99 MB")


def undecided_since(walk: Walk) -> None:
    again(walk, outcome="inconclusive", because="3 rows of 900")


def gate_of_another_model(walk: Walk) -> None:
    changed(walk, subject_digest=OTHER)


def gate_of_another_policy(walk: Walk) -> None:
    changed(walk, policy_hash=OTHER)


def verdict_of_another_model(walk: Walk) -> None:
    rewrite(walk, "gate_verdict", lambda rows: having(rows, model_digest=OTHER))


def policy_changed(walk: Walk) -> None:
    change(walk.folder, model_gates__artifact_size__max_megabytes=49)


def model_swapped(walk: Walk) -> None:
    model = walk.lake.table("census_income/model").latest()
    assert model is not None
    folder = Path(walk.lake.artifacts.open(model.lineage.facts["artifact"]).uri)
    content = bytearray((folder / "params.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "params.safetensors").write_bytes(content)


def given(walk: Walk) -> Override:
    """An override in force of the gate's failure."""
    row = of_gate(walk.lake.table("census_income/gates").read()).to_pylist()[-1]
    now = datetime.now(UTC)
    return Override(
        **{n: row[n] for n in ("gate", "subject", "subject_digest", "model_digest", "policy_hash")},
        baseline_digest=row["baseline_digest"], outcome=Outcome.FAIL, by="ann",
        because="it is needed", at=now - timedelta(days=9), until=now + timedelta(days=9),
    )  # fmt: skip


def keep(walk: Walk, override: Override) -> None:
    overrides.keep(walk.lake.table("census_income/gate_overrides"), override, WHO)


def override_expired(walk: Walk) -> None:
    failed_since(walk)
    keep(walk, replace(given(walk), until=datetime.now(UTC) - timedelta(minutes=1)))


def override_of_another_model(walk: Walk) -> None:
    failed_since(walk)
    keep(walk, replace(given(walk), subject_digest=OTHER, model_digest=OTHER))


REFUSED = {
    gates_deleted: f"its gates say fail: .*{GATE}: no verdict",
    verdict_deleted: "it has no gate verdict; materialise `gate_verdict`",
    failed_since: f"{GATE} fail: it has 99 MB",
    undecided_since: f"its gates say inconclusive: .*{GATE} inconclusive: 3 rows of 900",
    gate_of_another_model: f"{GATE}: judged bbbbbbbbbbbb, not",
    gate_of_another_policy: f"{GATE}: judged under another policy",
    verdict_of_another_model: "the verdict is about bbbbbbbbbbbb",
    policy_changed: "its verdict is from policy",
    model_swapped: "is damaged",
    override_expired: f"{GATE} fail: it has 99 MB",
    override_of_another_model: f"{GATE} fail: it has 99 MB",
}


@pytest.mark.parametrize("damage", REFUSED, ids=lambda damage: damage.__name__)
def test_registration_and_deployment_refuse(damage, walked_to: Callable[..., Walk]):
    """Each alone, in a run of its own, of a model that had passed everything."""
    walk = walked_to("registered_model")
    damage(walk)
    for noun in ("registered_model", "deployment"):
        alone = walk.run(noun)
        assert failed_steps(alone) == {f"census_income__{noun}"}
        assert dg.DagsterEventType.STEP_FAILURE in {e.event_type for e in alone.all_events}
        said = reasons(alone)
        assert pc.match_substring_regex(pa.array([said]), f"(?s){REFUSED[damage]}")[0].as_py(), said
    assert not walk.lake.table("census_income/deployment").exists()


def test_an_override_in_force_lets_both_through(walked_to: Callable[..., Walk]):
    """So that what is refused above is refused for what is wrong with its override."""
    walk = walked_to("registered_model")
    failed_since(walk)
    keep(walk, given(walk))
    assert walk.run("registered_model").success
    assert walk.run("deployment").success


def test_a_check_that_crashed_has_not_let_its_model_through(
    walked_to: Callable[..., Walk], monkeypatch: pytest.MonkeyPatch
):
    from assets import judges

    walk = walked_to("registered_model", model_gates__artifact_size__max_megabytes=49)

    def crash(_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(judges, "evaluation", crash)
    assert failed_steps(walk.run("evaluation")) == {"census_income_evaluation_gates"}
    assert failed_steps(walk.run("gate_verdict")) == {"census_income_gate_verdict_gates"}
    for noun in ("registered_model", "deployment"):
        alone = walk.run(noun)
        assert failed_steps(alone) == {f"census_income__{noun}"}
        assert "its verdict is fail: " in reasons(alone)
        assert f"{GATE}: judged under another policy" in reasons(alone)


def test_a_model_is_not_deployed_beside_a_champion_it_was_never_compared_with(
    walked_to: Callable[..., Walk],
):
    """Somebody promoted another model between its evaluation and its deployment."""
    walk = walked_to("registered_model")
    event = Event(
        kind=Kind.DEPLOYED, model_digest=OTHER, model_version=9, percent=100, by="t", reason="t",
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    append(walk.lake.table("census_income/deployment"), event, WHO, token="other")
    alone = walk.run("deployment")
    assert failed_steps(alone) == {"census_income__deployment"}
    assert "compared with no champion, but bbbbbbbbbbbb is live now" in reasons(alone)
