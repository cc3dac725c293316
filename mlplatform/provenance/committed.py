"""Whether all that a model was made by is in a commit: the code behind every version, and the team's own files."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.errors import GateRefusedError, LakeError
from mlplatform.provenance import pipeline_code
from mlplatform.provenance.ancestry import number
from mlplatform.provenance.code import LOCAL, git_says, require_committed

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.lake.artifacts import Artifact

SHA1_DIGITS = 40  # Of a blob's name; a repository of the newer format has 64.
SOURCE = (
    "/source"  # Nothing is landed twice, so to make a source again is another thing to ask for.
)


def code_of(lake: "Lake", *versions: "Version") -> dict[str, str]:
    """Return the code of versions and of all they were made from, by table and `Version.reference` in one word.

    The code of a version whose commit cannot be read, or is another one by now, is "".
    """
    found, waiting = dict[str, str](), list(versions)
    while waiting:
        version = waiting.pop(0)
        found[f"{version.table} {version.reference}"] = version.lineage.code_version
        for table, reference in version.lineage.inputs.items():
            if found.setdefault(f"{table} {reference}", "") == "":
                with suppress(LakeError):
                    before = lake.table(table).version(number(reference))
                    waiting += [before] if before.reference == reference else []
    return found


def require_all_committed(lake: "Lake", environment: str, *versions: "Version") -> None:
    """Return if committed code made the versions and all they were made from, or it is local development.

    Raises:
        GateRefusedError: Naming the first version that no commit made.
    """
    if environment in LOCAL:
        return
    for version, code in code_of(lake, *versions).items():
        table = version.partition(" ")[0]
        again = "withdraw and land it again" if table.endswith(SOURCE) else f"make {table} again"
        require_committed(code, environment, f"{version} was made", again)


def require_in_commit(lake: "Lake", model: "Version", environment: str, root: Path) -> None:
    """Return if the team's files that a model was made by are those of its commit, or it is local development.

    Args:
        lake: Holds what is on record of them.
        model: Version of `<pipeline>/model`.
        environment: `MLPLATFORM_ENVIRONMENT`.
        root: The checkout.

    Raises:
        GateRefusedError: If there is no record of them, or the commit has others: the folder lies
            outside of the checkout, or git ignores it.
    """
    if environment in LOCAL:
        return
    digest = model.lineage.facts.get(pipeline_code.FACT)
    if not digest:
        raise GateRefusedError(_refusal("is not on record", environment, "train again"))
    code, commit = lake.artifacts.open(digest), model.lineage.code_version
    inside = pipeline_code.folder_of(code)
    if not inside:
        why = "lay outside of the checkout, so it is in no commit of it"
        raise GateRefusedError(_refusal(why, environment, "put it into the repository"))
    if unlike := _unlike(code, root, commit):
        why = f"{inside} is not what commit {commit[:12]} has: {', '.join(unlike)}"
        raise GateRefusedError(_refusal(why, environment, "commit it, if git ignores it"))


def _refusal(why: str, environment: str, then: str) -> str:
    return (
        f"the pipeline's code {why}; nobody could make the model again, and MLPLATFORM_ENVIRONMENT is"
        f" {environment!r}: {then}"
    )


def _unlike(code: "Artifact", root: Path, commit: str) -> list[str]:
    """Return the names of recorded files that the commit has otherwise or not, and of those it has beside."""
    blobs = _blobs(root, commit, pipeline_code.folder_of(code))
    written = pipeline_code.written(code)
    names = {*written, *filter(pipeline_code.is_source, blobs)}
    return sorted(n for n in names if n not in written or not _is(written[n], blobs.get(n)))


def _blobs(root: Path, commit: str, folder: str) -> dict[str, str]:
    """Return git's names of the files of a folder in a commit, by theirs; none where it has no such folder."""
    told = git_says(root, "ls-tree", "-z", "--full-tree", f"{commit}:./{folder}") or ""
    lines = (line.partition("\t") for line in told.split("\0") if line)
    return {name: words.split()[2] for words, _, name in lines}


def _is(content: bytes, name: str | None) -> bool:
    """Tell whether git calls these bytes so."""
    kind = "sha1" if len(name or "") == SHA1_DIGITS else "sha256"
    said = hashlib.new(kind, b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return said.hexdigest() == name
