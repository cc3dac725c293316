"""What a lineage picture shows: boxes from the files that landed to the requests that are answered, and arrows."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlplatform.provenance.steps import Step
from mlplatform.provenance.story import Story
from mlplatform.provenance.words import clean, short

FILES, DEPLOYED, TRAFFIC = (
    "files",
    "deployed",
    "traffic",
)  # No table is called so: theirs have a slash.
GROUPS = {
    **dict.fromkeys(("files", "source", "dataset", "split", "aggregates", "events"), "data"),
    "features": "features",
    **dict.fromkeys(("study", "model"), "training"),
    **dict.fromkeys(("evaluation", "gate_verdict"), "evaluation"),
    **dict.fromkeys(("registered_model", "deployed", "traffic"), "release"),
}


@dataclass(frozen=True, kw_only=True)
class Box:
    """One box: its key, what stands in it, and the keys of the boxes before it."""

    key: str
    title: str
    right: str
    line: str
    group: str
    after: tuple[str, ...]
    warning: bool = False


def boxes(story: Story) -> list[Box]:
    """Return the boxes, every one behind those its arrows come from."""
    found = [*_landed(story), *(_box(story, step) for step in story.steps), *_live(story)]
    known = {box.key for box in found}
    return [
        Box(**{**vars(box), "after": tuple(key for key in box.after if key in known)})
        for box in found
    ]


def _landed(story: Story) -> Iterator[Box]:
    if not story.landed:
        return
    files = len(story.landed)
    newest = clean(story.landed[-1].name, 28)
    more = "+" if story.landed_before else ""
    yield Box(
        key=FILES,
        title="files that landed",
        right=f"{files}{more}",
        line=f"{sum(file.rows for file in story.landed):,} rows · newest {newest}",
        group="data",
        after=(),
    )


def _box(story: Story, step: Step) -> Box:
    source = (FILES,) if not step.inputs and not step.problem else ()
    mine = step.table == f"{story.pipeline}/model"
    rows = f"{step.rows:,} row{'s'[: step.rows != 1]}"
    line = f"{rows} · {short(step.digest)}" if step.digest else "cannot be read"
    line = f"artifact {short(story.digest)}" if mine else line
    noun, right = step.noun, f"version {step.number}" if step.digest else "?"
    if noun == "gate_verdict" and step.digest:
        passed = sum(gate.outcome == "pass" for gate in story.judged.gates)
        line = f"{story.judged.outcome} · {passed} of {len(story.judged.gates)} gates passed"
    if noun == "registered_model":
        right, line = f"version {story.version}", f"{story.pipeline}@{story.version}"
    flag = bool(story.judged.overrides) and noun == "gate_verdict"
    if flag:
        line = f"⚑ overridden · {line}"
    return Box(
        key=step.table,
        title=noun.replace("_", " "),
        right=right,
        line=clean(line),
        group=GROUPS.get(noun, "data"),
        after=(*source, *step.inputs),
        warning=flag or bool(step.problem),
    )


def _live(story: Story) -> Iterator[Box]:
    before = (f"{story.pipeline}/registered_model",)
    if not any(step.table == before[0] for step in story.steps):
        before = (f"{story.pipeline}/gate_verdict",)
    if story.lived:
        last = story.lived[-1]
        yield Box(
            key=DEPLOYED,
            title="deployment",
            right=story.role or "not live",
            line=clean(f"{last.kind.replace('_', ' ')} {last.at:%Y-%m-%d %H:%M} by {last.by}", 40),
            group="release",
            after=before,
        )
    if story.role in {"champion", "challenger"}:
        rows = story.answers["rows"] if story.answers else 0
        yield Box(
            key=TRAFFIC,
            title="live traffic",
            right="now",
            line=f"{rows:,} answers logged, of all models" if rows else "no answer is logged yet",
            group="release",
            after=(DEPLOYED,),
        )
