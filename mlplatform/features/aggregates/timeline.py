"""All entities' instants of change in one row, and what is so between them, without a loop over entities.

Memory: about 400 bytes an event besides the events themselves.
"""

from dataclasses import dataclass

import numpy as np

from mlplatform.features.aggregates.counted import Counted
from mlplatform.features.instants import LAST


@dataclass(frozen=True)
class Timeline:
    """The instants at which something may change, by entity and time.

    Attributes:
        entity: int64[p], the place of each instant's entity.
        at: int64[p], microseconds.
        begins: bool[p], whether it is its entity's first.
        enter: int64[n], the instant at which each event begins to count.
        leave: int64[n], the instant at which it ends; that after the entity's last for never.
    """

    entity: np.ndarray
    at: np.ndarray
    begins: np.ndarray
    enter: np.ndarray
    leave: np.ndarray


def timeline(events: Counted) -> Timeline:
    """Return the instants of all entities, and where in them each event begins and ends."""
    some = events.leaves <= LAST
    entity = np.concatenate([events.entity, events.entity[some]])
    at = np.concatenate([events.enters, events.leaves[some]])
    order = np.lexsort((at, entity))
    entity, at = entity[order], at[order]
    begins = np.diff(entity, prepend=-1) != 0
    new = begins | (np.diff(at, prepend=-1) != 0)
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(new) - 1
    entity, at, begins = entity[new], at[new], begins[new]
    enter = place[: len(some)]
    leave = np.cumsum(np.bincount(entity))[events.entity]
    leave[some] = place[len(some) :]
    return Timeline(entity, at, begins, enter, leave)


def totals(line: Timeline, weights: np.ndarray) -> np.ndarray:
    """Return int64[p]: at each instant the sum of the weights int64[n] of the events that count.

    One running sum over all entities: it is 0 at the end of each, since what never leaves is taken
    back there. It may wrap around between, and is exact wherever the true sum fits.
    """
    steps = np.zeros(len(line.at) + 1, np.int64)
    np.add.at(steps, line.enter, weights)
    np.subtract.at(steps, line.leave, weights)
    return np.cumsum(steps[:-1])


def best(line: Timeline, ranks: np.ndarray) -> np.ndarray:
    """Return int64[p]: at each instant the highest rank of the events that count, -1 for none.

    An event's instants are covered by two overlapping runs of a power of two, and each run by its
    halves, from the longest down: the sparse table of Bender & Farach-Colton (2000), backwards.

    Args:
        line: The instants.
        ranks: int64[n], from 0.
    """
    highest = np.full(len(line.at), -1, np.int64)
    levels = np.frexp((line.leave - line.enter).astype(np.float64))[1] - 1  # log2, rounded down.
    by_level = np.argsort(levels, kind="stable")
    ends = np.searchsorted(levels[by_level], np.arange(levels.max(initial=-1) + 2))
    for level in range(len(ends) - 2, -1, -1):
        here = by_level[ends[level] : ends[level + 1]]
        np.maximum.at(highest, line.enter[here], ranks[here])
        np.maximum.at(highest, line.leave[here] - (1 << level), ranks[here])
        if level:
            half = 1 << (level - 1)
            highest[half:] = np.maximum(highest[half:], highest[:-half])
    return highest
