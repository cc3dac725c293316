"""Nothing is made from data that its gates have not passed: also in a later run, or by an asset alone.

A blocking check stops only the run it is in.
"""

from mlplatform.errors import GateRefusedError, LakeError
from mlplatform.judging.second_lock import said
from mlplatform.lake import Lake, Version
from mlplatform.provenance.ancestry import number
from mlplatform.spec import Pipeline


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
