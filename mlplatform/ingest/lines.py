r"""A text stream as blocks of whole lines, in constant memory whatever a line's length.

A line ends in "\n", "\r\n" or a lone "\r", as Python's universal newlines have it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

NEWLINE, RETURN = ord("\n"), ord("\r")


@dataclass(frozen=True)
class Block:
    """Consecutive whole lines of a file; `first` is the 1-based number of the first one.

    A line longer than the limit it was read with is cut behind that limit, so it still is too long.
    """

    first: int
    data: bytes

    @cached_property
    def offsets(self) -> np.ndarray:
        """int64[lines + 1]: where each line begins, and the end."""
        text = np.frombuffer(self.data, np.uint8)
        ends = np.flatnonzero(text == NEWLINE) + 1
        if self.has_lone_returns:
            ends = np.union1d(ends, self._lone_returns(text) + 1)
        if not len(ends) or ends[-1] != len(text):
            ends = np.append(ends, len(text))
        offsets: np.ndarray = np.append(0, ends)
        return offsets if len(text) else offsets[:1]

    @cached_property
    def bounds(self) -> list[int]:
        """`offsets` as Python's numbers, which index faster one at a time."""
        bounds: list[int] = self.offsets.tolist()
        return bounds

    @cached_property
    def has_lone_returns(self) -> bool:
        """Whether a line ends in a carriage return alone."""
        return self.data.count(b"\r") != self.data.count(b"\r\n")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def line(self, index: int) -> bytes:
        """Return the bytes of one line, with its end."""
        return self.data[self.bounds[index] : self.bounds[index + 1]]

    def span(self, begin: int, end: int) -> bytes:
        """Return the bytes of the lines from `begin` up to `end`."""
        return self.data[self.bounds[begin] : self.bounds[end]]

    def rest(self, begin: int) -> "Block":
        """Return the lines from `begin` on."""
        return Block(self.first + begin, self.data[self.bounds[begin] :])

    def followed_by(self, other: "Block") -> "Block":
        """Return the lines of both."""
        return Block(self.first, self.data + other.data)

    @staticmethod
    def _lone_returns(text: np.ndarray) -> np.ndarray:
        returns = np.flatnonzero(text == RETURN)
        following = text[np.minimum(returns + 1, len(text) - 1)]
        lone: np.ndarray = returns[following != NEWLINE]
        return lone


def blocks(pieces: Iterator[bytes], limit: int) -> Iterator[Block]:
    """Yield the lines of a text given in `pieces`, numbered from 1.

    Of a line longer than `limit` bytes only the first `limit` + 1 are kept.
    """
    number, rest = 1, b""
    for piece in _never_between_return_and_newline(pieces):
        rest = _joined(rest, piece, limit)
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1
        if end:
            block = Block(number, rest[:end])
            yield block
            number += len(block)
            rest = rest[end:]
    if rest:
        yield Block(number, rest)


def _joined(rest: bytes, piece: bytes, limit: int) -> bytes:
    """The unfinished line `rest` and what follows it, leaving out what is beyond `limit`."""
    if len(rest) <= limit:
        return rest + piece
    ends = [at for at in (piece.find(b"\n"), piece.find(b"\r")) if at >= 0]
    return rest[: limit + 1] + (piece[min(ends) :] if ends else b"")


def _never_between_return_and_newline(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for piece in pieces:
        whole = held + piece
        held = b"\r" if whole.endswith(b"\r") else b""
        yield whole[: len(whole) - len(held)]
    yield held


def with_last(found: Iterator[Block]) -> Iterator[tuple[Block, bool]]:
    """Yield each block, and whether it is the last."""
    held = next(found, None)
    while held is not None:
        following = next(found, None)
        yield held, following is None
        held = following
