"""`mlplatform train-worker`: a process that trains along with another one's run."""

import math
import os
import sys
import traceback

import typer

from mlplatform.cli.lake import open_lake
from mlplatform.errors import PlatformError
from mlplatform.settings import AUTO, Settings
from mlplatform.spec import Pipeline, load_pipeline

FIRST = (
    "a worker needs MLPLATFORM_COORDINATOR, MLPLATFORM_PROCESSES and a MLPLATFORM_PROCESS_ID"
    " above 0; process 0 is the run that it trains along with"
)


def run(settings: Settings, name: str, wait: float = math.inf) -> int:
    """Join the first process, train what it trains, and return 0 if all of it came to a model.

    One that lets this process go before anything was trained is not the one waited for: a process
    joins JAX's others once, so this one begins anew.

    Args:
        settings: Of this process; all but its number are as those of the first.
        name: Of the pipeline.
        wait: Seconds for the first process to come.

    Raises:
        PlatformError: If this is the first process, no other is named, or it does not come.
    """
    import jax

    from mlplatform.train import compile_cache, distributed, reproducible

    if settings.processes is None or settings.processes.number == 0:
        raise PlatformError(FIRST)
    pipeline = load_pipeline(settings.pipelines / name, settings.environment)
    reproducible.apply()
    compile_cache.enable(settings.compile_cache)
    if settings.processes.coordinator != AUTO:
        typer.echo(f"waiting for the first process at {settings.processes.coordinator}")
    distributed.start(settings.processes, wait)
    if jax.process_index() == 0:
        raise PlatformError(FIRST)
    came = _followed(pipeline, settings)
    if not came:
        typer.echo("the first process trained nothing")
        jax.distributed.shutdown()  # type: ignore[no-untyped-call] # JAX leaves it untyped.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  itself, again
    return 0 if all(came) else 1


def _followed(pipeline: Pipeline, settings: Settings) -> list[bool]:
    from rich.console import Console

    from mlplatform.train.progress import Terminal
    from mlplatform.train.worker import follow

    try:
        return follow(pipeline, open_lake(settings), typer.echo, lambda: Terminal(Console()))
    except Exception:
        # An orderly end would wait for the first process, which waits for this one.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
