"""The first hour in one command: walk the pipeline through Dagster, ask the deployed model, show what there is."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console

from mlplatform.cli import summary
from mlplatform.cli.dagster_home import materialize, walk_log
from mlplatform.cli.lake import open_lake, open_writable_lake
from mlplatform.cli.release import find_pipeline
from mlplatform.settings import Settings
from mlplatform.spec import Pipeline

# `2026-11-23 14:49:36 +0000 - dagster - INFO - __ASSET_JOB - <run id> - <step> - message`; Dagster's own
# events carry a process id and the name of the event as well, and are not for a person.
LOG_LINE = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:]+ \S+ - dagster - (?P<level>[A-Z]+) - \S+ - [0-9a-f-]{36} - "
    r"(?P<step>[a-z]\w*) - (?P<message>.*)$"
)
NOT_EXECUTED = re.compile(r"^Dependencies for step .* Not executing\.$")
HELD_OUT_ROWS = 1000  # Asked over HTTP: enough for a metric a person recognises, under 2 s.

console = Console(highlight=False, soft_wrap=True)


def run(settings: Settings, name: str, port: int) -> int:
    """Walk, serve, score, summarise; return 0, or the exit code of the walk that failed."""
    pipeline = find_pipeline(settings, name)
    lake = open_writable_lake(settings)
    began, started = datetime.now(UTC), time.monotonic()
    console.print(
        f"[bold]{name}[/]: walking the pipeline through Dagster (state in {settings.home})"
    )
    code = walk(settings, pipeline)
    seconds = time.monotonic() - started
    if code:
        console.print(
            f"[red]stopped after {seconds:.0f} s[/]; nothing after the failed step was materialised"
        )
        summary.gates(console, lake, pipeline, since=began)
        return code
    console.print(f"[green]walked in {seconds:.0f} s[/]\n")
    served = ask_the_deployed_model(settings, pipeline, port)
    summary.everything(console, settings, lake, pipeline, served)
    return 0


def walk(settings: Settings, pipeline: Pipeline) -> int:
    """Materialise every asset of the pipeline in a Dagster process, saying what it does; return its exit code.

    Everything Dagster says is kept in a log file, which is named when something fails.
    """
    log = walk_log(settings)
    mistakes = 0
    with materialize(settings, f'key:"{pipeline.name}/*"') as child:
        assert child.stdout is not None  # noqa: S101  asked for with PIPE
        with log.open("w", encoding="utf-8") as kept:
            for line in child.stdout:
                kept.write(line)
                for said in for_a_person(line):
                    mistakes += said.strip().lower().startswith("error: ")
                    console.print(said, markup=False)
        code = child.wait()
    if code and not mistakes:
        console.print(f"  error: {cause(log.read_text(encoding='utf-8'))}", markup=False)
    if code:
        console.print(f"  everything Dagster said: {log}")
    return code


def cause(said: str) -> str:
    """Return the innermost exception that Dagster reported, which nobody put into words."""
    named = re.findall(r"^(?!dagster\.)[\w.]+(?:Error|Exception|Failure)\b.*$", said, re.MULTILINE)
    return named[-1] if named else "Dagster ended without saying why"


def for_a_person(line: str) -> Iterator[str]:
    """Yield what a person wants to read of one line of Dagster's: the assets' own words, and errors."""
    logged = LOG_LINE.match(line)
    if logged is None:
        if line.startswith("Error: ") and "Materialization failed" not in line:
            yield f"  {line.strip()}"
    elif not NOT_EXECUTED.match(logged["message"]):
        level = "" if logged["level"] == "INFO" else f"{logged['level'].lower()}: "
        yield f"  {level}{logged['message']}"


def ask_the_deployed_model(settings: Settings, pipeline: Pipeline, port: int) -> summary.Served:
    """Start the prediction server, score held-out rows over HTTP, and stop it again."""
    from mlplatform.cli.held_out import held_out_rows, how_right
    from mlplatform.serve.client import PredictionClient
    from mlplatform.serve.process import ServerProcess

    rows, labels = held_out_rows(open_lake(settings), pipeline, HELD_OUT_ROWS)
    console.print("starting the prediction server on the deployed model")
    options = {"compile-cache": settings.compile_cache}
    with ServerProcess(settings.lake, pipeline.name, port=port, options=options) as server:
        client = PredictionClient(server.url)
        asked = [column["name"] for column in client.metadata(pipeline.name)["inputs"]]
        rows = [{name: row[name] for name in asked} for row in rows]
        begun = time.monotonic()
        answers = client.predict(rows)
        seconds = time.monotonic() - begun
        served = summary.Served(
            url=server.url,
            model_version=answers.model_version,
            rows=len(rows),
            quality=how_right(pipeline, answers.answers, labels),
            seconds=seconds,
        )
    console.print("stopped the prediction server\n")
    return served
