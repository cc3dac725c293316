"""How the steps of a run are executed: one setting, `MLPLATFORM_EXECUTOR`."""

import dagster as dg

from mlplatform.errors import PlatformError

# Without this list every forked step imports these itself: 16 to 115 times the cost of a small step.
PRELOADED = [
    "dagster._cli",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.storage.event_log",
    "dagster._core.storage.runs",
    "dagster._core.storage.schedules",
    "dagster._core.storage.root",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.launcher",
    "dagster._core.run_coordinator",
    "definitions",
]
PROCESSES = 2  # Steps of one pipeline are a chain; two let checks run beside it.


def executor(name: str) -> dg.ExecutorDefinition:
    """Return the executor called `name`.

    Raises:
        PlatformError: If `k8s` is asked for and dagster-k8s is not installed.
    """
    if name == "multiprocess":
        start = {"forkserver": {"preload_modules": PRELOADED}}
        return dg.multiprocess_executor.configured(
            {"max_concurrent": PROCESSES, "start_method": start}
        )
    if name == "k8s":
        try:
            from dagster_k8s import k8s_job_executor
        except ImportError:
            raise PlatformError(
                "MLPLATFORM_EXECUTOR is 'k8s' but dagster-k8s is missing; install the extra `k8s`"
            ) from None
        return k8s_job_executor
    return dg.in_process_executor
