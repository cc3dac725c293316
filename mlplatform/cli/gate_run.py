"""`mlplatform gate run`: every gate on one model beside another, for a build; nothing is written to the lake."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.cli.data.place import Place, model_digest, place
from mlplatform.cli.data.text import console, say, whole
from mlplatform.errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlplatform.cli.gates_output.told import Told
    from mlplatform.judging.candidate import Candidate
    from mlplatform.verdict import Verdict

STOPPED = 1  # Exit code: a gate would stop the release.
NONE = "none"  # A baseline that is left out on purpose.


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Files to write besides what is printed, for machines, test reports and pull requests."""

    junit: Path | None = None
    markdown: Path | None = None
    json: Path | None = None


def run(name: str, model: str, baseline: str, gates: "Sequence[str]", outputs: Outputs) -> int:
    """Print what each gate says; return 0 if none stops, else 1.

    Args:
        name: The pipeline.
        model: What `model_digest` takes; empty: the one trained last.
        baseline: The same; empty: the champion, if one is live that is not the model; "none": none.
        gates: Those to ask; all that apply if empty.
        outputs: Files.

    Raises:
        PlatformError: If there is no such model or gate, or something cannot be read or written.
    """
    at = place(name)
    asked = _asked(at, gates)
    digest = model_digest(at, model or "newest")
    began = time.perf_counter()
    candidate = _candidate(at, digest, _baseline(at, baseline, digest))
    verdicts = _judged(candidate, asked)
    seconds = time.perf_counter() - began
    return _told(at, candidate, verdicts, seconds, outputs)


def _asked(at: Place, gates: "Sequence[str]") -> list[str]:
    from mlplatform.gates.policy import judging

    known = list(judging(at.pipeline.spec, "evaluation"))
    unknown = [gate for gate in gates if gate not in known]
    if unknown:
        raise PlatformError(
            f"{at.pipeline.name} has no gate {unknown[0]!r} on models; known: {', '.join(known)}"
        )
    return list(dict.fromkeys(gates)) or known


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
    return assembled(at.lake, at.pipeline, digest, baseline, surroundings)[0]


def _judged(candidate: "Candidate", gates: "Sequence[str]") -> "list[Verdict]":
    from mlplatform.gates.policy import undecided
    from mlplatform.judging.model import judge

    return undecided(candidate.pipeline.spec, judge(candidate, gates))


def _told(
    at: Place,
    candidate: "Candidate",
    verdicts: "Sequence[Verdict]",
    seconds: float,
    outputs: Outputs,
) -> int:
    from mlplatform.cli.gates_output.junit import junit
    from mlplatform.cli.gates_output.machine import as_json
    from mlplatform.cli.gates_output.markdown import summary
    from mlplatform.cli.gates_output.told import counted, result, told
    from mlplatform.provenance import policy

    champion = candidate.champion.digest if candidate.champion else ""
    about = {
        "model": candidate.digest[:16],
        "baseline": champion[:16] or NONE,
        "policy": policy.in_force(at.pipeline)[:16],
    }
    name = at.pipeline.name
    said = told(verdicts)
    say(whole(f"{name}: model {about['model']} against {about['baseline']}, {seconds:.1f} s"))
    _grid(said)
    say(f"{result(said).value}: {counted(said)}")
    _write(outputs.junit, junit(name, verdicts, seconds=seconds))
    _write(outputs.markdown, summary(name, verdicts, about=about))
    _write(outputs.json, as_json(name, verdicts, about=about))
    return STOPPED if result(said).stops else 0


def _grid(said: "Sequence[Told]") -> None:
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("gate", no_wrap=True)
    grid.add_column("result", no_wrap=True)
    grid.add_column("because")
    for one in said:
        grid.add_row(one.verdict.gate, one.result.value, whole(one.verdict.because))
    console().print(grid)


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as wrong:
        raise PlatformError(f"{path}: cannot be written: {wrong.strerror}") from None
