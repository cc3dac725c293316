"""Leases: which table versions and artifacts are held, by whom, and until when.

Nobody writes a lease down, so none can be forgotten: they follow from what is registered, live, reported, referred to
and certified in the lake, and from how long the pipeline's `retention` holds each of these. A lease on a version is one
on everything that it was made from.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from mlplatform.provenance import certificate
from mlplatform.provenance.named import of_facts
from mlplatform.registry import record
from mlplatform.rollout import events
from mlplatform.rollout.traffic import TrafficState, after

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.registry.record import RegisteredModel
    from mlplatform.spec import Pipeline


class Stage(StrEnum):
    """Why something is held."""

    LIVE = "live"
    REGISTERED = "registered"
    REPORT = "report"
    REFERENCE = "reference"
    CERTIFICATE = "certificate"
    NEWEST = "newest"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """What one holder needs.

    Attributes:
        pipeline: Name of the pipeline.
        stage: Why it holds.
        holder: What holds: a model, a report …, in words.
        since: When it began to, in UTC.
        until: From when on it does no more; None is never.
        versions: Table and `Version.reference` of what it names; what these were made from is held too.
        artifacts: Digests that it names.
    """

    pipeline: str
    stage: Stage
    holder: str
    since: datetime
    until: datetime | None
    versions: tuple[tuple[str, str], ...] = ()
    artifacts: tuple[str, ...] = ()

    def holds(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.until is None or now < self.until

    @property
    def reason(self) -> str:
        """Who holds and until when, in words."""
        until = f" until {self.until.date().isoformat()}" if self.until else ""
        return f"{self.pipeline} {self.holder}{until}"


def leases(lake: "Lake", pipeline: "Pipeline", now: datetime) -> list[Lease]:
    """Return every lease of a pipeline, those that have expired too, by stage."""
    table = lake.table(pipeline.table(record.TABLE))
    models = record.records(table)
    history = events.read(lake.table(pipeline.table(events.TABLE)))
    states = _states(history)
    last = states[-1][1] if states else TrafficState()
    return [
        *_live(pipeline, models, last, now),
        *_registered(pipeline, models, states),
        *_reports(lake, pipeline),
        *_references(lake, pipeline),
        *_certificates(lake, pipeline, models),
        *_newest(lake, pipeline),
    ]


def unregistered(lake: "Lake", pipeline: "Pipeline") -> list[str]:
    """Return what the deployments say was live and no row registers, in words: rows were lost."""
    known = {
        model.model_digest for model in record.records(lake.table(pipeline.table(record.TABLE)))
    }
    seen = _last_live(_states(events.read(lake.table(pipeline.table(events.TABLE)))))
    where = pipeline.table(record.TABLE)
    return [f"{where} row about model {digest[:12]}" for digest in seen if digest not in known]


def _live(
    pipeline: "Pipeline", models: list["RegisteredModel"], traffic: TrafficState, now: datetime
) -> Iterator[Lease]:
    known = {model.model_digest: model for model in models}
    for role in events.ROLES:  # What a rollback makes live is among them.
        model = getattr(traffic, role)
        if model is None:
            continue
        found, holder = known.get(model.digest), f"{role}, model {model.version}"
        if found is not None:
            yield _of_model(pipeline, Stage.LIVE, holder, found, now, None)
        else:  # Nobody registered it; its bytes answer requests all the same.
            yield Lease(
                pipeline=pipeline.name,
                stage=Stage.LIVE,
                holder=holder,
                since=now,
                until=None,
                artifacts=(model.digest,),
            )


def _registered(
    pipeline: "Pipeline",
    models: list["RegisteredModel"],
    states: list[tuple[datetime, TrafficState]],
) -> Iterator[Lease]:
    days = pipeline.spec.retention.registered_days
    ended = _last_live(states)
    for model in models:
        since = max(model.registered_at, ended.get(model.model_digest, model.registered_at))
        holder = f"registered model {model.model_version}"
        until = _until(since, days)
        yield _of_model(pipeline, Stage.REGISTERED, holder, model, model.registered_at, until)


def _of_model(
    pipeline: "Pipeline",
    stage: Stage,
    holder: str,
    model: "RegisteredModel",
    since: datetime,
    until: datetime | None,
) -> Lease:
    return Lease(
        pipeline=pipeline.name,
        stage=stage,
        holder=holder,
        since=since,
        until=until,
        versions=tuple(model.data_versions.items()),
        artifacts=(model.model_digest,),
    )


def _reports(lake: "Lake", pipeline: "Pipeline") -> Iterator[Lease]:
    """Each verdict has a report page, and rests on an evaluation and all that came before."""
    days = pipeline.spec.retention.report_days
    for version in _history(lake, pipeline.table("gate_verdict")):
        about = version.lineage.facts.get("candidate", "")[:12]
        yield Lease(
            pipeline=pipeline.name,
            stage=Stage.REPORT,
            holder=f"report {version.number} about model {about or 'unknown'}",
            since=version.committed_at,
            until=_until(version.committed_at, days),
            versions=((version.table, version.reference),),
            artifacts=tuple(of_facts(version)),
        )


def _references(lake: "Lake", pipeline: "Pipeline") -> Iterator[Lease]:
    from mlplatform.validate.reference import history

    replaced: datetime | None = None
    for each in history(lake, pipeline):
        until = _until(replaced, pipeline.spec.retention.reference_days) if replaced else None
        yield Lease(
            pipeline=pipeline.name,
            stage=Stage.REFERENCE,
            holder=f"reference {each.version.number}" + ("" if replaced else ", in force"),
            since=each.since,
            until=until,
            versions=((pipeline.table("dataset"), each.dataset),),
            artifacts=(each.statistics, each.scan),
        )
        replaced = each.since


def _certificates(
    lake: "Lake", pipeline: "Pipeline", models: list["RegisteredModel"]
) -> Iterator[Lease]:
    """Each certificate names a model by digest; what that was made from is held, registered or not."""
    days = pipeline.spec.retention.certificate_days
    given = certificate.certificates(lake.table(pipeline.table(certificate.TABLE)))
    made = {v.lineage.facts.get("artifact"): v for v in _history(lake, pipeline.table("model"))}
    registered = {model.model_digest: model.data_versions for model in models}
    for at, each in enumerate(given, 1):
        version = made.get(each.model_digest)
        named = dict(registered.get(each.model_digest, {}))
        named |= {version.table: version.reference} if version else {}
        yield Lease(
            pipeline=pipeline.name,
            stage=Stage.CERTIFICATE,
            holder=f"certificate {at} of model {each.model_digest[:12]}",
            since=each.made_at,
            until=_until(each.made_at, days),
            versions=tuple(named.items()),
            artifacts=(each.model_digest,),
        )


def _newest(lake: "Lake", pipeline: "Pipeline") -> Iterator[Lease]:
    """What the newest version of each table was made from: where a walk that stopped goes on."""
    mine = [name for name in lake.tables() if name.startswith(f"{pipeline.name}/")]
    found = [version for name in mine if (version := lake.table(name).latest()) is not None]
    if found:
        yield Lease(
            pipeline=pipeline.name,
            stage=Stage.NEWEST,
            holder="newest versions",
            since=max(version.committed_at for version in found),
            until=None,
            versions=tuple((version.table, version.reference) for version in found),
        )


def _states(history: Iterable[events.Event]) -> list[tuple[datetime, TrafficState]]:
    """Return who was live after each event, and when that began."""
    states, now = [], TrafficState()
    for event in history:
        now = after(now, event)
        states.append((event.at, now))
    return states


def _last_live(states: list[tuple[datetime, TrafficState]]) -> dict[str, datetime]:
    """Return the time of the event at which each model was last seen live, by digest: it ceased to be then or is."""
    seen: dict[str, datetime] = {}
    before: set[str] = set()
    for at, state in states:
        models = (getattr(state, role) for role in events.ROLES)
        now = {model.digest for model in models if model}
        seen |= dict.fromkeys(before | now, at)
        before = now
    return seen


def _history(lake: "Lake", name: str) -> list["Version"]:
    table = lake.table(name)
    return table.history() if table.exists() else []


def _until(since: datetime, days: float | None) -> datetime | None:
    """Return the end of so many days; None, which is never, where the calendar ends before it."""
    try:
        return None if days is None else since + timedelta(days=days)
    except OverflowError:
        return None
