"""Checks a team's own function of arrays: pure, row by row, of the declared shape.

Everything is found by tracing, which runs the function's Python without computing and wakes no JAX
backend, so a wrong function is refused when definitions load.
"""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.errors import SpecError
from mlplatform.features.declare import Function
from mlplatform.spec.code import line_of

if TYPE_CHECKING:
    import numpy as np

ROWS_COMPARED = 256  # On which f(batch) is held against f(row): mixing shows on the first few.
CLOSE = 1e-3  # Of the larger value: the compiler rounds a batch of another size otherwise.
_ARRAYS = "compute on whole arrays with jax.numpy"
_WORDS = {"dim_as_value": "how many there are", "iota": "their places", "random_bits": "a draw"}
_CURES = (
    ("NonConcreteBooleanIndexError", "the shape of its result depends on values",
     "keep every row and choose with jnp.where"),
    ("TracerBoolConversionError", "Python branches on the values of rows", "use jnp.where"),
    ("TracerIntegerConversionError", "Python counts or indexes by the values of rows", _ARRAYS),
    ("TracerArrayConversionError", "it hands its arrays to NumPy", "use jax.numpy instead"),
    ("InconclusiveDimensionOperation", "Python branches on the number of rows",
     "a function is of one row, whatever is beside it"),
    ("ConcretizationTypeError", "Python needs the values of rows, which no trace has", _ARRAYS),
)  # fmt: skip


def checked(feature: Function) -> str:
    """Return the sha256 of what the function computes, the same in every process.

    Digested are the jaxprs for f32[rows], `rows` a symbol, and for a batch of one row, with their
    constants.

    Raises:
        SpecError: Naming feature, and file and line where the function is the team's, if it takes
            other arguments than `columns`, returns another shape or type, has side effects, is not
            deterministic, mixes rows, or needs the rows' values in Python.
    """
    from mlplatform.features.functions_digest import digest

    _check_arity(feature)
    traced, again, one = _traces(feature)
    _check_operations(feature, traced)
    _check_result(feature, traced, "rows")
    _check_result(feature, one, "1")
    if digest(traced) != digest(again):
        raise _wrong(feature, "it is not deterministic: traced twice, it computed two things",
                     "take random numbers and times out; a column or an aggregate may hold them")  # fmt: skip
    return digest(traced, one)


