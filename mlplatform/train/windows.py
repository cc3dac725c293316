"""Shuffled buffers become windows of batches on the device, from any window on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np

from mlplatform.train import mesh
from mlplatform.train.shuffle import Order
from mlplatform.train.task import Rows, Shape
from mlplatform.train.trainer import Plan

Read = Callable[[list[int]], Rows]  # The training rows of some groups.
Item = TypeVar("Item")


def windows(read: Read, shape: Shape, order: Order, number: int, plan: Plan) -> Iterator[Rows]:
    """Yield the batches of each segment from `number` on, on the device: [steps, batch, ...].

    Equal numbers give equal windows. While one buffer is used up, the next one is read.
    """
    steps = np.arange(plan.segment_steps * plan.batch_size).reshape(-1, plan.batch_size)
    places = steps[:, mesh.share(plan.batch_size, plan.mesh)]  # What this process trains on.
    pieces = ahead(_pieces(read, order, number, plan))
    piece = next(pieces)
    for at in range(number, plan.epochs * plan.segments):
        epoch, segment = divmod(at, plan.segments)
        window = _Window(shape, segment * steps.size + places)
        while not window.filled_by(piece, epoch):
            piece = next(pieces)
        yield mesh.dealt_out(window.rows, plan.mesh)


def _pieces(read: Read, order: Order, number: int, plan: Plan) -> Iterator["_Piece"]:
    """Yield the shuffled buffers from the one on that segment `number` begins in."""
    rows = plan.segment_steps * plan.batch_size
    epoch, segment = divmod(number, plan.segments)
    needed = segment * rows
    for of in range(epoch, plan.epochs):
        first = 0
        for at, groups in enumerate(order.buffers(of)):
            count = sum(order.counts[group] for group in groups)
            if first + count > needed and first < plan.segments * rows:
                yield _Piece(of, first, order.rows(of, at, count), read(groups))
            first += count
        needed = 0


class _Piece(NamedTuple):
    """One buffer: its epoch, the place of its first row in that, and the order of its rows."""

    epoch: int
    first: int
    order: np.ndarray
    rows: Rows


class _Window:
    """A window that is being filled: of each batch the places that are asked for."""

    def __init__(self, shape: Shape, places: np.ndarray) -> None:
        """Make room for the rows at `places` of the epoch: i64[steps, rows], rising."""
        label = np.int32 if shape.task.kind == "multiclass" else np.float32
        like = ((shape.vectors,), np.float32), ((len(shape.ids),), np.int32), ((), label)
        flat = places.size
        self._flat = [np.empty((flat, *of), kind) for of, kind in (*like, ((), np.float32))]
        self._places, self._shape = places.ravel(), places.shape
        self._last = int(self._places[-1])

    @property
    def rows(self) -> Rows:
        """[steps, rows, …]."""
        return Rows(*(array.reshape(*self._shape, *array.shape[1:]) for array in self._flat))

    def filled_by(self, piece: _Piece, epoch: int) -> bool:
        """Take what a buffer has of the rows, and return whether no more are missing."""
        if piece.epoch != epoch:
            return False
        after = piece.first + len(piece.order)
        start, stop = np.searchsorted(self._places, [piece.first, after])
        if start < stop:
            taken = piece.order[self._places[start:stop] - piece.first]
            for array, source in zip(self._flat, piece.rows, strict=True):
                np.take(source, taken, axis=0, out=array[start:stop], mode="clip")
        return self._last < after


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the same items; while one is used, the next one is made."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
