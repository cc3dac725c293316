"""Makes a registered model again from its record alone, and says how equal the two are."""

import getpass
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.errors import ReproductionError
from mlplatform.provenance import pipeline_code, surroundings_read
from mlplatform.provenance.certificate import TABLE, Certificate, write
from mlplatform.provenance.checkout import checked_out, on_a_branch, require_commit
from mlplatform.provenance.code import LOCAL, code_identity, committed
from mlplatform.provenance.compare_metrics import RELATIVE, SHARES
from mlplatform.provenance.compare_tensors import MAX_ULP, METRICS, MISMATCH, Comparison, compare
from mlplatform.provenance.interpreter import Choice, Interpreter, Tools, interpreter, surrounded
from mlplatform.provenance.recorded import Recorded, recorded
from mlplatform.provenance.retrain import Answer, Task

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Version
    from mlplatform.registry.find import Found

MODULE = "mlplatform.provenance.retrain"
LOG, KEPT_ARTIFACT = "log.txt", "artifact"


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where a model is made again.

    Attributes:
        root: The checkout whose repository holds its code; only read.
        lake: Holds the record, and takes the certificate.
        tools: What environments are built with.
        storage_options: How to reach the lake on S3.
        verify_key: File of the public key that has to have signed the model; None asks for no signature.
        environment: `MLPLATFORM_ENVIRONMENT`; without one it is local development, where a model is made again
            from versions that no commit made.
        keep: Folder that gets the files that were made, and what the training said; None keeps nothing.
        say: Told what is done, a sentence each.
    """

    root: Path
    lake: "Lake"
    tools: Tools
    storage_options: Mapping[str, str] | None = None
    verify_key: Path | None = None
    environment: str = ""
    keep: Path | None = None
    say: Callable[[str], None] = print


@dataclass(frozen=True, kw_only=True, eq=False)
class _Made:
    """What came of a training in a scratch lake."""

    answer: Answer
    lake: "Lake"
    interpreter: Interpreter
    commit_on_branch: bool


def reproduce(
    found: "Found", workshop: Workshop, choice: Choice = "auto"
) -> tuple[Certificate, "Version"]:
    """Make a registered model again, and return the certificate and the version of its table.

    Args:
        found: The model.
        workshop: Where it is made.
        choice: Of the environment, as in `interpreter`.

    Raises:
        ReproductionError: Saying what it was made from that is not on record or not there; nothing
            is trained then, and no certificate written.
        SignatureError: If a signature is asked for, and is not there or not right.
    """
    from mlplatform.registry import signing

    begin = time.monotonic()
    signing.require(workshop.lake, found.record.model_digest, workshop.verify_key)
    of = recorded(workshop.lake, found)
    require_commit(workshop.root, of.commit)
    _require_committed(of, workshop)
    workshop.say(
        f"{len(of.read)} versions and {of.artifact.size_bytes:,} bytes of the model are whole"
    )
    with tempfile.TemporaryDirectory(prefix="mlplatform-scratch-") as folder:
        made = _made(of, workshop, choice, Path(folder))
        outcome, comparison, metrics = _judged(of, made, workshop.lake)
    certificate = Certificate(
        model_version=of.model_version,
        model_digest=of.artifact.digest,
        outcome=outcome,
        max_ulp=comparison.max_ulp,
        first_difference=comparison.first_difference,
        details=_details(of, made, comparison, metrics),
        code_version=of.commit,
        environment=made.answer.environment,
        hardware_class=_class(made.answer),
        made_by=_who(),
        made_at=datetime.now(UTC),
        seconds=round(time.monotonic() - begin, 3),
    )
    return certificate, write(workshop.lake, of.pipeline, certificate, _lineage(of, workshop.root))


def _require_committed(of: Recorded, workshop: Workshop) -> None:
    """Say which versions are read that no commit made; outside of local development refuse them."""
    for version, code in of.made_by.items():
        if committed(code):
            continue
        said = (
            f"{version} was made by {'uncommitted code' if code else 'code that is not on record'}"
        )
        if workshop.environment not in LOCAL:
            raise ReproductionError(
                f"{said}; MLPLATFORM_ENVIRONMENT is {workshop.environment!r}: make it again by a commit,"
                " and train again"
            )
        workshop.say(f"{said}{f' ({code})' if code else ''}: it is taken as it is")


def _made(of: Recorded, workshop: Workshop, choice: Choice, scratch: Path) -> _Made:
    """Return the model that its recorded code made in its recorded environment."""
    from mlplatform.lake import Lake

    with checked_out(workshop.root, of.commit) as code:
        held = on_a_branch(workshop.root, of.commit)
        workshop.say(f"commit {of.commit[:12]} is checked out apart")
        python = interpreter(choice, of, code, workshop.tools)
        workshop.say(f"libraries: {'; '.join([python.how, *python.differs])}")
        if left_out := surroundings_read.flags(of.around)[1]:
            workshop.say(f"flags that name places of a machine are left out: {' '.join(left_out)}")
        task = _task(of, workshop, code, scratch)
        answer = _trained(of, task, python, code, scratch, workshop.keep)
    if answer.refused:
        raise ReproductionError(f"the recorded code refused to train: {answer.refused}")
    if answer.code_version != of.commit:
        raise ReproductionError(f"the code that ran was {answer.code_version}, not {of.commit}")
    workshop.say(f"trained again in {answer.seconds:.1f} s")
    return _Made(answer=answer, lake=Lake(task.into), interpreter=python, commit_on_branch=held)


def _task(of: Recorded, workshop: Workshop, code: Path, scratch: Path) -> Task:
    return Task(
        lake=workshop.lake.root,
        storage_options=workshop.storage_options,
        code=of.code.digest,
        folder=str(pipeline_code.laid_out(of.code, of.commit, code, scratch / "pipeline")),
        read={noun: (v.table, v.number, v.reference) for noun, v in of.read.items()},
        scan=of.scan,
        devices=of.devices,
        into=str(scratch / "lake"),
        answer=str(scratch / "answer.json"),
        root=str(code),
    )


def _trained(
    of: Recorded, task: Task, python: Interpreter, code: Path, scratch: Path, keep: Path | None
) -> Answer:
    """Return what the process answered; what it printed is kept where something is."""
    if not (code / "mlplatform" / "provenance" / "retrain.py").is_file():
        raise ReproductionError(
            f"the code of commit {of.commit[:12]} is older than reproduction, and cannot train apart"
        )
    log = scratch / LOG
    with log.open("w") as out:
        done = subprocess.run(
            [str(python.python), "-m", MODULE], input=task.to_json(), text=True, check=False,
            cwd=code, stdout=out, stderr=subprocess.STDOUT, env=_environ(of, code, scratch),
        )  # fmt: skip
    if keep is not None:
        _keep(keep, log, scratch / "lake")
    if done.returncode or not Path(task.answer).is_file():
        said = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise ReproductionError(f"the training ended with exit code {done.returncode}: {said}")
    return Answer(**json.loads(Path(task.answer).read_bytes()))


def _environ(of: Recorded, code: Path, scratch: Path) -> dict[str, str]:
    """Return the environment of the training: XLA's flags as recorded, and the kernels a GPU had chosen."""
    from mlplatform.train.reproducible import AUTOTUNED_FROM, FLAGS

    flags, _ = surroundings_read.flags(of.around)
    if of.autotune is not None:
        file = scratch / str(of.around["autotune"])
        file.write_bytes(of.autotune)
        flags.append(f"{AUTOTUNED_FROM}={file}")
    own = [(FLAGS, " ".join(flags)), ("JAX_ENABLE_COMPILATION_CACHE", "false")]
    own += [("JAX_PLATFORMS", "cpu")] if of.platform == "cpu" else []
    return surrounded(code, *own)


