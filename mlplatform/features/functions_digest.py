"""What a traced function computes, as a digest that is the same in every process."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_ADDRESS = re.compile(r"0x[0-9a-fA-FX]+")


def digest(*closed: Any) -> str:
    """Return the sha256 of jaxprs and their constants: equal for equal computations.

    Names of variables, addresses, and which inner functions JAX happened to share do not count.
    """
    whole = hashlib.sha256()
    for each in closed:
        whole.update(_text(each).encode())
    return whole.hexdigest()


def _jaxpr(jaxpr: Any, consts: Any = ()) -> str:
    names: dict[Any, str] = {}
    head = [_named(var, names) for var in (*jaxpr.constvars, *jaxpr.invars)]
    lines = [f"in {head}", *(_text(const) for const in consts)]
    for one in jaxpr.eqns:
        given = [_named(var, names) for var in one.invars]
        params = {key: _text(value) for key, value in sorted(one.params.items())}
        lines.append(f"{[_named(v, names) for v in one.outvars]}={one.primitive}{given}{params}")
    lines.append(f"out {[_named(var, names) for var in jaxpr.outvars]}")
    return "\n".join(lines)


def _named(var: Any, names: dict[Any, str]) -> str:
    if hasattr(var, "val"):
        return f"{_text(var.val)}:{var.aval}"
    return names.setdefault(var, f"v{len(names)}:{var.aval}")


def _text(value: Any) -> str:
    if hasattr(value, "jaxpr") and hasattr(value, "consts"):
        return _jaxpr(value.jaxpr, value.consts)
    if hasattr(value, "eqns"):
        return _jaxpr(value)
    if isinstance(value, Mapping):
        return str({str(key): _text(each) for key, each in sorted(value.items())})
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return str([_text(each) for each in value])
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _array(value)
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return _ADDRESS.sub("", str(value))


def _array(value: Any) -> str:
    array = np.asarray(value)
    return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
