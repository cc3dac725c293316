"""A team's own network: `init` and `apply` in a file of the pipeline, any pytree of arrays between them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mlplatform.errors import TrainingError
from mlplatform.spec import Pipeline
from mlplatform.spec.code import line_of, run_file
from mlplatform.spec.families import Custom
from mlplatform.train.nets.net import Initial, Noise, Params
from mlplatform.train.task import Array, Rows, Shape


@dataclass(frozen=True)
class CustomNet:
    """The two functions of one file. Equal files and options make equal networks.

    `init(key, shape, **options)` returns a pytree of float arrays; `shape` is a
    `mlplatform.train.data.Shape`. `apply(params, vectors, ids, key, dropout)` returns [rows, outputs]
    or [rows, members, outputs]; `key` is None, and nothing random may happen, when it predicts.
    """

    where: str
    content: str  # The file's text, which is what makes two networks equal.
    options: str
    shape: Shape

    def init(self, seed: int, rows: Rows) -> Initial:
        """Return the arrays that the file's `init` makes, by their paths in its pytree."""
        found = {
            name: np.asarray(leaf)
            for name, leaf in _named(self._made(jax.random.key(seed))).items()
        }
        wrong = [name for name, leaf in found.items() if not _is_float(leaf)]
        if wrong or not found:
            what = f"{wrong[0]} is {found[wrong[0]].dtype}" if wrong else "it has no leaf"
            raise TrainingError(f"{self.where}: init must return a pytree of float arrays; {what}")
        return Initial({name: leaf.astype(np.float32) for name, leaf in found.items()}, {})

    def logits(
        self, params: Params, vectors: Array, ids: Array, noise: Noise | None = None
    ) -> jax.Array:
        """Return [rows, members, outputs]."""
        like = jax.eval_shape(self._made, jax.random.key(0))
        tree = jax.tree.unflatten(jax.tree.structure(like), [params[n] for n in _named(like)])
        key, dropout = (None, 0.0) if noise is None else noise
        found = self._called("apply", tree, vectors, ids, key, dropout)
        if not hasattr(found, "ndim"):
            kind = type(found).__name__
            raise TrainingError(f"{self.where}: apply must return an array, not {kind}")
        expected = (ids.shape[0], self.shape.task.outputs)
        if found.ndim == 2:
            found = found[:, None, :]
        if (found.shape[0], found.shape[-1]) != expected or found.ndim != 3:
            raise TrainingError(
                f"{self.where}: apply returned shape {found.shape}; [rows, {expected[1]}] is needed"
            )
        return jax.numpy.asarray(found)

    def _made(self, key: jax.Array) -> Any:
        return self._called("init", key, self.shape, **json.loads(self.options))

    def _called(self, name: str, *given: Any, **options: Any) -> Any:
        try:
            return _FUNCTIONS[(self.where, self.content)][name](*given, **options)
        except Exception as wrong:  # Whatever a team's own code raises.
            first = (str(wrong).splitlines() or [""])[0]
            at = line_of(wrong, Path(self.where))
            said = f"{self.where}:{at}: {name}: {type(wrong).__name__}: {first}"
            raise TrainingError(said) from wrong


# Loaded files by path and text: a network is a value, and values hold no functions.
_FUNCTIONS: dict[tuple[str, str], dict[str, Callable[..., Any]]] = {}


def custom(pipeline: Pipeline, model: Custom, shape: Shape) -> CustomNet:
    """Return the network that the pipeline's file defines.

    Raises:
        TrainingError: If the file is not there, cannot be run, or lacks one of the two functions.
    """
    path = pipeline.folder / model.file
    try:
        content = path.read_text(encoding="utf-8")
        module = run_file(path, pipeline.name)
    except OSError as wrong:
        raise TrainingError(f"{path}: {wrong.strerror}; model.file names it") from None
    except Exception as wrong:
        at = line_of(wrong, path)
        raise TrainingError(f"{path}:{at}: {type(wrong).__name__}: {wrong}") from wrong
    functions = {name: getattr(module, name, None) for name in ("init", "apply")}
    for name, function in functions.items():
        if not callable(function):
            raise TrainingError(
                f"{path}: no function {name!r}; a custom model defines init and apply"
            )
    _FUNCTIONS[(str(path), content)] = {n: f for n, f in functions.items() if callable(f)}
    return CustomNet(str(path), content, json.dumps(model.options, sort_keys=True), shape)


def _named(tree: Any) -> dict[str, Any]:
    """Return the leaves by their paths, in the pytree's order."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {f"custom{jax.tree_util.keystr(path)}": leaf for path, leaf in leaves}


def _is_float(leaf: np.ndarray) -> bool:
    return bool(np.issubdtype(leaf.dtype, np.floating)) or leaf.dtype.name == "bfloat16"
