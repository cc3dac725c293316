"""A gate is data as well as a stop: verdicts become rows of `gates`, alerts, and Dagster check results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import dagster as dg

from assets.nouns import asset_key
from assets.publish import lineage, policy_in_force
from mlplatform.alerts import failures
from mlplatform.alerts.log import AlertLogError
from mlplatform.evaluate.markdown import escaped
from mlplatform.gates.override import Override, covering
from mlplatform.gates.policy import undecided
from mlplatform.lake import Lake, Table, Version
from mlplatform.registry import gate_log, overrides
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
            baseline_digest=self.version().lineage.facts.get("champion", ""),
        )

    def said(self, subject: Subject) -> Mapping[str, Verdict]:
        """Return what the gates said before about this very subject, under this very policy."""
        return gate_log.said(self.gates, subject, datetime.now(UTC))

    def hear(self, subject: Subject, verdicts: Sequence[Verdict]) -> Iterator[dg.AssetCheckResult]:
        """Keep the verdicts, alert about those that did not pass, and yield them to Dagster."""
        who = lineage(self.context, self.pipeline, "gates", [self.version()])
        verdicts = undecided(self.pipeline.spec, verdicts)
        gate_log.keep(self.gates, subject, verdicts, who, datetime.now(UTC))
        for verdict in verdicts:
            told = self._say(subject, verdict)
            override = self.override(subject, verdict)
            yield shown(asset_key(self.pipeline, self.noun), verdict, told, override)

    def override(self, subject: Subject, verdict: Verdict) -> Override | None:
        """Return what a person said that lets this verdict through, if it holds now."""
        if not verdict.stops:
            return None
        given = overrides.given(self.store.table(self.pipeline.table(overrides.TABLE)))
        about = (verdict.gate, subject.digest, subject.baseline_digest, subject.policy_hash)
        return covering(given, about, verdict.outcome, datetime.now(UTC))

    @cached_property
    def gates(self) -> Table:
        """The table of verdicts."""
        return self.store.table(self.pipeline.table(gate_log.TABLE))

    def _say(self, subject: Subject, verdict: Verdict) -> str:
        """Log the verdict, alert about one that did not pass, and return what came of the alert."""
        alerts, log, run = self.alerts.open(), self.context.log, self.context.run.run_id
        line = f"gate {verdict.gate}: {verdict.outcome.value}: {verdict.because}"
        (log.info if verdict.passed else log.error)(line)
        report = self.version().lineage.facts.get("report", "")
        page = self.store.artifacts.open(report).uri if report else ""
        about = (verdict, self.pipeline.name, subject, run, alerts.where)
        try:
            if verdict.passed:
                alerts.mend([failures.about(subject.table, verdict.gate)])
                alert = failures.of_overrides(*about)
            else:
                override = self.override(subject, verdict)
                by_whom = override.sentence if override else ""
                if failures.told_already(verdict, self.pipeline.name, subject, alerts.kept()):
                    return "nothing new: of the gates that it names people were told"
                alert = failures.of_verdict(*about, page, by_whom)
            receipt = alerts.send(alert) if alert else None
        except AlertLogError as wrong:  # The verdict stands, whoever hears of it.
            log.error("nobody was alerted: %s", wrong)  # noqa: TRY400  one line for a person
            return f"NOT sent: {wrong}"
        for channel, why in (receipt.undelivered if receipt else {}).items():
            log.warning("the alert was not delivered to channel %s: %s", channel, why)
        return receipt.said if receipt else ""


def shown(
    key: dg.AssetKey, verdict: Verdict, told: str = "", override: Override | None = None
) -> dg.AssetCheckResult:
    """Return a verdict as the result of the check named after its gate.

    A check that failed and only warns, by its policy or by a person, lets the run go on.
    """
    numbers = {"observed": verdict.observed, "limit": verdict.limit, "baseline": verdict.baseline}
    severe = verdict.stops and override is None
    because = f"{override.sentence}; {verdict.because}" if override else verdict.because
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=verdict.gate,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=because,
        metadata={
            "outcome": verdict.outcome.value,
            **({"override": override.sentence} if override else {}),
            **({"alert": told} if told else {}),
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


def overridden(entries: Sequence[Mapping[str, str]]) -> dg.MarkdownMetadataValue:
    """Return, as a list to be noticed, the gates that a person let a model through."""
    lines = [
        f"- ⛔ **{o['gate']} {o['outcome']}**, overridden by {o['by']} until {o['until']}"
        f"{' (' + o['standing'] + ')' if 'standing' in o else ''}: {o['because']}"
        for o in ({name: escaped(text) for name, text in entry.items()} for entry in entries)
    ]
    return dg.MetadataValue.md("\n".join(lines))


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
