"""Reads `defs.yaml`: one message naming file, field, value and what was expected."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mlplatform.errors import SpecError
from mlplatform.spec.environments import in_environment
from mlplatform.spec.model import PipelineSpec
from mlplatform.spec.source import NOT_SHOWN

COMPONENT = "assets.MLPipeline"
MEMBER = 5  # From here on a place in a blend lies within one of its members.


@dataclass(frozen=True)
class Pipeline:
    """A validated spec and the folder its paths are relative to."""

    spec: PipelineSpec
    folder: Path

    @property
    def name(self) -> str:
        """The pipeline's name: the first part of every asset key and table."""
        return self.spec.name

    def table(self, noun: str) -> str:
        """Name of the lake table behind one of the pipeline's assets."""
        return f"{self.name}/{noun}"

    def landed_as(self, events: str) -> "Pipeline":
        """Return what lands an event table of this pipeline, in `<pipeline>/<events>/source`."""
        declared = self.spec.events[events]
        changes: dict[str, Any] = {
            "name": f"{self.name}/{events}",
            "source": declared.source,
            "columns": declared.columns,
            "event_time": declared.event_time,
            "key": [],
        }
        return Pipeline(spec=self.spec.model_copy(update=changes), folder=self.folder)


def load_pipeline(folder: Path, environment: str = "") -> Pipeline:
    """Return the pipeline in `folder`, with the gates it has in `environment`.

    Raises:
        SpecError: If `defs.yaml` is missing, is no YAML, or a field is wrong; or if it declares
            environments, and not this one.
    """
    path = folder / "defs.yaml"
    spec = validate(_attributes(path), path)
    return Pipeline(spec=in_environment(spec, environment), folder=folder)


def load_pipelines(root: Path, environment: str = "") -> list[Pipeline]:
    """Return every pipeline under `root`, by name, with the gates they have in `environment`.

    Raises:
        SpecError: If there is none, or one of them is wrong.
    """
    folders = sorted(p.parent for p in root.glob("*/defs.yaml"))
    if not folders:
        raise SpecError(f"{root}: no pipeline here; expected <name>/defs.yaml")
    declared = [load_pipeline(folder) for folder in folders]
    pipelines = [replace(p, spec=in_environment(p.spec, environment)) for p in declared]
    seen: dict[str, Path] = {}
    for pipeline in pipelines:
        if pipeline.name in seen:
            both = f"{seen[pipeline.name]} and {pipeline.folder}"
            raise SpecError(f"{both} both call themselves {pipeline.name!r}; rename one")
        seen[pipeline.name] = pipeline.folder
    if warning := undeclared(declared, environment):
        logging.getLogger(__name__).warning(warning)
    return pipelines


def undeclared(pipelines: Sequence[Pipeline], environment: str) -> str:
    """Return a line about an environment that no pipeline, as it is written, declares; or nothing.

    One that others declare is wrong in those alone, and they do not load.
    """
    if not environment or any(environment in p.spec.environments for p in pipelines):
        return ""
    said = f"MLPLATFORM_ENVIRONMENT is {environment!r}, and no pipeline declares environments"
    return f"{said} (none known): the gates are the same everywhere; check its spelling"


def validate(attributes: Any, path: Path) -> PipelineSpec:
    """Return the spec in `attributes`, read from `path`.

    Raises:
        SpecError: Naming file, field, value and what was expected, for the first wrong field.
    """
    try:
        return PipelineSpec.model_validate(attributes)
    except ValidationError as wrong:
        raise SpecError(_first_problem(wrong, path)) from None


def spec_digest(spec: PipelineSpec, *sections: str) -> str:
    """Return a sha256 over the named sections, the same for equal content in any key order."""
    content = spec.model_dump_json(include=set(sections) or None)
    return hashlib.sha256(content.encode()).hexdigest()


def _attributes(path: Path) -> Any:
    if not path.is_file():
        raise SpecError(f"{path}: not found; a pipeline is a folder with a defs.yaml")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise SpecError(f"{path}: not valid YAML: {' '.join(str(wrong).split())}") from None
    if not isinstance(document, dict) or document.get("type") != COMPONENT:
        raise SpecError(f"{path}: expected `type: {COMPONENT}` and `attributes:`")
    return document.get("attributes")


def _first_problem(wrong: ValidationError, path: Path) -> str:
    problem = wrong.errors()[0]
    field = ".".join(str(part) for part in ("attributes", *_place(problem["loc"])))
    more = f" (and {wrong.error_count() - 1} more)" if wrong.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"{path}: {field}: no such field; remove it or check its spelling{more}"
    if problem["type"] == "missing":
        return f"{path}: {field}: missing; {_expected(problem['loc'])}{more}"
    if problem["type"] == "value_error":
        return f"{path}: {problem['ctx']['error']}{more}"
    if problem["type"] == "union_tag_not_found":
        return f"{path}: {field}.kind: missing; one of {_kinds(problem)}{more}"
    if problem["type"] == "union_tag_invalid":
        got = problem["ctx"]["tag"]
        tag = "family" if problem["loc"][:1] == ("model",) else "kind"
        return f"{path}: {field}.{tag}: got {got!r}; Input should be {_kinds(problem)}{more}"
    got = "a value not shown here" if problem["type"] == NOT_SHOWN else repr(problem["input"])
    return f"{path}: {field}: got {got}; {problem['msg']}{more}"


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Leave out which kind of source or family was tried: the file does not say it in the path."""
    if loc[:1] == ("source",) and len(loc) > 1:
        return (loc[0], *loc[2:])
    if loc[:1] == ("model",) and len(loc) > 1:
        member = loc[4:5] if loc[2:3] == ("members",) and len(loc) > MEMBER else ()
        return (loc[0], *loc[2:4], *loc[4 + len(member) :])
    return loc


def _kinds(problem: ErrorDetails) -> str:
    return str(
        problem.get("ctx", {}).get("expected_tags") or "csv, jsonl, parquet, delta, sql, function"
    )


def _expected(loc: tuple[int | str, ...]) -> str:
    field = PipelineSpec.model_fields.get(str(loc[0])) if loc else None
    return (field.description if field else None) or "this field is required"
