"""What a training ran in beside its code: interpreter, lock, libraries, CUDA, hardware, XLA's flags.

It decides no version: a model is not made again because the machine is another one.
"""

import json
import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mlplatform.provenance import environment
from mlplatform.provenance.hardware import hardware
from mlplatform.provenance.lockfile import lock_of

FACT, FILE = "surroundings", "surroundings.json"
AUTOTUNE = "autotune.textproto"  # In the same artifact; its ending makes XLA write text.
LIBRARIES = (
    *("jax", "jaxlib", "numpy", "pyarrow", "scipy", "optax", "lightgbm"),
    *("safetensors", "flatbuffers", "deltalake"),
)
CUDA = ("nvidia-cuda-runtime", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu13")


def seen(
    root: Path,
    platform_of_jax: str,
    *,
    autotuned: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Return the surroundings of this process, as JSON.

    Args:
        root: The checkout, whose lock the libraries came from.
        platform_of_jax: What trains: cpu or gpu.
        autotuned: Whether `AUTOTUNE` is kept beside.
        environ: Where XLA's flags are read.
    """
    here = hardware()
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "libc": "".join(platform.libc_ver()) or None,
        "lock": lock_of(root, environment.installed()),
        "versions": dict(versions()),
        "cuda": next(filter(None, map(_version, CUDA)), None),
        "driver": here.driver,
        "hardware": {
            "class": here.of_class(platform_of_jax),
            "cpu": here.cpu,
            "cores": here.cores,
            "memory_bytes": here.memory_bytes,
            "gpus": list(here.gpus),
        },
        "xla_flags": flags(environ),
        "autotune": AUTOTUNE if autotuned else None,
    }


@cache
def versions() -> tuple[tuple[str, str], ...]:
    """Return name and version of the libraries that decide a model's bits, those that are installed."""
    found = ((name, _version(name)) for name in LIBRARIES)
    return tuple((name, version) for name, version in found if version)


def flags(environ: Mapping[str, str]) -> list[str]:
    """Return XLA's flags, sorted, without those that only name folders of the machine."""
    from mlplatform.train.reproducible import xla_flags

    return xla_flags(environ)


def to_bytes(told: Mapping[str, Any]) -> bytes:
    """Return the content of `surroundings.json`."""
    return json.dumps(told, indent=1, sort_keys=True).encode()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
