"""System metrics are sampled beside the work, with times, to its very end."""

import sys
import time
from types import SimpleNamespace

import pytest

from mlplatform.errors import RegistryError
from mlplatform.train.system import Sample, Watch, _gpus

NAMES = {
    "system/cpu_utilization_percentage",
    "system/system_memory_usage_megabytes",
    "system/system_memory_usage_percentage",
    "system/process_cpu_utilization_percentage",
    "system/process_memory_usage_megabytes",
}


def test_each_round_has_every_metric_a_time_and_a_step_of_its_own():
    samples: list[Sample] = []
    began_ms = time.time_ns() // 1_000_000
    with Watch(samples.extend, every_seconds=0.01):
        while len({sample.step for sample in samples}) < 3:
            time.sleep(0.01)
    rounds = sorted({sample.step for sample in samples})
    assert rounds == list(range(len(rounds)))
    assert {sample.name for sample in samples} == NAMES
    times = [sample.at_ms for sample in samples]
    assert times == sorted(times)
    assert times[0] >= began_ms
    used = {sample.name: sample.value for sample in samples}
    assert 0 < used["system/system_memory_usage_percentage"] <= 100
    assert used["system/process_memory_usage_megabytes"] > 10


def test_a_block_that_is_over_at_once_is_seen_once():
    samples: list[Sample] = []
    with Watch(samples.extend):
        pass
    assert {sample.step for sample in samples} == {0}


def test_a_log_that_takes_no_samples_does_not_stop_the_work():
    def full(_: list[Sample]) -> None:
        raise RegistryError("the disk is full")

    with Watch(full, every_seconds=0.001):
        time.sleep(0.01)


def test_the_memory_of_gpus_is_told_for_each(monkeypatch: pytest.MonkeyPatch):
    """Devices as JAX shows them: no GPU is at hand here."""
    stats = {"bytes_in_use": 2_000_000, "peak_bytes_in_use": 3_000_000}
    devices = [
        SimpleNamespace(platform="cpu", memory_stats=lambda: None),
        SimpleNamespace(platform="gpu", local_hardware_id=1, memory_stats=lambda: stats),
    ]
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(local_devices=lambda: devices))
    assert dict(_gpus()) == {
        "system/gpu_1_memory_usage_megabytes": 2.0,
        "system/gpu_1_memory_peak_megabytes": 3.0,
    }
