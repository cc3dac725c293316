"""A process that trains along with the first one, and writes nothing but its part of checkpoints."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from mlplatform.errors import PlatformError, PreemptedError, TrainingError
from mlplatform.features.encoder import Encoder
from mlplatform.lake import Lake
from mlplatform.spec import Pipeline
from mlplatform.spec.families import MODEL
from mlplatform.train import distributed, together
from mlplatform.train.data import Data
from mlplatform.train.distributed import Call
from mlplatform.train.fit import fit_data
from mlplatform.train.load import load
from mlplatform.train.progress import Teller
from mlplatform.train.stream import Streamed


def follow(
    pipeline: Pipeline,
    lake: Lake,
    tell: Callable[[str], None],
    progress: Callable[[], AbstractContextManager[Teller]],
) -> list[bool]:
    """Train along with what the first process trains, until it lets this one go.

    Args:
        pipeline: The one that is trained.
        lake: Where its features are.
        tell: Hears what is trained, and how that ended.
        progress: Gives whom to tell of the epochs of a training, while it lasts.

    Returns:
        Of each training, whether it came to a model.
    """
    came = []
    with together.joined():
        while (call := distributed.heard()) is not None:
            tell(f"training {call.pipeline} on {call.table} {call.reference}")
            with progress() as teller:
                came.append(_trained(pipeline, lake, call, tell, teller))
    return came


def _trained(
    pipeline: Pipeline, lake: Lake, call: Call, tell: Callable[[str], None], teller: Teller
) -> bool:
    data = None
    try:
        data = _rows(pipeline, lake, call)
    except PlatformError as wrong:
        tell(str(wrong))
    # The first process hears whether this one could read. Neither ends alone: the other would wait.
    if together.anywhere(flag=data is None) or data is None:
        return False
    try:
        fit_data(pipeline, data, MODEL.validate_json(call.model), call.around(teller))
    except (TrainingError, PreemptedError) as wrong:
        tell(str(wrong))  # All processes stop at the same step, and the first one says so too.
        return False
    return True


def _rows(pipeline: Pipeline, lake: Lake, call: Call) -> Data | Streamed:
    if call.pipeline != pipeline.name:
        raise TrainingError(f"the first process trains {call.pipeline}, not {pipeline.name}")
    version = lake.table(call.table).version(call.number)
    if version.reference != call.reference:
        raise TrainingError(
            f"the first process reads {call.table} {call.reference}; here it is"
            f" {version.reference}: give all the same MLPLATFORM_LAKE"
        )
    state = lake.artifacts.open(version.lineage.facts["state"])
    encoder = Encoder.from_json(state.read("features.json"))
    return load(pipeline, lake, version, encoder, MODEL.validate_json(call.model))
