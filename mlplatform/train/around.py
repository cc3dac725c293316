"""What surrounds a training: where its state is kept, what it may use up, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlplatform.spec.budget import Budget
from mlplatform.train.checkpoint import Checkpoints
from mlplatform.train.progress import Progress

INTERVAL = 30.0  # Seconds between checkpoints: what a kill may cost.


def _quiet(progress: Progress) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Around:
    """The surroundings of one training; those that are left out keep nothing and tell nobody.

    Attributes:
        checkpoints: Folder of this training's checkpoints.
        identity: Digest of everything that decides the result; another's state is never taken up.
        every_seconds: Between checkpoints.
        budget: Limits of this training.
        on_epoch: Told after each epoch.
        on_note: Told at once what is done otherwise than asked, in a sentence.
        devices: How many share each batch; None is every GPU there is, and one CPU.
    """

    checkpoints: Path | None = None
    identity: str = ""
    every_seconds: float = INTERVAL
    budget: Budget = field(default_factory=Budget)
    on_epoch: Callable[[Progress], None] = _quiet
    on_note: Callable[[str], None] = print
    devices: int | None = None

    def of(self, part: str) -> "Around":
        """Return the surroundings of one part of a training, such as a member of a blend."""
        return replace(self, identity=f"{self.identity}:{part}")

    def kept(self, part: str) -> Checkpoints | None:
        """Return the checkpoints of a training in one configuration, if any are kept."""
        if self.checkpoints is None or not self.identity:
            return None
        import hashlib

        digest = hashlib.sha256(f"{self.identity}:{part}".encode()).hexdigest()
        return Checkpoints(self.checkpoints, digest, every_seconds=self.every_seconds)
