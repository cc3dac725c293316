"""A scan as bytes: a line that names the format, a JSON document, and the arrays it points into.

Equal scans give equal bytes: keys are sorted, arrays stand in the order they are met, whole numbers
in the narrowest type that holds them. Nothing in them can run.
"""

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.errors import CorruptionError
from mlplatform.validate.scan.atom import Atom
from mlplatform.validate.scan.categories import Categories
from mlplatform.validate.scan.codes import CODES, Frame
from mlplatform.validate.scan.distinct import Distinct
from mlplatform.validate.scan.moments import Moments
from mlplatform.validate.scan.numbers import CLASSES, Numbers
from mlplatform.validate.scan.repeats import Repeated
from mlplatform.validate.scan.result import Scan
from mlplatform.validate.scan.vectors import Vectors

FORMAT = 3  # Another number whenever the form or the meaning of what is kept changes.
MAGIC = f"mlplatform scan {FORMAT}\n".encode()
KINDS = ("|u1", "<u2", "<u4", "<u8", "<i8", "<f8")
LENGTH_BYTES = 8


def to_bytes(scan: Scan) -> bytes:
    """Return the scan as bytes."""
    out = _Out()
    document = {
        "types": list(scan.types.items()),
        "label": scan.label,
        "positive": scan.positive,
        "key": list(scan.key),
        "frames": {name: [f.anchor, f.scale] for name, f in scan.frames.items()},
        "atoms": {str(atom): _atom(counted, out) for atom, counted in sorted(scan.atoms.items())},
        "repeated": _repeated(scan.repeated),
        "key_repeated": _repeated(scan.key_repeated),
        "content": list(scan.content),
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return b"".join([MAGIC, len(text).to_bytes(LENGTH_BYTES, "little"), text, *out.parts])


def from_bytes(content: bytes) -> Scan:
    """Return the scan that `to_bytes` wrote.

    Raises:
        CorruptionError: If these are no such bytes.
    """
    try:
        return _read(content)
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        pa.ArrowException,
    ) as wrong:
        why = f"{type(wrong).__name__}: {wrong}".split("\n")[0]
        raise CorruptionError(f"this is no scan of format {FORMAT}: {why}") from None


class _Out:
    """Arrays written one behind the other."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._at = 0

    def put(self, array: "NDArray[Any]") -> list[Any]:
        """Return where the array will stand: kind, shape, place."""
        kind = array.dtype.newbyteorder("<")
        if array.dtype.kind in "iu" and (not array.size or array.min() >= 0):
            kind = np.min_scalar_type(int(array.max()) if array.size else 0).newbyteorder("<")
        part = np.ascontiguousarray(array).astype(kind).tobytes()
        place = [kind.str, list(array.shape), self._at]
        self.parts.append(part)
        self._at += len(part)
        return place


class _In:
    """Arrays that stand one behind the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def get(self, place: list[Any], kind: type = np.int64) -> "NDArray[Any]":
        said, shape, at = place
        if said not in KINDS or at < 0 or any(size < 0 for size in shape):
            raise ValueError(f"no array is {place}")
        values = np.frombuffer(self._content, said, math.prod(shape), at)
        return values.reshape(shape).astype(kind)


def _read(content: bytes) -> Scan:
    if not content.startswith(MAGIC):
        raise ValueError(f"it begins with {content[:24]!r}")
    start = len(MAGIC) + LENGTH_BYTES
    length = int.from_bytes(content[len(MAGIC) : start], "little")
    said = json.loads(content[start : start + length])
    arrays = _In(content[start + length :])
    return Scan(
        types=dict(said["types"]),
        label=said["label"],
        positive=said["positive"],
        key=tuple(said["key"]),
        frames={name: Frame(*frame) for name, frame in said["frames"].items()},
        atoms={int(atom): _read_atom(one, arrays) for atom, one in said["atoms"].items()},
        repeated=_read_repeated(said["repeated"]),
        key_repeated=_read_repeated(said["key_repeated"]),
        content=tuple(said["content"]),
    )


