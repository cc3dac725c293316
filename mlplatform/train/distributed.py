"""One training by many processes: the first says what is trained, all train it, the first keeps it.

Every process reads the same version from the lake, puts its share of each batch on its devices, and
comes to the same parameters. Checkpoints lie where all of them can write.
"""

import atexit
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import jax

from mlplatform.errors import PreemptedError, TrainingError
from mlplatform.lake import Version
from mlplatform.settings import AUTO, Processes
from mlplatform.spec.budget import Budget
from mlplatform.spec.families import Family
from mlplatform.train import together
from mlplatform.train.around import Around
from mlplatform.train.progress import Progress
from mlplatform.train.rendezvous import meet

JOIN_SECONDS = 300  # For all processes to come: a cluster starts machines meanwhile.
STATUS = re.compile("[A-Z_]+: ")  # How XLA's errors begin; those of collectives are ValueErrors.
PREEMPTION = "jax_enable_preemption_service"
LEAVE_SECONDS = 30  # For all to end: who is not done by then waits for one that failed.


@dataclass(frozen=True, kw_only=True)
class Call:
    """What the first process asks the others to train with it.

    Attributes:
        pipeline: By its name.
        table: Of the features.
        number: Of their version.
        reference: Number and content in one word: all must read the same bytes.
        model: JSON of the settings.
        budget: JSON.
        identity: Of the training.
        checkpoints: The folder; empty keeps none.
        every_seconds: Between them.
    """

    pipeline: str
    table: str
    number: int
    reference: str
    model: str
    budget: str
    identity: str
    checkpoints: str
    every_seconds: float

    def around(self, on_epoch: Callable[[Progress], None]) -> Around:
        """Return the surroundings that others than the first train in: a terminal hears of epochs."""
        return Around(
            checkpoints=Path(self.checkpoints) if self.checkpoints else None,
            identity=self.identity,
            every_seconds=self.every_seconds,
            budget=Budget.model_validate_json(self.budget),
            on_epoch=on_epoch,
            on_note=_unsaid,
        )


def start(processes: Processes | None, seconds: float = JOIN_SECONDS) -> None:
    """Make the processes known to each other, once a process, before JAX is used.

    Args:
        processes: As the settings say; `None` is this one alone.
        seconds: For the others to come, where the settings say at which port.

    Raises:
        TrainingError: If JAX is in use already, or not all came.
    """
    if processes is None or jax.distributed.is_initialized():
        return
    alone = processes.coordinator == AUTO
    if not alone:
        meet(processes, seconds)
    # It would take SIGTERM to itself, and a worker that waits would not end.
    jax.config.update(PREEMPTION, val=False)  # type: ignore[no-untyped-call] # JAX leaves it untyped.
    try:
        jax.distributed.initialize(
            coordinator_address=None if alone else processes.coordinator,
            num_processes=processes.count,
            process_id=processes.number,
            initialization_timeout=JOIN_SECONDS,
            shutdown_timeout_seconds=LEAVE_SECONDS,
        )
    except (RuntimeError, ValueError) as wrong:
        raise TrainingError(_not_joined(processes, wrong)) from wrong
    with together.joined():
        together.first(0)  # Gloo connects as it is first used, and waits 30 s then, never later.
    if jax.process_index() == 0:
        atexit.register(leave)


@contextmanager
def led(
    pipeline: str, features: Version, model: Family, around: Around, *, last: bool = True
) -> Iterator[None]:
    """Let all processes train what the first trains inside; with one process nothing is to be done.

    Rows are read before: the others read theirs as this begins. The `last` training of this process
    lets them go.

    Raises:
        TrainingError: If this is not the first process, another cannot read what is trained on, or
            one is gone.
    """
    if jax.process_count() == 1:
        yield
        return
    if jax.process_index() > 0:
        raise TrainingError(
            f"{pipeline}: this is process {jax.process_index()}, which follows;"
            f" run `mlplatform train-worker {pipeline}` here"
        )
    try:
        with together.joined():
            _ask(pipeline, features, model, around)
            yield
    except (TrainingError, PreemptedError):
        leave()  # All processes came to this end.
        raise
    except BaseException as wrong:
        atexit.unregister(leave)  # The others wait for gradients, and would not hear it.
        if isinstance(wrong, jax.errors.JaxRuntimeError | ValueError) and STATUS.match(str(wrong)):
            raise TrainingError(_broken_off(pipeline, wrong)) from wrong
        raise
    if last:
        leave()


def leave() -> None:
    """Let the others go, who wait to hear what is trained next; the first process goes on alone."""
    atexit.unregister(leave)
    with together.joined():
        together.text("")
    jax.distributed.shutdown()  # type: ignore[no-untyped-call] # JAX leaves it untyped.


def heard() -> Call | None:
    """Return what the first process asks for next, once it does; None when it ends."""
    said = together.text("")
    return Call(**json.loads(said)) if said else None


def _ask(pipeline: str, features: Version, model: Family, around: Around) -> None:
    call = Call(
        pipeline=pipeline,
        table=features.table,
        number=features.number,
        reference=features.reference,
        model=model.model_dump_json(),
        budget=around.budget.model_dump_json(),
        identity=around.identity,
        checkpoints=str(around.checkpoints or ""),
        every_seconds=around.every_seconds,
    )
    together.text(json.dumps(asdict(call)))
    if together.anywhere(flag=False):
        raise TrainingError(
            f"{pipeline}: another process cannot read what is trained on; its own log says why"
        )


def _broken_off(pipeline: str, wrong: Exception) -> str:
    return (
        f"{pipeline}: the training of {jax.process_count()} processes broke off: {_brief(wrong)};"
        " their logs say why; start all again, and it goes on from its checkpoint"
    )


def _brief(wrong: Exception) -> str:
    return " ".join(str(wrong).split())[:200]


def _not_joined(processes: Processes, wrong: Exception) -> str:
    brief = _brief(wrong)
    if processes.coordinator == AUTO:
        return f"MLPLATFORM_COORDINATOR={AUTO} found no cluster: {brief}; set it to host:port"
    return (
        f"process {processes.number} of {processes.count} could not join the others at"
        f" {processes.coordinator}: {brief}"
    )


def _unsaid(sentence: str) -> None:
    """Tell nobody: the first process does."""
