"""Nothing is made from data that its gates have not passed: also in a later run, or by an asset alone.

A blocking check stops only the run it is in.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from assets.publish import policy_in_force
from mlplatform.errors import GateRefusedError, LakeError
from mlplatform.gates import required
from mlplatform.gates.overall import overall
from mlplatform.gates.policy import ALWAYS
from mlplatform.lake import Lake, Version
from mlplatform.provenance.ancestry import number
from mlplatform.registry import gate_log, overrides
from mlplatform.spec import Pipeline
from mlplatform.verdict import Verdict


def said(lake: Lake, pipeline: Pipeline, judged: Mapping[str, Version]) -> Verdict:
    """Return one verdict, as of now, over every gate that is required of these versions, given by noun.

    What was compared with a champion has to have been compared with the one its version names.
    """
    subjects = {**required(pipeline.spec), **ALWAYS}
    wanted = {gate: judged[noun] for gate, noun in subjects.items() if noun in judged}
    return overall(
        gate_log.rows(lake.table(pipeline.table(gate_log.TABLE))),
        {gate: version.digest for gate, version in wanted.items()},
        policy_in_force(pipeline),
        baselines={
            gate: version.lineage.facts.get("champion", "") for gate, version in wanted.items()
        },
        overrides=overrides.given(lake.table(pipeline.table(overrides.TABLE))),
        now=datetime.now(UTC),
    )


def require(lake: Lake, pipeline: Pipeline, **judged: Version) -> None:
    """Let nothing be made from these versions, nor from the source of a dataset, unless gates passed.

    Raises:
        GateRefusedError: Naming the gates that did not pass under the policy in force.
    """
    if "dataset" in judged:
        judged = {"source": made_from(lake, pipeline, judged["dataset"], "source"), **judged}
    verdict = said(lake, pipeline, judged)
    if not verdict.passed:
        names = " and ".join(f"{v.table} {v.reference}" for v in judged.values())
        raise GateRefusedError(f"nothing is made from {names}: {verdict.because}")


def made_from(lake: Lake, pipeline: Pipeline, version: Version, noun: str) -> Version:
    """Return the version of another asset that `version` was made from.

    Raises:
        LakeError: If its commit names none.
    """
    table = pipeline.table(noun)
    reference = version.lineage.inputs.get(table)
    if reference is None:
        raise LakeError(
            f"{version.table} {version.reference} names no {table}; materialise it again"
        )
    return lake.table(table).version(number(reference))