def _atom(atom: Atom, out: _Out) -> dict[str, Any]:
    moments = atom.moments
    return {
        "rows": atom.rows,
        "numbers": {name: _numbers(n, out) for name, n in sorted(atom.numbers.items())},
        "categories": {name: _categories(c, out) for name, c in sorted(atom.categories.items())},
        "vectors": {name: _vectors(v) for name, v in sorted(atom.vectors.items())},
        "label": _categories(atom.label, out),
        "moments": [
            out.put(a) for a in (moments.rows, moments.mean, moments.square, moments.cross)
        ],
    }


def _read_atom(said: dict[str, Any], arrays: _In) -> Atom:
    return Atom(
        rows=int(said["rows"]),
        numbers={name: _read_numbers(n, arrays) for name, n in said["numbers"].items()},
        categories={name: _read_categories(c, arrays) for name, c in said["categories"].items()},
        vectors={name: _read_vectors(v) for name, v in said["vectors"].items()},
        label=_read_categories(said["label"], arrays),
        moments=Moments(*(arrays.get(place, np.float64) for place in said["moments"])),
    )


def _numbers(numbers: Numbers, out: _Out) -> dict[str, Any]:
    return {
        "codes": out.put(numbers.codes),
        "counts": out.put(numbers.counts),
        "extremes": out.put(np.array([numbers.least, numbers.most])),
        "outside": numbers.outside,
        "on_edges": numbers.on_edges,
        "hashes": out.put(numbers.distinct.hashes),
        "values": out.put(np.asarray(numbers.distinct.values, _kind(numbers.distinct))),
    }


def _kind(distinct: Distinct) -> "np.dtype[Any]":
    return np.dtype(np.float64) if distinct.values.dtype == object else distinct.values.dtype


def _read_numbers(said: dict[str, Any], arrays: _In) -> Numbers:
    codes, counts = arrays.get(said["codes"]), arrays.get(said["counts"])
    if counts.shape != (CLASSES, len(codes)) or (len(codes) and codes.max() >= CODES):
        raise ValueError(f"{counts.shape} counts of {len(codes)} codes")
    least, most = arrays.get(said["extremes"], np.float64).tolist()
    whole = said["values"][0] != "<f8"
    values = arrays.get(said["values"], np.int64 if whole else np.float64)
    distinct = Distinct(arrays.get(said["hashes"], np.uint64), values)
    outside, on_edges = int(said["outside"]), bool(said["on_edges"])
    return Numbers(codes, counts, least, most, outside, on_edges, distinct)


def _categories(categories: Categories, out: _Out) -> dict[str, Any]:
    return {
        "values": categories.values.to_pylist(),
        "counts": out.put(categories.counts),
        "missing": categories.missing.tolist(),
        "other": categories.other.tolist(),
        "lost": categories.lost,
        "outside": categories.outside,
        "hashes": out.put(categories.distinct.hashes),
        "sample": categories.distinct.values.tolist(),
    }


def _read_categories(said: dict[str, Any], arrays: _In) -> Categories:
    sample = np.array(said["sample"], object)
    return Categories(
        pa.array(said["values"], pa.string()),
        arrays.get(said["counts"]),
        np.array(said["missing"], np.int64),
        np.array(said["other"], np.int64),
        int(said["lost"]),
        int(said["outside"]),
        Distinct(arrays.get(said["hashes"], np.uint64), sample),
    )


def _vectors(vectors: Vectors) -> dict[str, Any]:
    return {
        "present": vectors.present.tolist(),
        "missing": vectors.missing.tolist(),
        "length": vectors.length,
    }


def _read_vectors(said: dict[str, Any]) -> Vectors:
    present, missing = (np.array(said[name], np.int64) for name in ("present", "missing"))
    return Vectors(present, missing, float(said["length"]))


def _repeated(repeated: Repeated | None) -> dict[str, Any] | None:
    if repeated is None:
        return None
    return {
        "rows": sorted(repeated.rows.items()),
        "distinct": sorted(repeated.distinct.items()),
        "halvings": repeated.halvings,
    }


def _read_repeated(said: dict[str, Any] | None) -> Repeated | None:
    if said is None:
        return None
    return Repeated(dict(said["rows"]), dict(said["distinct"]), int(said["halvings"]))
