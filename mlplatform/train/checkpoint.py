"""Checkpoints: a killed training goes on where it was, to the same bits.

One is durable and digested before `save` returns, and either whole or not there. It is taken up
only if every byte is the one written, and only by a training with the same recipe.
"""

import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlplatform.errors import CorruptionError, TrainingError
from mlplatform.train import checkpoint_files as files
from mlplatform.train import checkpoint_state as arrays
from mlplatform.train import together

PyTree = Any
IDENTITY_SHOWN = 16  # Hex digits in the folder's name; the manifest has the whole identity.
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Saved:
    """A checkpoint that was taken up.

    Attributes:
        step: When it was saved.
        state: Leaves on the devices and with the dtypes of the state that was asked with.
        notes: What was said with it.
        warnings: Newer ones passed over, and why, a sentence each.
    """

    step: int
    state: PyTree
    notes: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


class Checkpoints:
    """The checkpoints of one training, under `folder`.

    Args:
        folder: Where those of any training may lie; each recipe has a sub-folder.
        identity: Digest of the recipe: inputs, settings, code. Another's are never taken up.
        every_seconds: From the end of one save to the next: what may be lost to a kill.
        keep: How many are kept, the latest.
        clock: Seconds.
    """

    def __init__(
        self,
        folder: Path,
        identity: str,
        *,
        every_seconds: float = 30.0,
        keep: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder / identity[:IDENTITY_SHOWN]
        self.warnings: tuple[str, ...] = ()
        self._identity, self._every, self._keep = identity, every_seconds, max(keep, 1)
        self._clock = clock
        self._since = clock()

    def due(self) -> bool:
        """Whether it is time: `every_seconds` after the start, or after the end of the last save."""
        return bool(together.first(int(self._clock() - self._since >= self._every)))

    def save(
        self, step: int, state: PyTree, notes: Mapping[str, Any], *, must: bool = False
    ) -> str:
        """Save, and return "", or what went wrong: a full disk ends no training.

        Args:
            step: Rises from one to the next.
            state: Pytree of arrays. Its buffers may be donated once this returns.
            notes: JSON.
            must: Raise instead: what is not saved now is lost.

        Raises:
            TrainingError: If `must`, and it could not be written.
        """
        try:
            self._save(step, state, notes)
        except (OSError, ValueError) as wrong:  # TensorStore says of a full disk: ValueError.
            said = f"checkpoint of step {step} was not written to {self.folder}: {_brief(wrong)}"
            if must:
                raise TrainingError(f"{said}; free or mount space, and train again") from wrong
            self._warn(f"{said}; a kill now loses more than {self._every:g} s")
            return said
        finally:
            self._since = self._clock()
        return ""

    def newest(self, like: PyTree) -> Saved | None:
        """Return the latest checkpoint whose every byte matches its digest; None if there is none.

        Those passed over are in `warnings`, here and of the answer.

        Args:
            like: The state a new training starts with: tells nesting, shapes, dtypes, shardings.
        """
        found = together.first(self._sound(like) if together.index() == 0 else -1)
        if found < 0:
            return None
        folder = files.whole(self.folder)[found]
        says = json.loads((folder / files.MANIFEST).read_bytes())
        state = arrays.read(folder, like, says["weak"])
        return Saved(files.step_of(folder), state, says["notes"], self.warnings)

    def clear(self) -> None:
        """Remove the checkpoints of this training: it has ended."""
        if together.index() == 0:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _save(self, step: int, state: PyTree, notes: Mapping[str, Any]) -> None:
        says = {
            "identity": self._identity,
            "notes": json.loads(json.dumps(dict(notes))),
            "leaves": arrays.described(state),
            "weak": arrays.weak(state),
        }
        if together.count() > 1:
            self._save_together(step, state, says)
            return
        files.sweep(self.folder)
        with files.aside(self.folder) as temporary:
            arrays.write(temporary, state)
            self._prune(files.publish(temporary, step, says))

    def _save_together(self, step: int, state: PyTree, says: Mapping[str, Any]) -> None:
        """Save on a file system that all processes share; the first one names, digests and renames."""
        name = f"together-{step}"
        try:
            if together.index() > 0:
                together.wait("checkpoint made")
                arrays.write(self.folder / f".{name}{files.TEMPORARY}", state)
                return
            files.sweep(self.folder)
            with files.aside(self.folder, name) as temporary:
                together.wait("checkpoint made")
                arrays.write(temporary, state)
                self._prune(files.publish(temporary, step, says))
        finally:
            together.wait("checkpoint saved")

    def _prune(self, newest: Path) -> None:
        """Keep `newest` and what came before it; what comes after it was passed over as damaged."""
        others = [folder for folder in files.whole(self.folder) if folder != newest]
        before = [folder for folder in others if files.step_of(folder) < files.step_of(newest)]
        kept = before[: self._keep - 1]
        for folder in others:
            if folder not in kept:
                files.discard(folder)

    def _sound(self, like: PyTree) -> int:
        """Return which of the whole folders, the latest first, can be taken up; -1 if none can."""
        try:
            files.sweep(self.folder)
            found = files.whole(self.folder)
        except OSError as wrong:
            self._warn(f"checkpoints cannot be read: {wrong}; training starts again")
            return -1
        for at, folder in enumerate(found):
            try:
                says = files.verified(folder)
            except (CorruptionError, OSError, ValueError) as wrong:
                self._warn(f"checkpoint of step {files.step_of(folder)} passed over: {wrong}")
                continue
            if says["identity"] == self._identity and says["leaves"] == arrays.described(like):
                return at
            self._warn(
                f"checkpoint of step {files.step_of(folder)} passed over: another training's"
            )
        if self.warnings:
            self._warn(f"no sound checkpoint in {self.folder}; training starts again")
        return -1

    def _warn(self, sentence: str) -> None:
        LOGGER.warning(sentence)
        self.warnings = (*self.warnings, sentence)


def _brief(wrong: Exception) -> str:
    return " ".join(str(wrong).split())[:300]
