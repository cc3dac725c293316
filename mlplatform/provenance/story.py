"""How one registered model came to be and what became of it, from the lake alone.

A fact that its commit does not hold was not recorded then, and is `None`: nothing is guessed.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlplatform.provenance.judged import Judged
from mlplatform.provenance.lived import Lived
from mlplatform.provenance.steps import LandedFile, Step

FORMAT = 1  # Of the JSON; raised when a reader of the old form would misread the new one.


@dataclass(frozen=True, kw_only=True)
class Code:
    """The code that made the model.

    Attributes:
        said: As it was recorded.
        commit: The git commit; None where no checkout was.
        dirty: Whether files differed from it; None where no checkout was.
        pipeline: Digest of the artifact with the team's own files and spec.
        files: sha256 of each file in it, by name.
        folder: Where the team's files lay in the checkout.
    """

    said: str
    commit: str | None
    dirty: bool | None
    pipeline: str | None
    files: Mapping[str, str]
    folder: str | None


@dataclass(frozen=True, kw_only=True)
class Story:
    """Everything on record of one registered model.

    Attributes:
        format: Of this JSON.
        told_at: When this was put together, in UTC.
        lake: Where it was read.
        pipeline: Its name.
        version: Of the registry.
        digest: Of the artifact.
        registered_at: When, in UTC.
        role: champion, challenger, previous or nothing, now.
        code: What made it.
        files: sha256 and bytes of each file of the artifact, by name; empty with a `problems` entry.
        steps: Every version it was made from, and its own, each after those it was made from.
        landed: The newest files of the source tables, oldest first.
        landed_before: Commits of the source tables that were not looked at.
        spec: The pipeline's resolved spec.
        hyperparameters: Of the training.
        training: Seed, epochs, what stopped it, versions, as the artifact says.
        surroundings: Interpreter, lock, CUDA, driver, hardware, XLA's flags.
        environment: Digest of the installed libraries.
        libraries: Digest of the artifact that lists them.
        run: The Dagster run: `id`, `job`, `launched_by`, and the training log's name.
        trigger: Why it ran: `kind` and evidence.
        spent: What of its budget the training used.
        judged: Verdict, gates, metrics, overrides.
        lived: What happened to it in deployment, oldest first.
        answers: Newest version of the log of answers: `version` and `rows` of all models.
        certificates: Each time it was made again.
        signature: Of the artifact.
        problems: What could not be read, a line each.
    """

    format: int
    told_at: datetime
    lake: str
    pipeline: str
    version: int
    digest: str
    registered_at: datetime
    role: str
    code: Code
    files: Mapping[str, Mapping[str, Any]]
    steps: Sequence[Step]
    landed: Sequence[LandedFile]
    landed_before: int
    spec: Mapping[str, Any] | None
    hyperparameters: Mapping[str, Any] | None
    training: Mapping[str, Any] | None
    surroundings: Mapping[str, Any] | None
    environment: str | None
    libraries: str | None
    run: Mapping[str, str | None]
    trigger: Mapping[str, Any] | None
    spent: Mapping[str, float] | None
    judged: Judged
    lived: Sequence[Lived]
    answers: Mapping[str, int] | None
    certificates: Sequence[Mapping[str, Any]]
    signature: Mapping[str, Any]
    problems: Sequence[str]

    def step(self, noun: str) -> Step | None:
        """Return the version of the pipeline's table of this name."""
        return next((s for s in self.steps if s.table == f"{self.pipeline}/{noun}"), None)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON-able data; instants in ISO 8601."""
        told: dict[str, Any] = plain(dataclasses.asdict(self))
        return told


def plain(value: Any) -> Any:
    """Return JSON-able data: instants in ISO 8601, sequences as lists."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
