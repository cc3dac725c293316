"""Trains people on 1 and on 8 devices, and says how far apart the models are.

A process of its own: `python -m mlplatform_tests.train.on_devices FOLDER FAMILY INPUT`. A backend
counts its devices once, when it starts.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")

import jax
import numpy as np

from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from mlplatform.spec.families import MODEL
from mlplatform.train import mesh, trainer
from mlplatform.train.around import Around
from mlplatform.train.calibrate import predictions
from mlplatform.train.feed import Feed, InMemory
from mlplatform.train.fit import Model, Trained, fit_version
from mlplatform.train.load import load
from mlplatform.train.nets import network
from mlplatform.train.network import prepared
from mlplatform.train.stream import Stream
from mlplatform.train.windows import windows
from mlplatform_tests.features import people
from mlplatform_tests.train.versions import committed

BATCH, HIDDEN, DEVICES = 64, 24, 8


def model_of(family: str, reads: str, **changes: Any) -> Model:
    """Return a small network: 4 epochs of 5 steps."""
    members = {"members": 4} if family == "tabm" else {}
    how = {"hidden": [HIDDEN], "epochs": 4, "batch_size": BATCH, "learning_rate": 0.01}
    given = {"family": family, **how, **members, "input": reads, "average": 0.9, **changes}
    return MODEL.validate_python(given)


def main(folder: Path, family: str, reads: str) -> None:
    """Print what there is to know as JSON."""
    lake, pipeline = Lake(folder / "lake"), people.pipeline(folder)
    version, model = committed(lake, people.table(), 100), model_of(family, reads)
    one, many = (
        fit_version(pipeline, lake, version, people.encoder(), model, Around(devices=devices))
        for devices in (1, DEVICES)
    )
    said = {
        **apart(one, many, people.table()),
        "devices": many.fitted.devices,
        "meter": many.fitted.spent["device_hours"] * 3600 / many.fitted.spent["wall_seconds"],
        **compiled(pipeline, lake, version, model),
        "resumed": resumed(pipeline, lake, version, model, folder) == bits(many),
    }
    sys.stdout.write(json.dumps(said))


def apart(one: Trained, other: Trained, table: Any) -> dict[str, float]:
    """Return the largest difference of parameters, by the largest of their array, and of predictions."""
    pairs = [(one.fitted.params[name], other.fitted.params[name]) for name in one.fitted.params]
    from mlplatform.features.table import arrays
    from mlplatform.train.task import Rows

    rows = Rows(*arrays(table, people.encoder()))
    first, second = (np.asarray(predictions(each.fitted, rows)) for each in (one, other))
    return {
        "params": max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs if a.any()),
        "predictions": float(np.abs(first - second).max()),
    }


def compiled(pipeline: Pipeline, lake: Lake, version: Version, model: Any) -> dict[str, Any]:
    """Return what a step's program does on each device, and what a device is handed."""
    data = load(pipeline, lake, version, people.encoder(), model)
    shared = mesh.mesh_of(DEVICES)
    course = prepared("people", network(pipeline, model, data.shape), data, model, BATCH, shared)
    args = (course.seeds, course.hyper)
    feed: Feed = course.feed
    if isinstance(feed, Stream):
        batches = next(windows(data.of_groups, data.shape, feed.order, 0, course.plan))
        handed = batches.vectors.addressable_shards[0].data.shape[1]
        lowered = trainer.window.lower(course.state, batches, *args, plan=course.plan)
    else:
        assert isinstance(feed, InMemory)
        handed = BATCH // DEVICES
        lowered = trainer.segment.lower(course.state, feed.rows, *args, plan=course.plan)
    text = lowered.compile().as_text()
    state, _ = feed.advance(0, course.state, *args, course.plan)
    return {
        "all_reduce": "all-reduce" in text,
        "part_of_a_batch": f"f32[{BATCH // DEVICES},{HIDDEN}]" in text,
        "whole_batch": f"f32[{BATCH},{HIDDEN}]" in text,
        "handed": handed,
        "whole_state": all(leaf.is_fully_replicated for leaf in jax.tree.leaves(state)),
    }


class KilledError(Exception):
    """Ends a training in its third epoch."""


def resumed(
    pipeline: Pipeline, lake: Lake, version: Version, model: Model, folder: Path
) -> dict[str, bytes]:
    """Return the parameters of a training on 8 devices that ended in its midst and went on."""

    def kill(progress: Any) -> None:
        seen.append(progress)
        if len(seen) == 3:
            raise KilledError

    seen: list[Any] = []
    kept = {"checkpoints": folder / "kept", "identity": "a", "every_seconds": 0.0}
    where = (pipeline, lake, version, people.encoder(), model)
    try:
        fit_version(*where, Around(devices=DEVICES, on_epoch=kill, **kept))  # type: ignore[arg-type]
    except KilledError:
        return bits(fit_version(*where, Around(devices=DEVICES, on_note=_unsaid, **kept)))  # type: ignore[arg-type]
    raise AssertionError("it was not killed")


def bits(trained: Trained) -> dict[str, bytes]:
    """Return every parameter's bytes."""
    return {name: np.asarray(array).tobytes() for name, array in trained.fitted.params.items()}


def _unsaid(sentence: str) -> None:
    """Keep standard output for the answer."""


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
