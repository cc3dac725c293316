"""Several devices that share each batch."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

from mlplatform.errors import TrainingError
from mlplatform.train import mesh
from mlplatform.train.around import Around
from mlplatform.train.data import prepare
from mlplatform.train.fit import fit_data
from mlplatform_tests.features import people
from mlplatform_tests.train.versions import of_task

# Over 20 steps, of the largest of each array. Seen: 2e-7 for mlp, 6e-6 for tabm; sums over a batch
# are added in another order, and Adam magnifies what that changes in the smallest gradients.
BOUND = 5e-5


@pytest.mark.slow
@pytest.mark.parametrize(("family", "reads"), [("mlp", "stream"), ("tabm", "memory")])
def test_eight_devices_come_to_the_result_of_one(family, reads, tmp_path, root):
    command = [sys.executable, "-m", "mlplatform_tests.train.on_devices"]
    # What another test asked XLA for is none of its business.
    clean = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run(
        [*command, str(tmp_path), family, reads],
        capture_output=True, text=True, check=False, cwd=root, env=clean,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["params"] < BOUND
    assert said["predictions"] < BOUND
    assert said["devices"] == 8
    assert said["meter"] == pytest.approx(8)
    assert said["all_reduce"], "gradients are not summed over the devices"
    assert said["part_of_a_batch"]
    assert not said["whole_batch"], "a device computes a whole batch"
    assert said["handed"] == 8
    assert said["whole_state"]
    assert said["resumed"], "a training taken up on the mesh has other bits"


def two() -> Mesh:
    """A mesh whose size alone matters here."""
    return Mesh(np.array(jax.devices() * 2), ("data",))


@pytest.mark.parametrize(
    ("asked", "rows", "becomes"), [(16, 100, 16), (17, 100, 16), (1, 100, 2), (64, 9, 8)]
)
def test_a_batch_has_an_equal_part_for_every_device(asked, rows, becomes):
    assert mesh.even(asked, rows, two()) == becomes
    assert mesh.even(min(asked, rows), rows, None) == min(asked, rows)


def test_fewer_rows_than_devices_are_refused():
    with pytest.raises(TrainingError, match="1 training rows cannot be shared by 2 devices"):
        mesh.even(16, 1, two())


def test_a_cpu_is_one_device_unless_more_are_asked_for():
    assert mesh.mesh_of(None) is None
    assert mesh.mesh_of(1) is None
    assert mesh.size(None) == 1
    with pytest.raises(TrainingError, match="64 devices are asked for; of cpu there are 1"):
        mesh.mesh_of(64)


def test_a_training_on_devices_that_are_not_there_is_refused(tmp_path):
    pipeline, table = of_task("binary", tmp_path)
    data = prepare(pipeline, table, people.encoder())
    with pytest.raises(TrainingError, match="0 devices are asked for"):
        fit_data(pipeline, data, pipeline.spec.model, Around(devices=0))


def test_one_process_puts_all_of_a_batch_on_its_devices():
    assert mesh.share(16, two()) == slice(0, 16)
    assert mesh.share(16, None) == slice(0, 16)
