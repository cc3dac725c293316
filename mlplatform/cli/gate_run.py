"""`mlplatform gate run`: every gate on one model beside another, for a build; nothing is written to the lake."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplatform.cli.data.place import Place, model_digest, place
from mlplatform.cli.data.text import console, say, whole
from mlplatform.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlplatform.cli.gate_files import Outputs
    from mlplatform.cli.gates_output.told import Told
    from mlplatform.judging.candidate import Candidate
    from mlplatform.judging.stored import Stored
    from mlplatform.verdict import Verdict

STOPPED = 1  # Exit code: a gate would stop the release.
NONE = "none"  # A baseline that is left out on purpose.


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the gates say of one model.

    Attributes:
        verdicts: Those read from the lake, then those that were asked now.
        overrides: That are in force about them, as `gates_output.told` reads them.
        about: Digests of model, baseline and policy.
        seconds: How long judging took.
    """

    verdicts: "Sequence[Verdict]"
    overrides: "Sequence[Mapping[str, str]]"
    about: "Mapping[str, str]"
    seconds: float


def run(name: str, model: str, baseline: str, gates: "Sequence[str]", outputs: "Outputs") -> int:
    """Print what each gate says; return 0 if none stops, else 1.

    The files are about this run from its first moment on: that it has not answered, then why it could
    not, or what it found.

    Args:
        name: The pipeline.
        model: What `model_digest` takes; empty: the one trained last.
        baseline: The same; empty: the champion, if one is live that is not the model; "none": none.
        gates: Those to ask; all that are required of a model if empty.
        outputs: Files.

    Raises:
        PlatformError: If there is no such model or gate, or something cannot be read or written.
    """
    outputs.begin(name)
    try:
        answer = _answer(place(name), model, baseline, gates)
    except PlatformError as wrong:
        raise _told_everywhere(name, str(wrong), outputs) from None
    except Exception as wrong:  # Whatever it is, a build has to be told in its files.
        because = f"{type(wrong).__name__}: {wrong}"
        raise _told_everywhere(name, because, outputs) from wrong
    return _told(name, answer, outputs)


def _told_everywhere(name: str, because: str, outputs: "Outputs") -> PlatformError:
    """Write why there is no answer into every file; return it, and what could not be written, in a line."""
    line = whole(" ".join(because.split()))
    try:
        outputs.fail(name, line)
    except PlatformError as unwritten:
        return PlatformError(f"{line}; {unwritten}")
    return PlatformError(line)


def _answer(at: Place, model: str, baseline: str, gates: "Sequence[str]") -> Answer:
    from mlplatform.judging.assembled import version_of
    from mlplatform.judging.stored import stored
    from mlplatform.provenance import policy

    digest = model_digest(at, model or "newest")
    version = version_of(at.lake, at.pipeline, digest)
    before = stored(at.lake, at.pipeline, version, any_policy=True)
    asked = _asked(at, gates, before)
    began = time.perf_counter()
    candidate = _candidate(at, digest, _baseline(at, baseline, digest))
    verdicts = _judged(candidate, asked)
    seconds = time.perf_counter() - began
    champion = candidate.champion.digest if candidate.champion else ""
    in_force = policy.in_force(at.pipeline)
    return Answer(
        verdicts=[*(v for v in before.verdicts if not gates or v.gate in gates), *verdicts],
        overrides=[*before.overridden, *_overrides(at, digest, champion, in_force)],
        about={
            "model": digest[:16], "baseline": champion[:16] or NONE, "policy": in_force[:16],
        },
        seconds=seconds,
    )  # fmt: skip


def _asked(at: Place, gates: "Sequence[str]", before: "Stored") -> list[str]:
    """Return the gates to ask now.

    Raises:
        PlatformError: If one is named that neither is asked now nor has answered before.
    """
    from mlplatform.gates.policy import judging

    known = list(judging(at.pipeline.spec, "evaluation"))
    answered = [verdict.gate for verdict in before.verdicts]
    unknown = [gate for gate in gates if gate not in known + answered]
    if unknown:
        some = ", ".join(known + answered)
        raise PlatformError(
            f"{at.pipeline.name} has no gate {unknown[0]!r} on models; known: {some}"
        )
    return [gate for gate in dict.fromkeys(gates or known) if gate in known]


def _overrides(at: Place, model: str, champion: str, policy: str) -> "list[dict[str, str]]":
    """Return the overrides in force about this very model, beside this champion, under this policy."""
    from datetime import UTC, datetime

    from mlplatform.gates.override import covering, current
    from mlplatform.registry import overrides as kept

    now = datetime.now(UTC)
    given = kept.given(at.lake.table(at.pipeline.table(kept.TABLE)))
    return [
        {
            **{name: str(getattr(each, name)) for name in ("gate", "outcome", "by", "because")},
            "at": each.at.isoformat(),
            "until": each.until.isoformat(),
        }
        for each in current(given)
        if (each.model_digest, each.baseline_digest, each.policy_hash) == (model, champion, policy)
        and covering(given, each.about, each.outcome, now) is not None
    ]


def _baseline(at: Place, baseline: str, digest: str) -> str:
    from mlplatform.rollout.events import traffic

    if baseline == NONE:
        return ""
    if baseline:
        return model_digest(at, baseline)
    live = traffic(at.lake.table(at.pipeline.table("deployment"))).champion
    return live.digest if live and live.digest != digest else ""


def _candidate(at: Place, digest: str, baseline: str) -> "Candidate":
    from mlplatform.cli.lake import s3_options
    from mlplatform.judging.assembled import assembled
    from mlplatform.judging.candidate import Surroundings
    from mlplatform.train import compile_cache

    compile_cache.enable(at.settings.compile_cache)
    remote = at.settings.lake.startswith("s3://")
    surroundings = Surroundings(
        storage_options=s3_options() if remote else None, compile_cache=at.settings.compile_cache
    )
    return assembled(at.lake, at.pipeline, digest, baseline, surroundings, any_policy=True)[0]


def _judged(candidate: "Candidate", gates: "Sequence[str]") -> "list[Verdict]":
    from mlplatform.gates.policy import undecided
    from mlplatform.judging.model import judge

    return undecided(candidate.pipeline.spec, judge(candidate, gates))


def _told(name: str, answer: Answer, outputs: "Outputs") -> int:
    from mlplatform.cli.gates_output.junit import junit
    from mlplatform.cli.gates_output.machine import as_json
    from mlplatform.cli.gates_output.markdown import summary
    from mlplatform.cli.gates_output.told import counted, result, told

    verdicts, given, about = answer.verdicts, answer.overrides, answer.about
    said = told(verdicts, given)
    pair = f"model {about['model']} against {about['baseline']}"
    say(whole(f"{name}: {pair}, {answer.seconds:.1f} s"))
    _grid(said)
    say(f"{result(said).value}: {counted(said)}")
    outputs.write(
        junit=junit(name, verdicts, seconds=answer.seconds, overrides=given),
        markdown=summary(name, verdicts, overrides=given, about=about),
        json=as_json(name, verdicts, overrides=given, about=about),
    )
    return STOPPED if result(said).stops else 0


def _grid(said: "Sequence[Told]") -> None:
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("gate", no_wrap=True)
    grid.add_column("result", no_wrap=True)
    grid.add_column("because")
    for one in said:
        because = f"{one.override}: {one.verdict.because}" if one.override else one.verdict.because
        grid.add_row(one.verdict.gate, one.result.value, whole(because))
    console().print(grid)
