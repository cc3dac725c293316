"""What strangers wrote, as a terminal may show it: no control character leaves this process raw."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from mlplatform.errors import PlatformError

UNREADABLE = 2  # Exit code: the input could not be read, so nothing was judged.
SHOWN_CHARACTERS = 60  # Of a name or value.
WIDE = 160  # Columns of a terminal that is none: a CI log wraps nothing.


def plain(text: object, most: int = SHOWN_CHARACTERS) -> str:
    """Return `text` on one line: escapes for everything that is not printable, cut to `most`."""
    shown = str(text)
    cut = shown[:most] + ("…" if len(shown) > most else "")
    return "".join(c if c.isprintable() else _escape(c) for c in cut)


def whole(text: object) -> str:
    """Return all of `text` on one line, with escapes for everything that is not printable."""
    shown = str(text)
    return plain(shown, len(shown))


def console() -> Console:
    """Return where answers go."""
    width = None if sys.stdout.isatty() else WIDE
    return Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def say(line: str) -> None:
    """Print one line of an answer as it is; it must be `plain`."""
    typer.echo(line)


@contextmanager
def unreadable() -> Iterator[None]:
    """End the command with one line and `UNREADABLE` where something cannot be read."""
    try:
        yield
    except PlatformError as mistake:
        typer.echo(f"Error: {whole(mistake)}", err=True)
        raise typer.Exit(UNREADABLE) from None


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
