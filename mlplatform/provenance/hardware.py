"""What computes here: the processor, what it can do, how much of it, and GPUs. It names no machine."""

import os
import platform
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows the name.
NVIDIA = Path("/proc/driver/nvidia")
# Instruction sets that XLA compiles for where there are any, so that sums are added otherwise.
INSTRUCTIONS = (
    *("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni"),
    *("avx512_bf16", "avx512_fp16", "amx_tile", "asimd", "sve", "bf16", "i8mm"),
)


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """One machine, as far as this process may use it.

    Attributes:
        machine: Architecture: x86_64, aarch64.
        cpu: As its maker calls it.
        instructions: Of `INSTRUCTIONS`, those it has.
        cores: That this process may use.
        memory_bytes: Of the host.
        gpus: Kinds of its GPUs, as their driver calls them, one entry each.
        driver: Version of that driver; None without.
    """

    machine: str
    cpu: str
    instructions: tuple[str, ...]
    cores: int
    memory_bytes: int
    gpus: tuple[str, ...] = ()
    driver: str | None = None

    def of_class(self, platform_of_jax: str) -> str:
        """Return what has to be equal for equal bits, in one line.

        Args:
            platform_of_jax: What trains: cpu, or gpu, whose kinds count then instead of the CPU's.
        """
        if platform_of_jax == "cpu":
            cores = f"{self.cores} core{'' if self.cores == 1 else 's'}"
            return ", ".join([self.machine, self.cpu, " ".join(self.instructions), cores])
        kinds = [f"{self.gpus.count(kind)} x {kind}" for kind in sorted(set(self.gpus))]
        return ", ".join([self.machine, *kinds])


def hardware() -> Hardware:
    """Return what this process may compute on. Nothing is started, and no program asked."""
    told = _cpuinfo()
    return Hardware(
        machine=platform.machine(),
        cpu=" ".join((told.get("model name") or _name()).split()),
        instructions=_instructions(told.get("flags") or told.get("Features") or ""),
        cores=_cores(),
        memory_bytes=_memory(),
        gpus=_gpus(),
        driver=_driver(),
    )


def _cpuinfo() -> dict[str, str]:
    """Return what the kernel says of the first processor."""
    found: dict[str, str] = {}
    with suppress(OSError):
        for line in CPUINFO.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            found.setdefault(name.strip(), value.strip())
    return found


def _name() -> str:
    return platform.processor() or platform.machine()


def _instructions(flags: str) -> tuple[str, ...]:
    there = set(flags.split())
    return tuple(name for name in INSTRUCTIONS if name in there)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _gpus() -> tuple[str, ...]:
    found = []
    for file in sorted(NVIDIA.glob("gpus/*/information")):
        with suppress(OSError):
            told = re.search(r"^Model:\s*(.+)$", file.read_text(errors="replace"), re.MULTILINE)
            found.append(told[1].strip() if told else "a GPU")
    return tuple(found)


def _driver() -> str | None:
    with suppress(OSError):
        told = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", (NVIDIA / "version").read_text())
        return told[1] if told else None
    return None