def _keep(keep: Path, log: Path, lake: Path) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    shutil.copy(log, keep / LOG)
    for artifact in (lake / "_artifacts").glob("*"):
        shutil.copytree(artifact, keep / KEPT_ARTIFACT, dirs_exist_ok=True)


def _judged(
    of: Recorded, made: _Made, lake: "Lake"
) -> tuple[str, Comparison, list[dict[str, Any]]]:
    """Return the outcome; on another class of hardware metrics decide where bits do not."""
    again = made.lake.artifacts.open(made.answer.artifact)
    comparison = compare(
        {name: of.artifact.read(name) for name in of.artifact.names},
        {name: again.read(name) for name in again.names},
        (of.artifact.facts, again.facts),
    )
    if comparison.outcome != MISMATCH or _class(made.answer) == of.hardware_class:
        return comparison.outcome, comparison, []
    metrics = _metrics(of, made, lake)
    within = bool(metrics) and all(metric["within"] for metric in metrics)
    return METRICS if within else MISMATCH, comparison, metrics


def _metrics(of: Recorded, made: _Made, lake: "Lake") -> list[dict[str, Any]]:
    from mlplatform.provenance.ancestry import number
    from mlplatform.provenance.compare_metrics import held, metrics_of, test_rows

    pipeline = pipeline_code.load(of.code, Path())
    rows = test_rows(lake, of.read["dataset"], of.read["split"])
    table = f"{of.pipeline}/aggregates"
    named = of.read["features"].lineage.inputs.get(table)
    lookup = lake, lake.table(table).version(number(named)) if named else None
    models = (lake, of.artifact.digest), (made.lake, made.answer.artifact)
    recorded_ones, made_ones = (metrics_of(pipeline, rows, *model, lookup) for model in models)
    return [one.to_dict() for one in held(recorded_ones, made_ones)]


def _details(
    of: Recorded, made: _Made, comparison: Comparison, metrics: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "files": dict(comparison.files),
        "tensors": dict(comparison.tensors),
        "metrics": metrics,
        "bounds": {"ulp": MAX_ULP, "metrics": {"shares": SHARES, "relative": RELATIVE}},
        "data_versions": {v.table: v.reference for v in of.read.values()},
        "made_artifact": made.answer.artifact,
        "environment": {"how": made.interpreter.how, "differs": list(made.interpreter.differs)},
        "made_by": dict(of.made_by),
        "flags_left_out": surroundings_read.flags(of.around)[1],
        "commit_on_branch": made.commit_on_branch,
        "recorded_hardware_class": of.hardware_class,
        "surroundings": dict(made.answer.around or {}),
        "stopped_by": made.answer.stopped_by,
        "training_seconds": round(made.answer.seconds, 3),
    }


def _class(answer: Answer) -> str:
    return str((answer.around or {}).get("hardware", {}).get("class", ""))


def _who() -> str:
    with suppress(OSError, KeyError):  # An account without a name, as in a container.
        return getpass.getuser()
    return "nobody known"


def _lineage(of: Recorded, root: Path) -> "Lineage":
    from mlplatform.lake import Lineage

    return Lineage(
        asset=f"{of.pipeline}/{TABLE}",
        run_id=f"reproduce-{_who()}",
        code_version=str(code_identity(root)),
        inputs={of.model.table: of.model.reference},
        facts={"artifact": of.artifact.digest},
    )
