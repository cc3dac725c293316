"""Words of free text, counted by hash bucket (Weinberger et al. 2009)."""

import re
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pyarrow as pa

from mlplatform.features.categories import FEW, values_of
from mlplatform.features.columns import Column
from mlplatform.features.hashing import hashes
from mlplatform.features.inputs import TextInput

READ = 100_000  # Characters of a text that are read, so that one row cannot stop a server.
AT_ONCE = 1 << 20  # Counts held at once.
_WORD = re.compile(r"\w+")


def terms(text: str | None, ngrams: int) -> list[str]:
    """Return the words of a text, in lower case, then its runs of 2 to `ngrams` words."""
    words = [] if text is None else _WORD.findall(text[:READ].lower())
    runs = [
        zip(*(words[k:] for k in range(length)), strict=False) for length in range(2, ngrams + 1)
    ]
    return words + [" ".join(run) for run in chain.from_iterable(runs)]


def counts(array: Column, one: TextInput) -> np.ndarray:
    """Return f32[rows, buckets]: how many terms of each text fall into each bucket.

    Of many rows only the distinct texts are read.
    """
    if isinstance(array, tuple) or len(array) <= FEW:
        return _counted(values_of(array, one.column), one)
    coded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    texts = [*values_of(coded.dictionary, one.column), None]
    places = coded.indices.cast(pa.int64()).fill_null(len(texts) - 1)
    result: np.ndarray = _counted(texts, one).take(places.to_numpy(), axis=0)
    return result


def _counted(texts: Sequence[str | None], one: TextInput) -> np.ndarray:
    result = np.empty((len(texts), one.buckets), dtype=np.float32)
    step = max(AT_ONCE // one.buckets, 1)
    for start in range(0, len(texts), step):
        result[start : start + step] = _part(texts[start : start + step], one)
    return result


def _part(texts: Sequence[str | None], one: TextInput) -> np.ndarray:
    found = [terms(text, one.ngrams) for text in texts]
    bucket_of = dict.fromkeys(chain.from_iterable(found), 0)
    buckets = hashes(bucket_of) % np.uint64(one.buckets)
    bucket_of = dict(zip(bucket_of, buckets.tolist(), strict=True))
    lengths = [len(each) for each in found]
    places = np.repeat(np.arange(len(texts)) * one.buckets, lengths)
    places += np.fromiter(map(bucket_of.__getitem__, chain.from_iterable(found)), np.int64)
    return np.bincount(places, minlength=len(texts) * one.buckets).reshape(-1, one.buckets)
