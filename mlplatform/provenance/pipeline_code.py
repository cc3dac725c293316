"""What a team wrote: the spec as it was resolved, and the files of the pipeline's folder, never its data."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.errors import LakeError, PlatformError, ReproductionError

if TYPE_CHECKING:
    from mlplatform.lake.artifacts import Artifact, Artifacts
    from mlplatform.spec import Pipeline

FACT = "pipeline_code"
SPEC, DEFS = "spec.json", "defs.yaml"
FOLDER, NAMES = (
    "folder",
    "names",
)  # Facts: where it lay in the checkout; files renamed to be stored.


def put(pipeline: "Pipeline", root: Path, artifacts: "Artifacts") -> str:
    """Store the pipeline's code and return the artifact's digest.

    Its facts say in which `folder` of the checkout it lay, "" outside, and by which `names` its
    files are called where an artifact's files cannot be.
    """
    files = {SPEC: pipeline.spec.model_dump_json(indent=1).encode()}
    names: dict[str, str] = {}
    for path in sources(pipeline.folder):
        name = path.name
        try:
            _require_storable(name)
        except LakeError:
            name = f"renamed-{len(names)}{path.suffix}"
            names[name] = path.name
        files[name] = path.read_bytes()
    return artifacts.put(files, {FOLDER: _inside(pipeline.folder, root), NAMES: names})


def sources(folder: Path) -> list[Path]:
    """Return `defs.yaml` and the Python files of a pipeline's folder, sorted; nothing else."""
    return sorted(path for path in folder.glob("*") if path.is_file() and is_source(path.name))


def is_source(name: str) -> bool:
    """Tell whether a file of a pipeline's folder is one that a team wrote as code."""
    return name == DEFS or Path(name).suffix == ".py"


def load(artifact: "Artifact", folder: Path) -> "Pipeline":
    """Return the pipeline with its recorded spec, whose paths are relative to `folder`.

    Raises:
        PlatformError: If this code's specs are others than what was recorded.
    """
    from pydantic import ValidationError

    from mlplatform.spec import Pipeline, PipelineSpec

    try:
        spec = PipelineSpec.model_validate_json(artifact.read(SPEC))
    except ValidationError as wrong:
        said = wrong.errors()[0]
        where = ".".join(map(str, said["loc"]))
        raise PlatformError(
            f"{SPEC} of artifact {artifact.digest[:12]}: {where}: {said['msg']};"
            " this code reads other specs than the one it was written by"
        ) from None
    return Pipeline(spec=spec, folder=folder)


def written(artifact: "Artifact") -> Mapping[str, bytes]:
    """Return the files of the pipeline's folder by their names there."""
    names: dict[str, str] = artifact.facts.get(NAMES, {})
    return {names.get(n, n): artifact.read(n) for n in artifact.names if n != SPEC}


def folder_of(artifact: "Artifact") -> str:
    """Return where in the checkout the folder lay; "" outside of it."""
    told: Any = artifact.facts.get(FOLDER, "")
    return str(told)


def laid_out(code: "Artifact", commit: str, checkout: Path, apart: Path) -> Path:
    """Return the pipeline's folder: the checkout's, or where it lay outside of one, a copy of what was recorded.

    Args:
        code: What was recorded.
        commit: That is checked out.
        checkout: Of it.
        apart: Folder for a copy; it is made.

    Raises:
        ReproductionError: If the commit has other files than were recorded, so that what trained was
            no part of it; or if a recorded name leads out of the folder.
    """
    recorded, inside = written(code), folder_of(code)
    if not inside:
        return _copied(recorded, apart)
    folder = (checkout / inside).resolve()
    there = {path.name: path.read_bytes() for path in sources(folder)}
    unlike = sorted(n for n in {*there, *recorded} if there.get(n) != recorded.get(n))
    if unlike or not folder.is_relative_to(checkout.resolve()):
        named = ", ".join(unlike) or "the folder"
        raise ReproductionError(
            f"{inside} of commit {commit[:12]} is not what was trained from: {named}; git ignores it, or"
            " the record was changed"
        )
    return folder


def _copied(files: Mapping[str, bytes], folder: Path) -> Path:
    folder.mkdir()
    for name, content in files.items():
        if Path(name).name != name:
            raise ReproductionError(f"the pipeline's code names {name!r}, which is no file name")
        (folder / name).write_bytes(content)
    return folder


def _inside(folder: Path, root: Path) -> str:
    folder, root = folder.resolve(), root.resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else ""


def _require_storable(name: str) -> None:
    from mlplatform.lake import names

    names.file_name(name)
    if name == SPEC:
        raise LakeError(f"{name} is the spec's own name")
