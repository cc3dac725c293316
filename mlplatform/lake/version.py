"""What a table version is, and who wrote it from what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

REFERENCE_DIGITS = 16  # 64 bits of the digest: enough to tell versions of one table apart.


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Who writes, and from what; kept in the commit itself.

    `recipe` is the digest of everything that decides the content (inputs, code, configuration):
    equal recipe, equal content. `inputs` maps each table read to the `Version.reference` read.
    """

    asset: str
    run_id: str
    code_version: str
    recipe: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One committed state of a table: `rows` rows whose content has the sha256 `digest`."""

    table: str
    number: int
    digest: str
    rows: int
    lineage: Lineage
    committed_at: datetime

    @property
    def reference(self) -> str:
        """Number and content in one word, such as `3:9f86d081884c7d65`."""
        return f"{self.number}:{self.digest[:REFERENCE_DIGITS]}"
