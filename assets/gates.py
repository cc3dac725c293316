"""A gate is data as well as a stop: verdicts become rows of `gates`, alerts, and Dagster check results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import dagster as dg

from assets.nouns import asset_key
from assets.publish import lineage, policy_in_force
from mlplatform.alerts.notify import Alert
from mlplatform.lake import Lake, Table, Version
from mlplatform.registry import gate_log
from mlplatform.registry.gate_log import Subject
from mlplatform.spec import Pipeline
from mlplatform.verdict import Severity, Verdict
from resources import AlertsResource, ComputeResource, LakeResource, TfdvResource

ROWS_SHOWN = 8  # Of a table in the UI, the worst first; the evidence has them all.


@dataclass(frozen=True)
class Bench:
    """Where the gates of one asset sit in judgement: who is judged, and by whom it is heard."""

    context: dg.AssetCheckExecutionContext
    pipeline: Pipeline
    noun: str
    lake: LakeResource
    alerts: AlertsResource
    tfdv: TfdvResource
    compute: ComputeResource

    @cached_property
    def store(self) -> Lake:
        """The lake."""
        return self.lake.open()

    def version(self, noun: str | None = None) -> Version:
        """Return the version this run made or pinned of an asset: the judged one if none is named.

        Raises:
            dg.Failure: If there is none.
        """
        table = self.pipeline.table(noun or self.noun)
        version = self.store.pins(self.context.run.run_id).get(table)
        if version is None:
            raise dg.Failure(
                f"{table} has no version yet; materialise it first", allow_retries=False
            )
        return version

    def subject(self, digest: str, model_digest: str = "") -> Subject:
        """Return what the verdicts are about."""
        return Subject(
            table=self.pipeline.table(self.noun),
            digest=digest,
            policy_hash=policy_in_force(self.pipeline),
            model_digest=model_digest,
        )

    def said(self, subject: Subject) -> Mapping[str, Verdict]:
        """Return what the gates said before about this very subject, under this very policy."""
        return gate_log.said(self.gates, subject)

    def hear(self, subject: Subject, verdicts: Sequence[Verdict]) -> Iterator[dg.AssetCheckResult]:
        """Keep the verdicts, alert about those that did not pass, and yield them to Dagster."""
        who = lineage(self.context, self.pipeline, "gates", [self.version()])
        gate_log.keep(self.gates, subject, verdicts, who, datetime.now(UTC))
        for verdict in verdicts:
            self._say(verdict)
            yield shown(asset_key(self.pipeline, self.noun), verdict)

    @cached_property
    def gates(self) -> Table:
        """The table of verdicts."""
        return self.store.table(self.pipeline.table(gate_log.TABLE))

    def _say(self, verdict: Verdict) -> None:
        line = f"gate {verdict.gate}: {verdict.outcome.value}: {verdict.because}"
        if verdict.passed:
            self.context.log.info(line)
            return
        self.context.log.error(line)
        key = f"{self.pipeline.table(self.noun)}:{verdict.gate}:{self.context.run.run_id}"
        title = f"{self.pipeline.name}: gate {verdict.gate} {verdict.outcome.value}"
        receipt = self.alerts.open().send(Alert(title=title, body=verdict.because, key=key))
        for channel in receipt.undelivered:
            self.context.log.warning("the alert was not delivered to channel %s", channel)


def shown(key: dg.AssetKey, verdict: Verdict) -> dg.AssetCheckResult:
    """Return a verdict as the result of the check named after its gate."""
    numbers = {"observed": verdict.observed, "limit": verdict.limit, "baseline": verdict.baseline}
    severe = verdict.severity is Severity.BLOCK
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=verdict.gate,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=verdict.because,
        metadata={
            "outcome": verdict.outcome.value,
            **{name: number for name, number in numbers.items() if number is not None},
            **_tables(verdict.evidence),
            "evidence": dg.MetadataValue.json(dict(verdict.evidence)),
        },
    )


def _tables(evidence: Mapping[str, Any]) -> dict[str, dg.TableMetadataValue]:
    """Return the columns judged and the example rows as tables, where the evidence has them."""
    found = {}
    for name in ("columns", "examples"):
        rows = evidence.get(name)
        rows = rows[:ROWS_SHOWN] if isinstance(rows, list) else rows
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            heads = dict.fromkeys(head for row in rows for head in row)
            found[name] = dg.MetadataValue.table(
                [dg.TableRecord({head: _cell(row.get(head)) for head in heads}) for row in rows],
                dg.TableSchema([dg.TableColumn(head) for head in heads]),
            )
    return found


def _cell(value: object) -> str | int | float | bool:
    if value is None:
        return ""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return value if isinstance(value, str | int | bool) else str(value)


def specs(
    pipeline: Pipeline, noun: str, gates: Mapping[str, tuple[Severity, str]]
) -> list[dg.AssetCheckSpec]:
    """Return a check for each gate on an asset: its name, whether it stops the walk, and what it asks."""
    return [
        dg.AssetCheckSpec(
            name=gate,
            asset=asset_key(pipeline, noun),
            blocking=severity is Severity.BLOCK,
            description=question,
        )
        for gate, (severity, question) in gates.items()
    ]
