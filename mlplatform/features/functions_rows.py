"""Reads a traced function: does a row's result depend on that row alone?

The function was traced for f32[rows] with `rows` a symbol, so each array's shape says which axis
counts rows. An operation mixes rows if it works along that axis, loses it, or turns it into another
length. What cannot be told from shapes alone is let through here: fitting compares real rows.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

_CALLBACKS = ("callback", "debug_print", "ffi_call", "infeed", "outfeed")
_LAST_TWO = {
    "cholesky", "lu", "qr", "geqrf", "householder_product", "eig", "eigh", "svd", "schur",
    "triangular_solve", "tridiagonal_solve", "hessenberg", "tridiagonal", "lu_pivots_to_permutation",
}  # fmt: skip
_CONVERGED = ("reduce_or", "reduce_and", "reduce_max", "reduce_min")
_COMBINES = ("scatter", "reduce", "select_and")  # Their inner jaxpr is of two numbers, not of rows.


def side_effect(jaxpr: Any) -> str | None:
    """Return the name of an operation that calls back into Python or the world, if there is one."""
    for equation in equations(jaxpr):
        if any(part in equation.primitive.name for part in _CALLBACKS) or equation.effects:
            return str(equation.primitive.name)
    return None


def mixing(jaxpr: Any) -> Any | None:
    """Return the first operation through which rows meet, as its jaxpr equation; None for none."""
    return _first(jaxpr, converges=False)


def equations(jaxpr: Any) -> Iterator[Any]:
    """Return every operation, those of inner functions and loops included."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in inner_jaxprs(equation):
            yield from equations(inner)


def inner_jaxprs(equation: Any) -> Iterator[Any]:
    """Return the jaxprs among an operation's parameters, in order of their names."""
    for _, value in sorted(equation.params.items()):
        for each in value if isinstance(value, tuple | list) else (value,):
            each = getattr(each, "jaxpr", each)  # noqa: PLW2901 - a closed one holds an open one.
            if hasattr(each, "eqns"):
                yield each


def _first(jaxpr: Any, *, converges: bool) -> Any | None:
    for equation in jaxpr.eqns:
        name, inner = equation.primitive.name, list(inner_jaxprs(equation))
        if converges and name in _CONVERGED:
            continue  # Whether all rows are done ends a loop; it is no row's result.
        if name == "scan" and _scans_rows(equation):
            return equation
        for each in inner:
            ends = name == "while" and each is getattr(equation.params["cond_jaxpr"], "jaxpr", None)
            found = _first(each, converges=ends)
            if found is not None:
                return found
        if (not inner or name.startswith(_COMBINES)) and _mixes(equation):
            return equation
    return None


def _scans_rows(equation: Any) -> bool:
    """Whether a loop goes over the rows and carries something from one to the next."""
    first = equation.params["num_consts"] + equation.params["num_carry"]
    over = any(_axis(var) == 0 for var in equation.invars[first:])
    return over and equation.params["num_carry"] > 0


def _mixes(equation: Any) -> bool:
    name = equation.primitive.name
    if name in ("dim_as_value", "random_bits") and (name == "dim_as_value" or _any(equation)):
        return True  # The number of rows, or a draw by the row's place, as a value.
    into = [_axis(var) for var in equation.invars if _has_rows(var)]
    out = [_axis(var) for var in equation.outvars if _has_rows(var)]
    if None in into or None in out:
        return True  # Another length than `rows`, or rows by rows.
    if into and not out:
        return True
    return any(_along(equation, at) for at in range(len(equation.invars))) or (
        name == "iota" and _axis(equation.outvars[0]) == equation.params["dimension"]
    )


def _along(equation: Any, place: int) -> bool:
    """Whether the operation works along the rows of its operand at `place`."""
    name, params = equation.primitive.name, equation.params
    axis = _axis(equation.invars[place])
    if axis is None:
        return False
    if name.startswith("cum"):
        return bool(params["axis"] == axis)
    if name in ("sort", "concatenate"):
        return bool(params["dimension"] == axis)
    if name == "rev":
        return axis in params["dimensions"]
    if name == "pad":
        return place == 0 and tuple(params["padding_config"][axis]) != (0, 0, 0)
    if name.startswith(("reduce_window", "select_and")):
        return bool(params["window_dimensions"][axis] != 1)
    if name == "conv_general_dilated":
        return place != 0 or bool(params["dimension_numbers"].lhs_spec[0] != axis)
    return _along_shaped(equation, place, axis)


def _along_shaped(equation: Any, place: int, axis: int) -> bool:
    name, params, shape = equation.primitive.name, equation.params, _shape(equation.invars[place])
    if name == "reshape":
        after = _shape(equation.outvars[0])
        to = _axis(equation.outvars[0])
        return to is None or prod(shape[:axis]) != prod(after[:to])
    if name == "fft":
        return axis >= len(shape) - len(params["fft_lengths"])
    if name in _LAST_TWO:
        return axis >= len(shape) - 2
    if name == "gather" and place == 0:
        numbers = params["dimension_numbers"]
        return axis in numbers.start_index_map and axis not in numbers.operand_batching_dims
    if name.startswith("scatter") and place == 0:
        return axis in params["dimension_numbers"].inserted_window_dims
    return False


def _any(equation: Any) -> bool:
    return any(_has_rows(var) for var in equation.outvars)


def _shape(var: Any) -> tuple[Any, ...]:
    return tuple(getattr(var.aval, "shape", ()))


def _has_rows(var: Any) -> bool:
    return any(not isinstance(size, int) for size in _shape(var))


def _axis(var: Any) -> int | None:
    """Return the axis that counts rows; None where none does, or none does plainly."""
    places = [at for at, size in enumerate(_shape(var)) if not isinstance(size, int)]
    plain = len(places) == 1 and str(_shape(var)[places[0]]) == "rows"
    return places[0] if plain else None
