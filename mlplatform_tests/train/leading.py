"""The first of two processes: `python -m mlplatform_tests.train.leading FOLDER FAMILY INPUT [MISTAKE]`.

Leads a training of people, prints how far it is from one by a process alone, and ends.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pyarrow as pa

from mlplatform.errors import PlatformError
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.settings import Settings
from mlplatform.spec import load_pipeline
from mlplatform.train import distributed
from mlplatform.train.around import Around
from mlplatform.train.fit import Trained, fit_version
from mlplatform_tests.features import people
from mlplatform_tests.train.on_devices import apart, bits, model_of
from mlplatform_tests.train.versions import WHO

LATE_SECONDS = 35  # Gloo's patience with a process that it was never connected to is 30.


def features_of_people(lake: Lake) -> Version:
    """Return a features version as the platform makes it: its commit names the encoder."""
    state = lake.artifacts.put({"features.json": people.encoder().to_json()})
    who = Lineage(**{**vars(WHO), "facts": {"state": state}})
    table = lake.table("people/features")
    for at in range(0, 600, 100):
        version = table.append(people.table().slice(at, 100), who, token=f"{at}")
    return version


def main(folder: Path, family: str, reads: str, mistake: str = "") -> None:
    """Print what came of it, as JSON."""
    settings = Settings.from_environment(os.environ, folder)
    lake, pipeline = Lake(settings.lake), load_pipeline(settings.pipelines / "people")
    distributed.start(settings.processes)
    if mistake == "nothing":
        return  # As a run does whose gates are red.
    if mistake == "late":
        time.sleep(LATE_SECONDS)
    version = features_of_people(lake)
    rate, epochs = 1e25 if mistake == "rate" else 0.01, 10**6 if mistake == "killed" else 4
    model = model_of(family, reads, learning_rate=rate, epochs=epochs)
    where = (pipeline, lake, version, people.encoder(), model)
    kept = Around(checkpoints=settings.checkpoints, identity="a", every_seconds=0, on_note=_unsaid)
    said = {}
    try:
        told = replace(version, digest="0" * 64) if mistake == "lake" else version
        with distributed.led(pipeline.name, told, model, kept, last=False):
            many = fit_version(*where, kept)
        # What is kept is taken up by both again: nothing is left to be done.
        with distributed.led(pipeline.name, version, model, kept):
            said["resumed"] = bits(fit_version(*where, kept)) == bits(many)
        alone = fit_version(*where, Around(on_note=_unsaid))
        said |= compared(many, alone, people.table())
    except PlatformError as wrong:
        said["wrong"] = str(wrong)
    sys.stdout.write(json.dumps({"processes": jax.process_count(), **said}))
    sys.stdout.flush()  # JAX may abort this process.


def compared(many: Trained, alone: Trained, table: pa.Table) -> dict[str, float]:
    """Return how far two models are apart, and what they cost."""
    steps = many.fitted.spent["steps"]
    hours = many.fitted.spent["device_hours"] * 3600 / many.fitted.spent["wall_seconds"]
    return {**apart(alone, many, table), "steps": steps, "meter": float(np.round(hours, 3))}


def _unsaid(sentence: str) -> None:
    """Keep standard output for the answer."""


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
