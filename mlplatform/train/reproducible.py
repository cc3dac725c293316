"""One place for chance and for rounding: what makes a training the same again, and where it is not."""

import hashlib
import os
import sys
from collections.abc import Mapping, MutableMapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FLAGS = "XLA_FLAGS"
# Without it scatters, which are the gradients of embeddings, add in the order that threads arrive
# in, and kernels are picked by timing them (openxla.org/xla/determinism).
GPU_FLAGS = ("--xla_gpu_deterministic_ops=true",)
AUTOTUNED_TO = "--xla_gpu_dump_autotune_results_to"
AUTOTUNED_FROM = "--xla_gpu_load_autotune_results_from"
PLATFORMS_OF_GPUS = ("gpu", "cuda", "rocm")
PACKAGES = ("jax", "jaxlib", "optax", "numpy", "lightgbm")
OF_THE_MACHINE = ("dump", "cache", "results")  # Flags that name its folders and say nothing else.


class Streams(NamedTuple):
    """A u32 word for each use of chance, independent of each other.

    Attributes:
        weights: First values of parameters.
        order: Of rows, each epoch.
        dropout: Which activations are left out.
        buffer: The shuffle buffer of a stream.
        trees: Of LightGBM, which wants 31 bits: `trees >> 1`.
        sampler: Of a study.
    """

    weights: np.uint32
    order: np.uint32
    dropout: np.uint32
    buffer: np.uint32
    trees: np.uint32
    sampler: np.uint32


def streams(seed: int) -> Streams:
    """Return the words that a seed gives.

    Each is drawn by its name (numpy's SeedSequence, after O'Neill 2015), so that a use of chance
    that is added later changes none of the others.
    """
    return Streams(*(_word(seed, name) for name in Streams._fields))


def deterministic_flags(platform: str) -> tuple[str, ...]:
    """Return the XLA flags that training on `platform` needs to be the same again."""
    return GPU_FLAGS if platform in PLATFORMS_OF_GPUS else ()


def apply(environ: MutableMapping[str, str] = os.environ, autotuned_to: Path | None = None) -> str:
    """Put the flags into `environ` for the backend that starts next, whichever it is.

    A flag that is there already is left as it is.

    Args:
        environ: Where XLA reads them.
        autotuned_to: Where XLA of a GPU writes what it found by timing kernels; the same file for
            every process, since it is a part of what compiled programs are kept under.

    Returns:
        "", or in words that it is too late: XLA reads its flags once.
    """
    present = environ.get(FLAGS, "").split()
    named = {_name(flag) for flag in present}
    wanted = [*GPU_FLAGS, *([f"{AUTOTUNED_TO}={autotuned_to}"] if autotuned_to else [])]
    missing = [flag for flag in wanted if _name(flag) not in named]
    if not missing:
        return ""
    if _backend_runs():
        return f"JAX was in use before {' '.join(missing)} could be set; set {FLAGS} in the environment"
    environ[FLAGS] = " ".join([*present, *missing])
    return ""


def xla_flags(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return XLA's flags in `environ`, sorted, without those that only name folders of the machine."""
    return sorted(flag for flag in environ.get(FLAGS, "").split() if not _of_the_machine(flag))


def statement(
    *,
    platform: str,
    device_kind: str,
    devices: int,
    precision: str,
    seed: int | None,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Return what of a training is the same again, and on what: for the model's manifest.

    Equal on equal surroundings: it has no times and no names of this machine.

    Args:
        platform: As JAX calls it: cpu, gpu, tpu.
        device_kind: As its maker calls it.
        devices: How many trained.
        precision: Of products: float32 or bfloat16.
        seed: That all chance came from; None of a blend, whose members have their own.
        environ: Where XLA's flags are read.
    """
    flags = xla_flags(environ)
    missing = [flag for flag in deterministic_flags(platform) if flag not in flags]
    return {
        "seed": seed,
        "platform": platform,
        "device_kind": device_kind,
        "devices": devices,
        "precision": precision,
        "versions": _versions(),
        "xla_flags": flags,
        "bit_for_bit": not missing,
        "reproducible": _same(platform, devices) if not missing else [],
        "not_reproducible": [
            *(f"two runs on this hardware: {flag} was not set" for flag in missing),
            *_different(platform, devices),
        ],
    }


def _same(platform: str, devices: int) -> list[str]:
    where = (
        "kind and number of devices"
        if platform in PLATFORMS_OF_GPUS
        else "kind of processor, as many cores"
    )
    return [
        f"parameters and predictions, bit by bit, with the same inputs, seed, versions, and {where}",
        "a training that was killed and went on from its checkpoint, bit by bit",
        *(
            ["the order of additions over devices, for as long as there are as many"]
            * (devices > 1)
        ),
    ]


def _different(platform: str, devices: int) -> list[str]:
    return [
        f"on another platform than {platform}, or another kind of device: products add in another order",
        "with other versions of jax, jaxlib or optax: programs are compiled otherwise",
        f"with another number of devices than {devices}: sums over a batch add in another order",
        "where a budget of time or cost ended it: it ends where the clock says",
    ]


def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _word(seed: int, name: str) -> np.uint32:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    words = np.random.SeedSequence(seed % 2**64, spawn_key=(key,)).generate_state(1, np.uint32)
    return np.uint32(words[0])


def _name(flag: str) -> str:
    return flag.split("=", 1)[0]


def _of_the_machine(flag: str) -> bool:
    return any(word in _name(flag) for word in OF_THE_MACHINE)


def _backend_runs() -> bool:
    """Whether JAX has started a backend. Asking must not start one, nor import JAX."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bool(bridge is not None and bridge.backends_are_initialized())
