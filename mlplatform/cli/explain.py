"""How a model came to be, and what changed from one to another: as a tree, JSON, a page, a picture, or events."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mlplatform.cli.data.text import console, say, whole
from mlplatform.cli.lake import open_lake
from mlplatform.errors import PlatformError
from mlplatform.settings import Settings

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.provenance.story import Story


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where a story goes; without any it is printed as a tree."""

    as_json: bool = False
    html: Path | None = None
    picture: Path | None = None
    openlineage: Path | None = None
    slsa: Path | None = None


def explain(settings: Settings, ref: str, outputs: Outputs) -> None:
    """Tell the story of the model that `ref` means.

    Raises:
        RegistryError: If there is no such model; it names what there is.
        SignatureError: If it has to be signed, as settings say, and is not.
        PlatformError: If a file cannot be written.
    """
    from mlplatform.registry.signing import require

    lake = open_lake(settings)
    story = _story(lake, ref)
    require(lake, story.digest, settings.verify_key)
    written = [
        _written(path, make)
        for path, make in (
            (outputs.html, lambda: _page(story)),
            (outputs.picture, lambda: _picture(story)),
            (outputs.openlineage, lambda: _openlineage(lake, story)),
            (outputs.slsa, lambda: _slsa(story)),
        )
        if path is not None
    ]
    if outputs.as_json:
        _print(story.to_json())
    elif not written:
        _tree(story)


def diff(settings: Settings, one: str, other: str, *, as_json: bool, html: Path | None) -> None:
    """Tell what changed from the model that `one` means to the one that `other` means; errors as of `explain`."""
    from mlplatform.provenance.difference import differ
    from mlplatform.registry.signing import require

    lake = open_lake(settings)
    stories = [_story(lake, ref, brief=True) for ref in (one, other)]
    for story in stories:
        require(lake, story.digest, settings.verify_key)
    told = differ(lake, settings.root, *stories)
    if html is not None:
        from mlplatform.provenance.page import difference_page

        _written(html, lambda: difference_page(told))
    if as_json:
        _print(told.to_json())
    elif html is None:
        from mlplatform.cli.sections import show
        from mlplatform.provenance.difference_sections import sections

        show(f"From {told.before} to {told.after}", sections(told), console())


def _story(lake: "Lake", ref: str, *, brief: bool = False) -> "Story":
    from mlplatform.provenance.tell import tell
    from mlplatform.registry.find import known_pipelines
    from mlplatform.rollout.find import find

    return tell(lake, find(lake, known_pipelines(lake), ref), brief=brief)


def _tree(story: "Story") -> None:
    from mlplatform.cli.sections import show
    from mlplatform.provenance.sections import sections

    role = f", {story.role}" if story.role else ", not live"
    show(f"{story.pipeline} version {story.version}{role}", sections(story), console())


def _page(story: "Story") -> str:
    from mlplatform.provenance.page import story_page

    return story_page(story)


def _picture(story: "Story") -> str:
    from mlplatform.provenance.picture import document

    return document(story)


def _openlineage(lake: "Lake", story: "Story") -> str:
    from mlplatform.provenance.columns import column_lineage
    from mlplatform.provenance.openlineage import events, lines

    return lines(events(story, column_lineage(lake, story)))


def _slsa(story: "Story") -> str:
    from mlplatform.provenance.slsa import statement

    return json.dumps(statement(story), indent=2) + "\n"


def _written(path: Path, make: Callable[[], str]) -> Path:
    try:
        path.write_text(make(), encoding="utf-8")
    except OSError as wrong:
        raise PlatformError(f"cannot write {path}: {wrong.strerror}; name another file") from None
    typer.echo(f"wrote {whole(path)}", err=True)
    return path


def _print(told: Mapping[str, Any]) -> None:
    say(json.dumps(told, indent=2))
