"""Judges of a release: the candidate, the verdict over it, and the bytes that are shipped."""

from typing import TYPE_CHECKING

from assets.gates import Bench
from assets.judges.common import Answer, artifact_of, remembered, standing, upstream
from mlplatform.errors import CorruptionError, MissingArtifactError
from mlplatform.gates import walk
from mlplatform.gates.policy import judging
from mlplatform.lake import Version
from mlplatform.verdict import Verdict

if TYPE_CHECKING:
    from mlplatform.judging.candidate import Candidate


def evaluation(bench: Bench) -> Answer:
    """Every gate on the candidate, beside the champion it would replace."""
    version = bench.version()
    subject = bench.subject(version.digest, version.lineage.facts["candidate"])
    names = list(judging(bench.pipeline.spec, "evaluation"))

    def judge() -> list[Verdict]:
        from mlplatform.judging.model import judge

        bench.compute.prepare()
        said = standing(bench, subject)
        asked = [gate for gate in names if gate not in said]
        said |= {v.gate: v for v in judge(_candidate(bench, version), asked)}
        return [said[gate] for gate in names]

    return remembered(bench, subject, names, judge)


def _candidate(bench: Bench, version: Version) -> "Candidate":
    from mlplatform.evaluate.assessment import SCORES, from_bytes
    from mlplatform.judging.candidate import Candidate, Surroundings
    from mlplatform.judging.upstream import Upstream
    from mlplatform.model_measures import Opponent

    facts, store = version.lineage.facts, bench.store
    live, model = facts["champion"], upstream(bench, version, "model")
    return Candidate(
        pipeline=bench.pipeline,
        lake=store,
        digest=facts["candidate"],
        model=model,
        dataset=upstream(bench, version, "dataset"),
        split=upstream(bench, version, "split"),
        aggregates=upstream(bench, version, "aggregates") if bench.pipeline.spec.events else None,
        champion=Opponent(digest=live, unscored=facts.get("unscored", "")) if live else None,
        scores=from_bytes(store.artifacts.open(facts["scores"]).read(SCORES)),
        upstream=Upstream.of(store, bench.pipeline, model),
        surroundings=Surroundings(
            storage_options=bench.lake.storage_options(), compile_cache=bench.compute.folder
        ),
    )


def gate_verdict(bench: Bench) -> Answer:
    """The verdict that the asset recorded."""
    from mlplatform.gates import record

    version, evaluation = bench.version(), bench.version("evaluation")
    rows = bench.store.table(version.table).read(version).to_pylist()
    ours = [row for row in rows if row["subject_digest"] == evaluation.digest]
    subject = bench.subject(version.digest, evaluation.lineage.facts["candidate"])
    return subject, [record.verdict(ours[-1])] if ours else []


def registered_model(bench: Bench) -> Answer:
    """The registered bytes are the ones their digest was made from."""
    digest = artifact_of(bench.version("model"))
    version = bench.version()
    return bench.subject(version.digest, digest), [_verified(bench, digest)]


def deployment(bench: Bench) -> Answer:
    """The bytes that take traffic, champion's and canary's, are the ones their digests were made from."""
    from dataclasses import replace

    from mlplatform.rollout.events import traffic

    version = bench.version()
    now = traffic(bench.store.table(version.table), version)
    live = [model.digest for model in (now.champion, now.canary) if model] or [""]
    checked = [replace(_verified(bench, digest), gate="traffic_verified") for digest in live]
    worst = next((verdict for verdict in checked if not verdict.passed), checked[-1])
    return bench.subject(version.digest, live[-1]), [worst]


def _verified(bench: Bench, digest: str) -> Verdict:
    try:
        return walk.artifact_verified(bench.store.artifacts.open(digest).verify(), digest)
    except (CorruptionError, MissingArtifactError) as wrong:
        bench.context.log.error(str(wrong))  # noqa: TRY400  one line for a person, no traceback
        return walk.artifact_verified(None, digest)
