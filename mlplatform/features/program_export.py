"""Functions of JAX as StableHLO files and back, for any number of rows and for cpu and cuda."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlplatform.errors import CorruptionError
from mlplatform.features.signature import PLATFORMS, Tensor

if TYPE_CHECKING:
    from jax.export import Exported


def serialized(function: Callable[..., Any], *arguments: Any) -> bytes:
    """Return a function as a file: the same bytes for equal computations.

    Args:
        function: Traceable, of arrays or dictionaries of them.
        arguments: Its arguments as `Tensor`s, or dictionaries of them; the dimension "rows" is any.
    """
    import jax
    from jax import export

    answer_at_once()
    (rows,) = export.symbolic_shape("rows")

    def shaped(tensor: Tensor) -> jax.ShapeDtypeStruct:
        shape = tuple(rows if size == "rows" else size for size in tensor.shape)
        return jax.ShapeDtypeStruct(shape, tensor.dtype)  # type: ignore[no-untyped-call] # JAX leaves it so.

    shapes = jax.tree.map(shaped, arguments, is_leaf=lambda one: isinstance(one, Tensor))
    with _no_locations():
        exported = export.export(jax.jit(function), platforms=PLATFORMS)
        return bytes(exported(*shapes).serialize())


def deserialized(
    content: bytes, file: str, takes: Sequence[Tensor] = (), gives: Sequence[Tensor] = ()
) -> "Exported":
    """Return what `serialized` wrote, and check what it takes and gives where that is said.

    Raises:
        CorruptionError: Naming `file`, for anything else.
    """
    from jax import export

    answer_at_once()
    try:
        program = export.deserialize(bytearray(content))
    except Exception as wrong:  # Flatbuffers and MLIR raise many kinds.
        first = (str(wrong).splitlines() or [""])[0]
        raise CorruptionError(f"{file} cannot be read: {first}") from None
    for what, avals, tensors in (
        ("takes", program.in_avals, takes),
        ("gives", program.out_avals, gives),
    ):
        found = [_shape(str(aval.dtype), aval.shape) for aval in avals]
        expected = [_shape(tensor.dtype, tensor.shape) for tensor in tensors]
        if tensors and found != expected:
            raise CorruptionError(f"{file} {what} {found}; the features say {expected}")
    return program


def answer_at_once() -> None:
    """Let a call on cpu compute in the thread that asks: handing one row to another takes longer than the row.

    It holds for the whole process, if no JAX backend is awake yet; results are the same either way.
    """
    _set("jax_cpu_enable_async_dispatch", value=False)


@contextmanager
def _no_locations() -> Iterator[None]:
    """Keep paths and lines of Python files out of the program, so that its bytes are what it computes."""
    import jax

    name = "jax_traceback_in_locations_limit"
    before = getattr(jax.config, name)
    _set(name, value=0)
    try:
        yield
    finally:
        _set(name, value=before)


def _set(name: str, *, value: bool | int) -> None:
    import jax

    jax.config.update(name, value)  # type: ignore[no-untyped-call] # JAX leaves it untyped.


def _shape(dtype: str, shape: Sequence[Any]) -> str:
    return f"{dtype}[{','.join(str(size) for size in shape)}]"
