"""`mlplatform train-worker`: a process that trains along with another one's run."""

import os
import sys
import traceback

import typer

from mlplatform.cli.lake import open_lake
from mlplatform.errors import PlatformError
from mlplatform.settings import Settings
from mlplatform.spec import load_pipeline

FIRST = (
    "a worker needs MLPLATFORM_COORDINATOR, MLPLATFORM_PROCESSES and a MLPLATFORM_PROCESS_ID"
    " above 0; process 0 is the run that it trains along with"
)


def run(settings: Settings, name: str) -> int:
    """Join the first process, train what it trains, and return 0 if all of it came to a model.

    Raises:
        PlatformError: If this is the first process, or no other is named.
    """
    import jax

    from mlplatform.train import compile_cache, distributed, reproducible
    from mlplatform.train.worker import follow

    if settings.processes is None or settings.processes.number == 0:
        raise PlatformError(FIRST)
    pipeline = load_pipeline(settings.pipelines / name)
    reproducible.apply()
    distributed.start(settings.processes)
    if jax.process_index() == 0:
        raise PlatformError(FIRST)
    compile_cache.enable(settings.compile_cache)
    try:
        return 0 if follow(pipeline, open_lake(settings), typer.echo) else 1
    except Exception:
        # An orderly end would wait for the first process, which waits for this one.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
