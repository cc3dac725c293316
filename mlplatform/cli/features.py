"""`mlplatform features`: which features there are, what is behind them, and who uses them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlplatform.features.catalogue import Entry
    from mlplatform.features.catalogue_lake import Seen, Use
    from mlplatform.lake import Lake
    from mlplatform.spec import Pipeline

app = typer.Typer(no_args_is_help=True, help="The catalogue of features.")

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def list_(
    pipeline: Annotated[str, typer.Argument(help="Name of a pipeline; all if left out.")] = "",
    json: Json = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Every feature: kind, type, columns, owner, and the models that use it."""
    from mlplatform.features.catalogue_shown import as_json, rows

    known, lake, settings = _everything()
    chosen = [_named(settings, pipeline)] if pipeline else known
    if json:
        _print_json({p.name: [as_json(*each) for each in _told(lake, p, known)] for p in chosen})
        return
    for each in chosen:
        told = _told(lake, each, known)
        _table(each.name, rows([e for e, _, _ in told], {e.name: u for e, _, u in told}))


@app.command()
def show(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    feature: Annotated[str, typer.Argument(help="Name of the feature.")],
    json: Json = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """One feature: what it reads and when that is known, statistics, models, and where it is declared."""
    from mlplatform.cli.data.text import say, whole
    from mlplatform.errors import FeatureError
    from mlplatform.features.catalogue_shown import as_json, details

    known, lake, settings = _everything()
    told = {e.name: (e, s, u) for e, s, u in _told(lake, _named(settings, pipeline), known)}
    if feature not in told:
        raise FeatureError(f"{pipeline} has no feature {feature!r}; known: {', '.join(told)}")
    if json:
        _print_json(as_json(*told[feature]))
        return
    lines = details(*told[feature])
    width = max(len(title) for title, _ in lines)
    for title, text in lines:
        say(f"{title:{width}}  {whole(text)}")


def _everything() -> "tuple[list[Pipeline], Lake, Any]":
    from mlplatform.cli.data.input import here
    from mlplatform.cli.lake import open_lake
    from mlplatform.spec import load_pipelines

    settings = here()
    return load_pipelines(settings.pipelines, settings.environment), open_lake(settings), settings


def _named(settings: Any, name: str) -> "Pipeline":
    from mlplatform.cli.release import find_pipeline

    return find_pipeline(settings, name)


def _told(
    lake: "Lake", pipeline: "Pipeline", known: "list[Pipeline]"
) -> "list[tuple[Entry, Seen | None, Sequence[Use]]]":
    """Return each feature with its statistics and models, those of pipelines that share the file too."""
    from mlplatform.features.catalogue import entries
    from mlplatform.features.catalogue_lake import sharing, statistics, uses
    from mlplatform.features.load import load_feature_set

    declared = entries(pipeline, load_feature_set(pipeline))
    together = [pipeline, *sharing(pipeline, known)]
    seen = statistics(lake, pipeline)
    used = uses(lake, together, _live(lake, together))
    return [(entry, seen.get(entry.name), used.get(entry.name, [])) for entry in declared]


def _live(lake: "Lake", pipelines: "list[Pipeline]") -> dict[str, str]:
    """Return which models take traffic, by digest."""
    from mlplatform.rollout.events import traffic

    arms: dict[str, str] = {}
    for pipeline in pipelines:
        now = traffic(lake.table(pipeline.table("deployment")))
        for arm, model in (("canary", now.canary), ("champion", now.champion)):
            if model is not None:
                arms[model.digest] = arm
    return arms


def _table(name: str, lines: list[dict[str, str]]) -> None:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    from mlplatform.cli.data.text import console, whole

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, title=name, title_justify="left")
    shown = [title for title in lines[0] if any(line[title] for line in lines)]
    for title in shown:
        grid.add_column(title, no_wrap=title in ("feature", "kind", "type"))
    for line in lines:
        grid.add_row(*(Text(whole(line[title])) for title in shown))
    console().print(grid)


def _print_json(answer: Any) -> None:
    import json

    typer.echo(json.dumps(answer, indent=2))
