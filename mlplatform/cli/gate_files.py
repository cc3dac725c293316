"""The files that `mlplatform gate run` leaves: always about this run, never about the one before it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlplatform.cli.gates_output.unanswered import as_json, junit, summary
from mlplatform.errors import PlatformError

UNFINISHED = (
    "the gates have not answered: the command that asks them was ended, or is still at work"
)


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Files to write besides what is printed, for machines, test reports and pull requests."""

    junit: Path | None = None
    markdown: Path | None = None
    json: Path | None = None

    def begin(self, name: str) -> None:
        """Put into every file that nothing is known yet, in place of what an earlier run said."""
        with suppress(PlatformError):  # Told at the end, when the others are written.
            self.fail(name, UNFINISHED)

    def fail(self, name: str, because: str) -> None:
        """Put into every file that the gates of `name` could not be asked, and why.

        Raises:
            PlatformError: If one cannot be written; the others are.
        """
        self.write(
            junit=junit(name, because), markdown=summary(name, because), json=as_json(name, because)
        )

    def write(self, *, junit: str, markdown: str, json: str) -> None:
        """Write every file that was asked for.

        Raises:
            PlatformError: In one line, naming each that cannot be written; the others are.
        """
        texts = ((self.junit, junit), (self.markdown, markdown), (self.json, json))
        failed = [why for path, text in texts if path and (why := _written(path, text))]
        _require_none(failed)


def _require_none(failed: Sequence[str]) -> None:
    if failed:
        raise PlatformError("; ".join(failed))


def _written(path: Path, text: str) -> str:
    """Write a file; return why that failed, or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as wrong:
        return f"{path}: cannot be written: {wrong.strerror}"
    return ""
