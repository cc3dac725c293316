"""Features of free text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlplatform.features.declare.feature import Feature, check_name_and_column, require_whole

MAX_BUCKETS = 1024
MAX_NGRAM = 3


@dataclass(frozen=True)
class Text(Feature):
    """Words counted by hash: log(1 + count) of the words in each bucket (Weinberger et al. 2009).

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type string. Missing text has no words.
        buckets: Number of float features.
        ngrams: Also count runs of up to this many words.
    """

    name: str
    column: str = ""
    buckets: int = 64
    ngrams: int = 1

    def __post_init__(self) -> None:
        check_name_and_column(self)
        require_whole(self.name, "buckets", self.buckets, 2, MAX_BUCKETS)
        require_whole(self.name, "ngrams", self.ngrams, 1, MAX_NGRAM)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The one column."""
        return {self.column: ("string",)}
