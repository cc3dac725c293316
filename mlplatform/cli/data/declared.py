"""Delimited text read as a pipeline declares its source, so that equal fields become equal values."""

from dataclasses import replace

from mlplatform.ingest.infer import Guess, guess
from mlplatform.ingest.storage import SourceFile
from mlplatform.spec import PipelineSpec
from mlplatform.spec.section import ColumnType
from mlplatform.spec.source import CsvSource


def as_declared(file: SourceFile, spec: PipelineSpec) -> Guess:
    """Return how `file` is to be read for a pipeline.

    Of delimited text every column is text unless another type is asked for, and what means "no
    value" is what the pipeline declares, or nothing but the empty field. With the pipeline's own
    delimiter quotes, blanks and comments are the declared ones, too. A file that is found to have
    no header has the declared columns in their order, with or without the label.

    Raises:
        SourceError: As `guess` does.
    """
    declared = spec.source if isinstance(spec.source, CsvSource) else None
    seen = guess(file, declared.encoding, declared.comment) if declared else guess(file)
    if not isinstance(seen.source, CsvSource):
        return seen
    source = seen.source.model_copy(update={"missing": declared.missing if declared else [""]})
    titled = bool(seen.source.header or seen.skip_line)
    names = list(seen.columns)
    if declared and declared.delimiter == source.delimiter:
        own = {"header": source.header, "encoding": source.encoding}
        source = declared.model_copy(update=own)
    if not titled:
        names = _by_place(spec, len(names)) or names
        source = source.model_copy(update={"header": bool(declared and declared.header)})
    columns: dict[str, ColumnType] = dict.fromkeys(names, "string")
    return replace(seen, source=source, columns=columns)


def _by_place(spec: PipelineSpec, count: int) -> list[str]:
    """The names of so many columns without a header; none where they cannot be told."""
    names = list(spec.columns)
    without = [name for name in names if name != spec.label.column]
    return next((each for each in (names, without) if len(each) == count), [])