def mixes_rows(function: Function, arrays: "Sequence[np.ndarray[Any, Any]]") -> int | None:
    """Return a row whose result depends on the rows beside it, or None: on real rows, at fit time.

    f(batch) is held against f of each row alone, on at most `ROWS_COMPARED` rows; NaN equals NaN.
    It computes, so it wakes the JAX backend.

    Args:
        function: The feature.
        arrays: f32[rows] each, in the order of its columns.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np

    some = [np.asarray(array[:ROWS_COMPARED], np.float32) for array in arrays]
    if not len(some[0]):
        return None
    together = np.asarray(jax.jit(function.function)(*some))
    one = jax.vmap(lambda *row: function.function(*(jnp.reshape(x, (1,)) for x in row))[0])
    alone = np.asarray(jax.jit(one)(*some))
    near = np.isclose(together, alone, rtol=CLOSE, atol=CLOSE * 1e-3, equal_nan=True)
    apart = np.flatnonzero(~near.reshape(len(some[0]), -1).all(axis=1))
    return int(apart[0]) if len(apart) else None


def _traces(feature: Function) -> tuple[Any, Any, Any]:
    """Return the function traced for any number of rows, the same again, and for one row."""
    import jax
    from jax.export import symbolic_shape

    from mlplatform.features.functions_globals import reached

    (rows,) = symbolic_shape("rows")
    outside = reached(feature.function)
    name = outside.assigned()
    if name is not None:
        raise _wrong(feature, f"it assigns {name!r}, which is not its own", "keep to local names")
    name = outside.device_array()
    if name is not None:
        raise _wrong(feature, f"it uses {name!r}, a JAX array made when the file loads, which wakes "
                     "a JAX backend", "make it with numpy, or inside the function")  # fmt: skip
    before = outside.state()
    float32 = jax.numpy.float32
    shapes = [
        jax.ShapeDtypeStruct((size,), float32)  # type: ignore[no-untyped-call] # JAX has no types there.
        for size in (rows, rows, 1)
    ]
    found = tuple(_trace(feature, shape) for shape in shapes)
    after = outside.state()
    changed = next((name for name in before if before[name] != after[name]), None)
    if changed is not None:
        raise _wrong(feature, f"it changes {changed!r}, which is not its own",
                     "compute from its arguments alone")  # fmt: skip
    return found  # type: ignore[return-value] # Three shapes make three traces.


def _trace(feature: Function, shape: Any) -> Any:
    import jax

    from mlplatform.features.functions_watch import Impure, Watch

    def fresh(*arrays: Any) -> Any:  # A new function each time, which no cache of traces knows.
        return feature.function(*arrays)

    failed: BaseException | None = None
    with Watch(_file(feature)) as watch:
        try:
            traced = jax.make_jaxpr(fresh)(*[shape] * len(feature.columns))
        except (Exception, Impure) as wrong:  # Whatever a team's function raises.
            failed = wrong
    if watch.acts:
        raise _wrong(feature, f"it {watch.acts[0]}", "compute from its arguments alone, or read it where "
                     "the file loads", failed)  # fmt: skip
    if failed is not None:
        raise _refused(feature, failed) from None
    return traced


def _check_arity(feature: Function) -> None:
    try:
        inspect.signature(feature.function).bind(*feature.columns)
    except TypeError as wrong:
        count = len(feature.columns)
        raise _wrong(feature, f"it cannot take {count} arrays: {wrong}",
                     "give it one argument for each of columns=") from None  # fmt: skip
    except ValueError:  # A function without a signature: tracing will tell.
        return


def _check_operations(feature: Function, traced: Any) -> None:
    from mlplatform.features.functions_rows import mixing, side_effect

    effect = side_effect(traced.jaxpr) or (traced.effects and "effects")
    if effect:
        raise _wrong(
            feature, f"it has a side effect ({effect})", "leave callbacks and printing out"
        )
    found = mixing(traced.jaxpr)
    if found is not None:
        raise SpecError(
            f"{_place(feature, _line(feature, found))}feature {feature.name!r} mixes rows "
            f"({_WORDS.get(found.primitive.name, found.primitive.name)}, over the rows): what it "
            "says of a row depends on the rows beside it; compute from the row alone, or declare an "
            "Aggregate of what came before"
        )


def _check_result(feature: Function, traced: Any, rows: str) -> None:
    wanted = f"f32[{rows}]" if feature.width == 1 else f"f32[{rows}, {feature.width}]"
    if len(traced.out_avals) != 1:
        raise _wrong(feature, f"it returns {len(traced.out_avals)} arrays", f"return one {wanted}")
    (result,) = traced.out_avals
    got = f"{result.dtype}[{', '.join(map(str, result.shape))}]"
    if str(result.dtype) != "float32":
        raise _wrong(
            feature, f"it returns {got}", f"return {wanted}; .astype(jnp.float32) makes it"
        )
    size = [rows] if feature.width == 1 else [rows, str(feature.width)]
    if [str(each) for each in result.shape] != size:
        raise _wrong(feature, f"it returns {got}", f"return {wanted}, or say width=")


def _refused(feature: Function, wrong: BaseException) -> SpecError:
    kinds = [kind.__name__ for kind in type(wrong).__mro__]
    for name, what, cure in _CURES:
        if name in kinds:
            return _wrong(feature, what, cure, wrong)
    said = str(wrong).splitlines() or [""]
    return _wrong(feature, f"it fails: {type(wrong).__name__}: {said[0]}", _ARRAYS, wrong)


def _wrong(
    feature: Function, what: str, cure: str, raised: BaseException | None = None
) -> SpecError:
    line = line_of(raised, Path(_file(feature))) if raised is not None else 1
    place = _place(feature, line if line > 1 else _line(feature))
    return SpecError(f"{place}feature {feature.name!r}: {what}; {cure}")


def _place(feature: Function, line: int) -> str:
    """Return file and line as a message begins; nothing for one of JAX's own functions."""
    file = _file(feature)
    return f"{file}:{line}: " if file else ""


def _file(feature: Function) -> str:
    from mlplatform.features.functions_globals import definition

    found = definition(feature.function)
    return found.__code__.co_filename if found else ""


def _line(feature: Function, equation: Any = None) -> int:
    """Return the line of an operation, as far as JAX knows it, else of the definition."""
    from mlplatform.features.functions_globals import definition

    known: Callable[..., Any] | None = definition(feature.function)
    frames = getattr(getattr(equation, "source_info", None), "traceback", None)
    for frame in getattr(frames, "frames", ()):
        if frame.file_name == _file(feature):
            return int(frame.line_num)
    return known.__code__.co_firstlineno if known else 1  # type: ignore[attr-defined] # A function has.
