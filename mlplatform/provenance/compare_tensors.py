"""Two model artifacts held against each other: file by file, and tensor by tensor, in bits."""

import json
import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlplatform.statistics.ulps import ulps

BIT_EXACT, ULP, METRICS, MISMATCH = "BIT_EXACT", "ULP", "METRICS", "MISMATCH"
MAX_ULP = 8  # As far as predictions of one model lie apart between batch sizes (docs/features.md).
# Relative; of numbers that were computed from the tensors. Eight ulps of float32 are 1e-6 of a number.
NUMBERS = 1e-5
TENSORS = "params.safetensors"
# Files that tell versions of libraries, in lines of these forms. Versions decide nothing where the rest is equal.
ENVIRONMENT = frozenset({"MLmodel", "mlmodel", "python_env.yaml", "requirements.txt"})
VERSION = r"[0-9][0-9A-Za-z.+!-]*"
LINES = re.compile(
    rf"^((?: *(?:python|python_version|jax): '?)|(?:[A-Za-z0-9_.-]+==)){VERSION}('?)$"
)
STATEMENT, LIBRARY = "reproducibility", "jax"  # Fields of JSON files, at the top.
# Of the statement; its seed, say, is no matter of the machine.
OF_THE_MACHINE = frozenset(
    {"platform", "device_kind", "versions", "xla_flags", "bit_for_bit"}
    | {"reproducible", "not_reproducible"}
)
FACTS = "manifest.json"  # What an artifact says beside its files; no file of one is called so.


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was found of a second artifact, held against the first.

    Attributes:
        outcome: `BIT_EXACT`: every byte of every file; `ULP`: every number of every tensor within
            `MAX_ULP`, and the other files equal up to numbers computed from them; else `MISMATCH`.
        max_ulp: Furthest two numbers lie apart; None where tensors cannot be compared.
        first_difference: The first file or tensor that differs, and where; empty if none.
        files: What is said of each file: `equal`, or how it differs.
        tensors: Largest distance by tensor, of those that differ.
    """

    outcome: str
    max_ulp: int | None
    first_difference: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    tensors: Mapping[str, int] = field(default_factory=dict)


def compare(
    first: Mapping[str, bytes],
    second: Mapping[str, bytes],
    facts: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
) -> Comparison:
    """Return how the files of a second artifact differ from those of the first, by name.

    Tensors are looked at before other files, and files in the order of their names.

    Args:
        first: Content of its files, by name.
        second: Likewise.
        facts: Of both manifests: a part of an artifact's address as its files are.
    """
    if facts[0] or facts[1]:
        first, second = (
            {**files, FACTS: json.dumps(said, sort_keys=True).encode()}
            for files, said in zip((first, second), facts, strict=True)
        )
    if dict(first) == dict(second):
        return Comparison(outcome=BIT_EXACT, max_ulp=0, files=dict.fromkeys(sorted(first), "equal"))
    told, apart, broken = _tensors(first.get(TENSORS), second.get(TENSORS))
    files, rest = {TENSORS: told or "equal"} if TENSORS in first else {}, ""
    for name in sorted({*first, *second} - {TENSORS}):
        said = _file(name, first.get(name), second.get(name))
        files[name] = said or "equal"
        decides = not said.startswith(_TOLERATED) and not _versions_alone(name, first, second)
        rest = rest or (f"{name}: {said}" if said and decides else "")
    first_of_all = told or rest or _first(files)
    furthest = None if broken else max(apart.values(), default=0)
    within = furthest is not None and furthest <= MAX_ULP and not rest
    return Comparison(
        outcome=ULP if within else MISMATCH,
        max_ulp=furthest,
        first_difference=first_of_all,
        files=files,
        tensors=apart,
    )


def _versions_alone(name: str, first: Mapping[str, bytes], second: Mapping[str, bytes]) -> bool:
    """Tell whether a file of `ENVIRONMENT` differs by nothing but versions of libraries."""
    if name not in ENVIRONMENT or name not in first or name not in second:
        return False
    one, other = (
        [LINES.sub(r"\1*\2", line) for line in files[name].decode("latin-1").split("\n")]
        for files in (first, second)
    )
    return one == other


_TOLERATED = "numbers within"


def _tensors(first: bytes | None, second: bytes | None) -> tuple[str, dict[str, int], bool]:
    """Return the first difference in words, distances by tensor, and whether they cannot be compared."""
    if first == second:
        return "", {}, False
    if first is None or second is None:
        there = "the first" if second is None else "the second"
        return f"{TENSORS}: only {there} has it", {}, True
    one, other = _loaded(first), _loaded(second)
    if one is None or other is None:
        return f"{TENSORS}: not readable as safetensors", {}, True
    told, apart = "", dict[str, int]()
    for name in sorted({*one, *other}):
        if (unlike := _unlike(name, one, other)) is not None:
            return unlike, apart, True
        if (here := ulps(one[name], other[name])).any():
            apart[name] = int(here.max())
            told = told or _where(name, one[name], other[name], here)
    return told or f"{TENSORS}: equal tensors, other bytes around them", apart, False


def _loaded(content: bytes) -> dict[str, NDArray[Any]] | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except (SafetensorError, KeyError, TypeError, ValueError):
        return None


def _unlike(
    name: str, first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]
) -> str | None:
    if name not in first or name not in second:
        return f"tensor {name}: only the {'first' if name in first else 'second'} has it"
    one, other = first[name], second[name]
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        got = f"{other.dtype}{list(other.shape)}, not {one.dtype}{list(one.shape)}"
        return f"tensor {name}: is {got}"
    return None


def _where(name: str, first: NDArray[Any], second: NDArray[Any], apart: NDArray[np.int64]) -> str:
    place = np.unravel_index(int(np.argmax(apart.ravel() != 0)), apart.shape)
    at = "" if not place else f"[{', '.join(str(int(each)) for each in place)}]"
    count = int((apart != 0).sum())
    return (
        f"tensor {name}{at}: {first[place]} became {second[place]}, {int(apart[place]):,} ulp;"
        f" {count:,} of {apart.size:,} numbers differ, by {int(apart.max()):,} ulp at most"
    )


def _file(name: str, first: bytes | None, second: bytes | None) -> str:
    """Return how one file differs; empty if it does not."""
    if first == second:
        return ""
    if first is None or second is None:
        return f"only the {'first' if second is None else 'second'} has it"
    if name.endswith(".json") and (said := _json(first, second)) is not None:
        return said
    return _bytes(first, second)


def _bytes(first: bytes, second: bytes) -> str:
    size = min(len(first), len(second))
    one, other = (np.frombuffer(each, np.uint8, size) for each in (first, second))
    at = int(np.argmax(one != other)) if (one != other).any() else size
    return f"differs from byte {at:,} on; {len(first):,} bytes became {len(second):,}"


def _json(first: bytes, second: bytes) -> str | None:
    """Return how two JSON files differ, told apart by whether only computed numbers do; None if they are none."""
    try:
        one, other = (json.loads(each, object_pairs_hook=_once) for each in (first, second))
    except (ValueError, RecursionError):
        return None
    differences = list(_unequal(_without(one), _without(other), ""))
    beyond = [
        f"{where or 'the whole'} {a!r} became {b!r}"
        for where, a, b in differences
        if not _near(a, b)
    ]
    if beyond:
        return beyond[0]
    return f"{_TOLERATED} {NUMBERS:g}, or about libraries and machine"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; a name that comes twice is read by some as the first and by others as the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _without(document: Any) -> Any:
    """Return a JSON document without what describes libraries and machine."""
    if not isinstance(document, dict):
        return document
    kept = dict(document)
    if isinstance(told := kept.get(STATEMENT), dict):
        kept[STATEMENT] = {name: each for name, each in told.items() if name not in OF_THE_MACHINE}
    if isinstance(version := kept.get(LIBRARY), str) and re.fullmatch(VERSION, version):
        kept[LIBRARY] = "*"
    return kept


def _unequal(first: Any, second: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the places of two JSON documents that differ, and what stands there."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        for name in first:
            yield from _unequal(first[name], second[name], f"{where}.{name}".lstrip("."))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for at, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from _unequal(one, other, f"{where}[{at}]")
    elif _bits(first) != _bits(second):
        yield where, first, second


def _near(first: Any, second: Any) -> bool:
    if not (isinstance(first, float) and isinstance(second, float)):
        return False
    return math.isclose(first, second, rel_tol=NUMBERS)


def _bits(value: Any) -> Any:
    return struct.pack(">d", value) if isinstance(value, float) else (type(value), value)


def _first(files: Mapping[str, str]) -> str:
    return next((f"{name}: {said}" for name, said in files.items() if said != "equal"), "")
