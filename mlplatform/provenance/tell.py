"""Puts the story of a registered model together: a few log entries, three small files, five artifacts."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mlplatform.errors import LakeError
from mlplatform.lake import Lake
from mlplatform.provenance import environment, pipeline_code, surroundings
from mlplatform.provenance.judged import judged
from mlplatform.provenance.lived import Lived, lived
from mlplatform.provenance.steps import LandedFile, Step, landed_files, steps
from mlplatform.provenance.story import FORMAT, Code, Story
from mlplatform.registry.find import Found, registration
from mlplatform.rollout.events import live

if TYPE_CHECKING:
    from mlplatform.lake import Artifact
    from mlplatform.rollout import Model

TRAINING = "training.json"
CERTIFICATE = "certificate"  # `mlplatform.provenance.certificate.TABLE`, whose import takes 0.2 s.
LANDED = 50  # Commits of a source table that are looked at: each is a log entry to read.
ROLES = {"champion": "champion", "canary": "challenger", "previous": "previous"}
CODE = re.compile(r"(?P<commit>[0-9a-f]{7,64})(?P<dirty>-dirty)?")
T = TypeVar("T")


def tell(lake: Lake, found: Found, at: datetime | None = None, *, brief: bool = False) -> Story:
    """Return the story of a registered model; a `brief` one without deployments and certificates.

    What cannot be read is left out and named in `problems`: a story with a gap is still told.
    """
    problems: list[str] = []
    look = _Look(lake, found, problems)
    made = steps(lake, {**found.record.data_versions, **look.registration()})
    problems += [f"{step.table} {step.reference}: {step.problem}" for step in made if step.problem]
    landed, before = look.landed(made)
    facts = found.model.lineage.facts
    verdict = next((step for step in made if step.noun == "gate_verdict"), None)
    said = judged(lake, verdict, found.record)
    problems += [f"report: {said.problem}"] if said.problem else []
    return Story(
        format=FORMAT,
        told_at=at or datetime.now(UTC),
        lake=lake.root,
        pipeline=found.pipeline,
        version=found.record.model_version,
        digest=found.record.model_digest,
        registered_at=found.record.registered_at,
        role=look.role(),
        code=look.code(),
        files=look.files(),
        steps=made,
        landed=landed,
        landed_before=before,
        spec=look.json(facts.get(pipeline_code.FACT), pipeline_code.SPEC),
        hyperparameters=look.hyperparameters(),
        training=look.json(found.record.model_digest, TRAINING),
        surroundings=look.json(facts.get(surroundings.FACT), surroundings.FILE),
        environment=facts.get(environment.FACT),
        libraries=facts.get(environment.LIST_FACT),
        run={
            "id": found.model.lineage.run_id,
            "job": facts.get("job"),
            "launched_by": facts.get("launched_by"),
            "training_log": facts.get("mlflow_run"),
        },
        trigger=_json(facts.get("trigger")),
        spent=_json(facts.get("spent")),
        judged=said,
        lived=[] if brief else look.lived(),
        answers=look.answers(),
        certificates=[] if brief else look.tried("certificates", look.certificates, []),
        signature=look.tried("signature", look.signature, {"standing": None, "keys": []}),
        problems=problems,
    )


class _Look:
    """Reads what belongs to one model; what cannot be read becomes a line of `problems`."""

    def __init__(self, lake: Lake, found: Found, problems: list[str]) -> None:
        self.lake, self.found, self.problems = lake, found, problems
        self._artifacts: dict[str, Artifact | None] = {}

    def tried(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except LakeError as wrong:
            self.problems.append(f"{what}: {wrong}")
            return otherwise

    def artifact(self, digest: str | None) -> "Artifact | None":
        if not digest:
            return None
        if digest not in self._artifacts:
            opened = self.tried("artifact", lambda: self.lake.artifacts.open(digest), None)
            self._artifacts[digest] = opened
        return self._artifacts[digest]

    def json(self, digest: str | None, name: str) -> dict[str, Any] | None:
        """Return a JSON file of an artifact; None where it is not on record or cannot be read."""
        artifact = self.artifact(digest)
        if artifact is None or name not in artifact.names:
            return None
        return _json(self.tried(name, lambda: artifact.read(name).decode(errors="replace"), None))

    def registration(self) -> dict[str, str]:
        """Return the version of the table that registered it."""
        read = partial(registration, self.lake, self.found.pipeline)
        version = self.tried("registered", lambda: read(self.found.record.model_version), None)
        return {version.table: version.reference} if version else {}

    def role(self) -> str:
        nobody: dict[str, Model | None] = {}
        now = self.tried("deployments", lambda: live(self.lake, self.found.pipeline), nobody)
        digest = self.found.record.model_digest
        roles = [ROLES[role] for role, model in now.items() if model and model.digest == digest]
        return roles[0] if roles else ""

    def code(self) -> Code:
        said = self.found.model.lineage.code_version
        parsed = CODE.fullmatch(said)
        digest = self.found.model.lineage.facts.get(pipeline_code.FACT)
        stored = self.artifact(digest)
        manifest = stored.manifest["files"] if stored else {}
        return Code(
            said=said,
            commit=parsed["commit"] if parsed else None,
            dirty=bool(parsed["dirty"]) if parsed else None,
            pipeline=digest,
            files={name: file["sha256"] for name, file in sorted(manifest.items())},
            folder=pipeline_code.folder_of(stored) if stored else None,
        )

    def files(self) -> dict[str, Mapping[str, Any]]:
        artifact = self.artifact(self.found.record.model_digest)
        return dict(sorted(artifact.manifest["files"].items())) if artifact else {}

    def landed(self, made: list[Step]) -> tuple[list[LandedFile], int]:
        """Return the newest files of every source table, and how many commits were left unread."""
        sources = [step for step in made if not step.inputs and not step.problem]
        nothing: tuple[list[LandedFile], int] = ([], 0)
        found = [
            self.tried("landed", partial(landed_files, self.lake, step, LANDED), nothing)
            for step in sources
        ]
        return [file for files, _ in found for file in files], sum(left for _, left in found)

    def lived(self) -> list[Lived]:
        nothing: list[Lived] = []
        found = self.found
        read = partial(lived, self.lake, found.pipeline, found.record.model_digest)
        return self.tried("deployments", read, nothing)

    def hyperparameters(self) -> dict[str, Any] | None:
        model = self.found.model
        nothing: list[dict[str, Any]] = []
        read = partial(self.lake.peek(model.table).listed, model.number)
        rows = self.tried("model", read, nothing)
        row = rows[0] if rows else {}
        return _json(row.get("hyperparameters"))

    def answers(self) -> dict[str, int] | None:
        table = self.lake.peek(f"{self.found.pipeline}/predictions")
        newest = self.tried("predictions", table.newest, -1)
        if newest < 0:
            return None
        rows = self.tried("predictions", lambda: table.commit(newest).version.rows, 0)
        return {"version": newest, "rows": rows}

    def certificates(self) -> list[dict[str, Any]]:
        """Return every certificate of this model, oldest first, without its details."""
        digest = self.found.record.model_digest
        table = self.lake.peek(f"{self.found.pipeline}/{CERTIFICATE}")
        rows = [row for n in table.naming(["model_digest"], digest) for row in table.listed(n)]
        ours = [row for row in rows if row["model_digest"] == digest]
        return [{name: each for name, each in row.items() if name != "details"} for row in ours]

    def signature(self) -> dict[str, Any]:
        from mlplatform.registry.signing import standing

        digest = self.found.record.model_digest
        keys = self.lake.signatures.keys(digest)
        return {"standing": str(standing(self.lake, digest)), "keys": keys}


def _json(text: str | None) -> dict[str, Any] | None:
    """Return a JSON object; None for anything else."""
    try:
        told = json.loads(text) if text else None
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
