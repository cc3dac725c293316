"""`mlplatform data profile`: what is in a file or table."""

import json
import tempfile
from pathlib import Path

from mlplatform.cli.data.input import Input, open_input
from mlplatform.cli.data.look import Look, look, plan_for, tfdv
from mlplatform.cli.data.show import as_json as shown_as_json
from mlplatform.cli.data.show import heading, table
from mlplatform.cli.data.text import say, unreadable, whole
from mlplatform.errors import SourceError


def show(what: str, html: Path | None, *, as_json: bool) -> None:
    """Print the profile of `what`, and write the page to `html`."""
    from mlplatform.validate.schema_rules import known_to_tfdv

    with unreadable(), tempfile.TemporaryDirectory(prefix="mlplatform-profile-") as folder:
        given = open_input(what)
        if html is None:
            seen = _look(given, None)
        else:
            with tfdv() as worker:  # Imports while the rows are counted.
                seen = _look(given, Path(folder))
                views = {"all": [seen.parquet] if seen.parquet else []}
                columns = list(known_to_tfdv(given.columns))
                statistics = worker.statistics(views, columns)["all"]
            _write(html, statistics, given)
        if as_json:
            say(json.dumps(shown_as_json(given, seen.view, seen.malformed), indent=2, default=str))
        else:
            heading(given, seen.view.rows, seen.malformed)
            table(seen.view)
            if html is not None:
                say(f"page: {whole(html)}")


def _look(given: Input, folder: Path | None) -> Look:
    from mlplatform.ingest.infer import spec_of
    from mlplatform.spec.source import ParquetSource

    spec = given.spec or spec_of(given.columns, ParquetSource(kind="parquet", files=["-"]))
    seen = look(given, given.columns, plan_for(given.columns, spec), folder)
    if not seen.view.rows:
        why = next(iter(seen.malformed.reasons), "there is none below the header")
        count = f"of {seen.malformed.rows:,} records none is a row"
        raise SourceError(f"{given.name}: {count}: {why}")
    return seen


def _write(html: Path, statistics: bytes, given: Input) -> None:
    from mlplatform.validate import facets

    page = facets.page(statistics, None, names=(whole(given.name), ""))
    part = html.with_name(f".{html.name}.part")
    try:
        part.write_bytes(page)
        part.replace(html)
    except OSError as wrong:
        raise SourceError(f"{html}: cannot be written: {wrong.strerror}") from None
