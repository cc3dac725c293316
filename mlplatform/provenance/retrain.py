"""The process that makes a model again: the recorded code, told on its standard input what to read.

It reads the lake and writes into another one, and answers in a file: `python -m mlplatform.provenance.retrain`.
"""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlplatform.errors import LakeError, PlatformError, ReproductionError


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to make.

    Attributes:
        lake: Root of the lake that is read.
        storage_options: How to reach it on S3; they hold secrets, and are in no file.
        code: Artifact with the spec and the pipeline's files.
        folder: Where those files lie.
        read: Table, number and reference of each version, by noun.
        scan: Artifact that counted the dataset's rows.
        devices: How many share each batch.
        into: Root of the lake that the model is put into.
        answer: File that says what came of it.
        root: The checkout that this code is of.
    """

    lake: str
    storage_options: Mapping[str, str] | None
    code: str
    folder: str
    read: Mapping[str, tuple[str, int, str]]
    scan: str
    devices: int
    into: str
    answer: str
    root: str

    def to_json(self) -> str:
        """Return what the process reads."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it.

    Attributes:
        artifact: Address of the model in the other lake; empty if there is none.
        refused: Why there is none, in one line.
        code_version: Of the code that ran.
        environment: Digest of the installed libraries.
        around: Its surroundings.
        stopped_by: The budget that ended the training, in words.
        seconds: Of reading, training and export.
    """

    artifact: str = ""
    refused: str = ""
    code_version: str = ""
    environment: str = ""
    around: Mapping[str, Any] | None = None
    stopped_by: str = ""
    seconds: float = 0.0


def main() -> int:
    """Make what standard input asks for; return 0 if it was made or refused in words."""
    task = Task(**json.loads(sys.stdin.read()))
    try:
        answer = remade(task)
    except PlatformError as wrong:
        answer = Answer(refused=str(wrong))
    Path(task.answer).write_text(json.dumps(asdict(answer)), encoding="utf-8")
    return 0


def remade(task: Task) -> Answer:
    """Return what came of making a model again, once it is in the other lake.

    Raises:
        PlatformError: If something cannot be read, or no finite model came of it.
    """
    import jax

    from mlplatform.lake import Lake
    from mlplatform.provenance import environment, pipeline_code, surroundings
    from mlplatform.provenance.code import code_identity
    from mlplatform.provenance.making import left, made
    from mlplatform.train import reproducible
    from mlplatform.train.around import Around

    _require_own(Path(task.root))
    reproducible.apply()
    lake, begin = Lake(task.lake, task.storage_options), time.monotonic()
    read = {noun: _version(lake, *each) for noun, each in task.read.items()}
    pipeline = pipeline_code.load(lake.artifacts.open(task.code), Path(task.folder))
    near = Around(budget=left(pipeline, read.get("study")), devices=task.devices)
    done = made(pipeline, lake, read, near, task.scan)
    lines = environment.installed()
    return Answer(
        artifact=Lake(task.into).artifacts.put(done.files),
        code_version=str(code_identity(Path(task.root))),
        environment=environment.digest(lines),
        around=surroundings.seen(Path(task.root), jax.default_backend()),
        stopped_by=done.trained.fitted.stopped_by,
        seconds=time.monotonic() - begin,
    )


def _version(lake: Any, table: str, number: int, reference: str) -> Any:
    version = lake.table(table).version(number)
    if version.reference != reference:
        raise LakeError(f"{table} {reference} is {version.reference} now; it was made anew")
    return version


def _require_own(root: Path) -> None:
    """Refuse to train with code from elsewhere, such as what is installed."""
    here = Path(__file__).resolve()
    if not here.is_relative_to(root.resolve()):
        raise ReproductionError(f"the code that ran is {here}, not of the checkout {root}")


if __name__ == "__main__":
    sys.exit(main())
