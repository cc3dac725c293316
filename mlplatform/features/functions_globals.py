"""What a function reaches besides its arguments: globals, closures and defaults, before and after.

A value that tracing changes, or a name that the code may assign, is a side effect that the program
would not have.
"""

import dis
import hashlib
import inspect
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

DEPTH = 6  # Of containers in containers that are compared; deeper ones are not configuration.
_SETTINGS = (int, float, str, list, dict, set)  # Attributes of a class that are no code.


@dataclass(frozen=True)
class Reached:
    """The function, the helpers beside it that it calls, and the values it may read by name."""

    functions: tuple[FunctionType, ...]
    values: Mapping[str, Any]

    def state(self) -> dict[str, str]:
        """Return what the values are now, by name, as comparable text."""
        now = {name: _text(value, DEPTH) for name, value in self.values.items()}
        names = {name for one in self.functions for code in _codes(one) for name in code.co_names}
        if "random" in names:  # Only then: other threads may draw meanwhile.
            now["random"] = _sha(repr(random.getstate()))
            now["numpy.random"] = _numpy_random()
        return now

    def assigned(self) -> str | None:
        """Return the first outer name that the code assigns, whether or not tracing came there."""
        for function in self.functions:
            outer = set(function.__code__.co_freevars)
            for code in _codes(function):
                for one in dis.get_instructions(code):
                    if one.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                        return str(one.argval)
                    if one.opname in ("STORE_DEREF", "DELETE_DEREF") and one.argval in outer:
                        return str(one.argval)
        return None

    def device_array(self) -> str | None:
        """Return the name of an array that lives on a device: making one wakes a JAX backend."""
        jax = sys.modules["jax"]
        return next((n for n, v in self.values.items() if isinstance(v, jax.Array)), None)


def definition(function: Callable[..., Any]) -> FunctionType | None:
    """Return the team's Python function behind wrappers such as `jax.jit` and `functools.partial`.

    None for one of JAX's own, which is what it says it is.
    """
    while not isinstance(function, FunctionType):
        inner = getattr(function, "func", None) or getattr(function, "__func__", None)
        inner = inner or getattr(function, "__wrapped__", None)
        if inner is None:
            inner = inspect.getattr_static(type(function), "__call__", None)
            return inner if isinstance(inner, FunctionType) else None
        function = inner
    found = inspect.unwrap(function)
    own = isinstance(found, FunctionType) and not str(found.__module__).startswith("jax.")
    return found if own else None


def reached(function: Callable[..., Any]) -> Reached:
    """Return what `function` may read besides its arguments."""
    first = definition(function)
    functions: list[FunctionType] = []
    values: dict[str, Any] = {}
    waiting: list[Any] = [] if first is None else [first]
    while waiting:
        one = definition(waiting.pop())
        if one is None or one in functions or not _beside(one, first):
            continue
        functions.append(one)
        found = dict(_names(one))
        values |= {
            name: value for name, value in found.items() if not isinstance(value, ModuleType)
        }
        waiting += [value for value in found.values() if callable(value)]
    if not isinstance(function, FunctionType):
        values["the function's own object"] = function
    return Reached(tuple(functions), values)


def _beside(one: FunctionType, first: FunctionType | None) -> bool:
    """Whether a helper is the team's own: of the same file as the function."""
    return first is not None and one.__code__.co_filename == first.__code__.co_filename


def _names(function: FunctionType) -> Iterator[tuple[str, Any]]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # Not assigned yet.
            continue
    for name in {name for each in _codes(function) for name in each.co_names}:
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for at, value in enumerate(function.__defaults__ or ()):
        yield f"default {at} of {function.__name__}", value
    for name, value in (function.__kwdefaults__ or {}).items():
        yield f"default {name} of {function.__name__}", value


def _codes(function: FunctionType) -> Iterator[CodeType]:
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]


def _text(value: Any, depth: int) -> str:
    import numpy as np

    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{_sha(value.tobytes())}"
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state(legacy=False))
    if isinstance(value, random.Random):
        return _sha(repr(value.getstate()))
    if isinstance(value, Mapping):
        return _all("{", (part for pair in value.items() for part in pair), depth)
    if isinstance(value, list | tuple):
        return _all("[", value, depth)
    if isinstance(value, set | frozenset):
        return _sha("".join(sorted(_text(each, depth - 1) for each in value)))
    return _plain(value, depth)


def _plain(value: Any, depth: int) -> str:
    if isinstance(value, type):
        said = {name: each for name, each in vars(value).items() if isinstance(each, _SETTINGS)}
        return _text(said, depth - 1)
    if callable(value) or isinstance(value, ModuleType):
        return f"{id(value)}"
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict) and "object at 0x" in repr(value):
        return _text(attributes, depth - 1)
    return repr(value)


def _all(kind: str, parts: Any, depth: int) -> str:
    return _sha(kind + ",".join(_text(part, depth - 1) for part in parts)) if depth else kind


def _numpy_random() -> str:
    import numpy as np

    return repr(np.random.get_state(legacy=False))


def _sha(content: str | bytes) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    return hashlib.sha256(data).hexdigest()
