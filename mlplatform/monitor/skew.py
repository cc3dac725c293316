"""Training-serving skew: the same rows as the feature table has them, by batch, and by a running server."""

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from mlplatform.measures import ParitySeen
from mlplatform.monitor.bits import Differences, Floats, Ids, spacing_of
from mlplatform.monitor.caller import Caller
from mlplatform.monitor.compared import Batch, Compared
from mlplatform.serve.client import PredictionError

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = 422  # HTTP status.
PLATFORM_ROWS = 100_000  # Compared between platforms, spread over the table.


def parity_batch(compared: Compared) -> ParitySeen:
    """Return how the stored features of all rows differ from the model's own, computed from raw rows.

    Raises:
        PlatformError: If table, model and rows are not about the same.
    """
    seen = Differences("batch", compared.names)
    for batch in compared.batches():
        _, *features = batch.computed(compared.predictor)
        seen.features(batch.row_ids, batch.features(), (features[0], features[1]))
    return seen.seen()


def parity_server(
    compared: Compared, url: str, *, model: str, max_rows: int, path: str = "server"
) -> ParitySeen:
    """Return how a running server's answers differ: features from the stored ones, predictions from batch.

    The rows are spread over the whole table and sent as a client would, over HTTP, as JSON: some by
    themselves, the others many at once. A row that is refused ends it, and all its features differ.

    Args:
        compared: The model that must answer.
        url: Where the server is.
        model: Its name in the server's addresses.
        max_rows: Rows that are sent at most.
        path: What the server is called in the answer.

    Raises:
        PredictionError: If the server cannot be reached, fails, or another model answers.
        PlatformError: If table, model and rows are not about the same.
    """
    seen = Differences(path, compared.names)
    with Caller(url, model, compared.digest) as caller:
        for batch in compared.batches(max_rows):
            before = seen.rows
            try:
                _answered(seen, batch, caller)
            except PredictionError as wrong:
                if wrong.status != REFUSED:
                    raise
                # It trained, and a caller gets no answer: nothing differs more.
                seen.refused(batch.row_ids[seen.rows - before], str(wrong))
                break
    return seen.seen()


def _answered(seen: Differences, batch: "Batch", caller: Caller) -> None:
    expected, (vectors, ids) = batch.computed(batch.of.predictor)[0], batch.features()
    spacing = spacing_of(batch.of.predictor.predicts, expected)
    asked = batch.raw.select(list(batch.of.predictor.encoder.asked))
    first = 0
    for answer in caller.answers(asked):
        part = slice(first, first + len(answer.prediction))
        seen.features(batch.row_ids[part], (vectors[part], ids[part]), (answer.vectors, answer.ids))
        seen.predictions(expected[part], answer.prediction, spacing[part])
        first = part.stop


def parity_platforms(compared: Compared, max_rows: int = PLATFORM_ROWS) -> list[ParitySeen]:
    """Return how features and predictions on each other platform differ from those on cpu.

    An empty list: there is none here, and it was not run.
    """
    devices = _devices()
    return [
        across(compared, devices["cpu"], device, platform, max_rows)
        for platform, device in devices.items()
        if platform != "cpu"
    ]


def across(compared: Compared, cpu: Any, device: Any, platform: str, max_rows: int) -> ParitySeen:
    """Return how the model on another JAX device differs from the model on `cpu`."""
    one, other = (_on(compared, where) for where in (cpu, device))
    seen = Differences(platform, compared.names, against="on cpu")
    for batch in compared.batches(max_rows):
        first, second = one(batch), other(batch)
        seen.features(batch.row_ids, first[1:], second[1:])
        seen.predictions(first[0], second[0], spacing_of(compared.predictor.predicts, first[0]))
    return seen.seen()


def _on(compared: Compared, device: Any) -> Any:
    """Return what computes batches on one device."""
    import jax

    from mlplatform.features.program import Predictor

    with jax.default_device(device):
        predictor = Predictor.load(compared.lake.artifacts.open(compared.digest))

    def run(batch: Batch) -> tuple[Floats, Floats, Ids]:
        with jax.default_device(device):
            return batch.computed(predictor)

    return run


def _devices() -> dict[str, Any]:
    """Return the first device of each platform that programs are exported for, cpu first."""
    import jax

    found = {"cpu": jax.devices("cpu")[0]}
    with suppress(RuntimeError):  # There is none.
        found["cuda"] = jax.devices("cuda")[0]
    return found


def parity(
    compared: Compared,
    *,
    max_rows: int,
    url: str = "",
    storage_options: Mapping[str, str] | None = None,
    compile_cache: "Path | None" = None,
    env: Mapping[str, str] | None = None,
) -> list[ParitySeen]:
    """Return everything the gate `training_serving_skew` judges: batch, server, and other platforms.

    Args:
        compared: The model, and the feature table it was trained on.
        max_rows: Rows sent to the server at most.
        url: A running server that serves the model; left out, one is started on the artifact.
        storage_options: How that one reaches an S3 lake.
        compile_cache: Where it keeps compiled programs.
        env: Its variables, besides this process's own.

    Raises:
        ServingError: If the server does not start.
        PlatformError: As the functions above do.
    """
    from mlplatform.serve.candidate import NAME, serving

    started = serving(
        compared.lake.root,
        compared.digest,
        aggregates=compared.made.aggregates,
        compile_cache=compile_cache,
        storage_options=storage_options,
        env=env,
    )
    model = compared.pipeline.name if url else NAME
    batch = parity_batch(compared)
    with nullcontext(url) if url else started as at:
        server = parity_server(compared, at, model=model, max_rows=max_rows)
    return [batch, server, *parity_platforms(compared)]
