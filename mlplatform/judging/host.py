"""What machine this is, and how much of it others used while something was measured."""

import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

import psutil

CPUINFO = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows the name.


def host() -> str:
    """Return the machine in one line: processor, cores that this process may use, and what computes besides them.

    It names no machine. JAX is asked for its devices only where it is at work already.
    """
    cores = cores_here()
    said = [_processor(), f"{cores} core{'' if cores == 1 else 's'}", *_accelerators()]
    return ", ".join(" ".join(each.split()) for each in said)


def cores_here() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Meter:
    """How much processor time the machine spent on others, from when the meter is made.

    Others are whatever is neither this process nor its descendants, the hypervisor among them.
    """

    def __init__(self) -> None:
        self._began = _spent()

    def others(self) -> float | None:
        """Return the share of the machine's processor time, between 0 and 1; None before any has passed."""
        total, busy, mine = (now - then for now, then in zip(_spent(), self._began, strict=True))
        return min(max((busy - mine) / total, 0.0), 1.0) if total > 0 else None


def _spent() -> tuple[float, float, float]:
    """Return the seconds of processor time there were, that were used, and by this process's family."""
    times = psutil.cpu_times()._asdict()
    total = sum(value for name, value in times.items() if not name.startswith("guest"))
    idle = times["idle"] + times.get("iowait", 0.0)
    return total, total - idle, sum(_of(each) for each in _family())


def _family() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _of(process: psutil.Process) -> float:
    with suppress(psutil.Error):  # It ended meanwhile.
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _processor() -> str:
    with suppress(OSError):
        for line in CPUINFO.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _accelerators() -> list[str]:
    jax = sys.modules.get("jax")
    if jax is None:
        return []
    kinds = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    return [f"{kinds.count(kind)} x {kind}" for kind in sorted(set(kinds))]
