"""The arrays of a checkpoint, written and read by Orbax, bit by bit.

Orbax sees a flat mapping of numbered leaves: how a training nests its state is its own affair, and
comes back from the state it starts with.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

STATE = "state"  # The folder of Orbax.

Leaf = Any  # jax.Array, np.ndarray, number, or jax.ShapeDtypeStruct.


def write(folder: Path, state: Any) -> None:
    """Write every leaf of `state` under `folder`, and return once all bytes are handed to the system.

    Its buffers may be donated again after that.
    """
    ocp = _orbax()
    named = {name: _plain(leaf) for name, leaf in _numbered(state).items() if _stored(leaf)}
    with jax.transfer_guard("allow"), _checkpointer() as checkpointer:
        checkpointer.save(folder.absolute() / STATE, args=ocp.args.PyTreeSave(named))


def read(folder: Path, like: Any, weak: list[bool]) -> Any:
    """Return the state under `folder`, each leaf where and what the same leaf of `like` is.

    Args:
        folder: That `write` was given.
        like: The same nesting of arrays of the same shapes and dtypes.
        weak: What `weak` said of the state that was written.
    """
    ocp = _orbax()
    wanted = _numbered(like)
    how = {name: _restore(leaf) for name, leaf in wanted.items() if _stored(leaf)}
    with jax.transfer_guard("allow"), _checkpointer() as checkpointer:
        asked = ocp.args.PyTreeRestore(restore_args=how)
        found = checkpointer.restore(folder.absolute() / STATE, args=asked)
        leaves = [_as(leaf, found.get(name)) for name, leaf in wanted.items()]
        leaves = [_weak(leaf) if w else leaf for leaf, w in zip(leaves, weak, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def described(state: Any) -> list[list[Any]]:
    """Return path, shape and dtype of every leaf, as JSON."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    return [
        [jax.tree_util.keystr(path), list(np.shape(leaf)), str(_dtype(leaf))]
        for path, leaf in leaves
    ]


def weak(state: Any) -> list[bool]:
    """Return which leaves are weakly typed: a strong one in its place would promote what it meets."""
    return [bool(getattr(leaf, "weak_type", False)) for leaf in jax.tree.leaves(state)]


def _orbax() -> Any:
    import orbax.checkpoint  # type: ignore[import-untyped] # Orbax ships no types.

    return orbax.checkpoint


def _checkpointer() -> Any:
    ocp = _orbax()
    return ocp.Checkpointer(ocp.PyTreeCheckpointHandler())


def _numbered(state: Any) -> dict[str, Leaf]:
    return {f"{at:06d}": leaf for at, leaf in enumerate(jax.tree.leaves(state))}


def _stored(leaf: Leaf) -> bool:
    """Whether there is anything to store: Orbax refuses arrays without elements."""
    return bool(np.prod(np.shape(leaf), dtype=np.int64))


def _dtype(leaf: Leaf) -> Any:
    return getattr(leaf, "dtype", None) or np.asarray(leaf).dtype


def _is_key(leaf: Leaf) -> bool:
    return bool(jnp.issubdtype(_dtype(leaf), jax.dtypes.prng_key))


def _plain(leaf: Leaf) -> Leaf:
    """Return a leaf as an array of numbers: a random key's words, a number's array."""
    if _is_key(leaf):
        return jax.random.key_data(leaf)
    return leaf if isinstance(leaf, jax.Array) else np.asarray(leaf)


def _restore(leaf: Leaf) -> Any:
    """Return how Orbax restores a leaf: sharded arrays to their devices, the rest to the host."""
    ocp = _orbax()
    if _is_sharded(leaf):
        return ocp.ArrayRestoreArgs(sharding=leaf.sharding, global_shape=leaf.shape)
    return ocp.RestoreArgs(restore_type=np.ndarray)


def _is_sharded(leaf: Leaf) -> bool:
    """Whether a leaf was put on devices on purpose. Others stay as free to move as they were."""
    sharding = getattr(leaf, "sharding", None)
    return sharding is not None and getattr(leaf, "committed", True) and not _is_key(leaf)


def _as(like: Leaf, found: Any) -> Leaf:
    """Return a restored leaf as `like` is: on the host or a device, or a random key."""
    if found is None:
        found = np.zeros(np.shape(like), _dtype(like))
    if _is_key(like):
        key = jax.random.wrap_key_data(jnp.array(found), impl=jax.random.key_impl(like))
        return jax.device_put(key, like.sharding) if getattr(like, "committed", False) else key
    if not isinstance(like, jax.Array | jax.ShapeDtypeStruct):
        return np.asarray(found)
    if _is_sharded(like):
        return found if isinstance(found, jax.Array) else jax.device_put(found, like.sharding)
    return jnp.array(found)


def _weak(strong: jax.Array) -> jax.Array:
    """Return the same bits, weakly typed. JAX has no function for it, but the primitive."""
    of = {"new_dtype": strong.dtype, "weak_type": True, "sharding": None}
    weak: jax.Array = jax.lax.convert_element_type_p.bind(strong, **of)
    return weak
