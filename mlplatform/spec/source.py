"""Where rows come from: files, tables, queries, functions."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mlplatform.spec.section import ColumnName, Section

Load = Literal["append", "full", "upsert"]
NOT_SHOWN = "not_shown"  # Type of an error whose input may hold a password: it is never shown.
SINCE = ":since"  # Stands in a query for the newest value of the cursor that has landed.


class Source(Section):
    """What every kind of source has.

    `append` adds what is new, each file or batch exactly once; `full` makes the source as it is now
    the whole table; `upsert` appends, and of rows with equal `key` the last landed is the dataset's.
    """

    load: Load = "append"


class FileSource(Source):
    """Files by path: relative to the pipeline's folder, absolute, or `s3://`; `*` matches names."""

    files: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="Paths relative to the pipeline's folder, or s3:// addresses."
    )

    @field_validator("files")
    @classmethod
    def _stays_inside(cls, files: list[str]) -> list[str]:
        for path in files:
            if ".." in path.split("/"):
                raise PydanticCustomError("path", "Input should be a path without '..'")
            if not path.isprintable():
                raise PydanticCustomError("path", "Input should be a path of printable characters")
        return files


class CsvSource(FileSource):
    """Delimited text files, gzip or plain, read in the order given."""

    kind: Literal["csv"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: str = "utf-8"
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    skip_initial_space: bool = Field(default=False, description="Drop blanks after each delimiter.")
    comment: str | None = Field(default=None, description="Lines that begin with this are skipped.")
    missing: list[str] = Field(default=[""], description="Fields that mean 'no value'.")
    max_record_bytes: int = Field(
        default=1_048_576, ge=1024, description="A longer record is malformed."
    )

    @field_validator("delimiter", "quote")
    @classmethod
    def _is_no_line_end(cls, character: str) -> str:
        if character in "\r\n\0":
            raise PydanticCustomError("character", "Input should be no line end and no NUL")
        return character

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> "CsvSource":
        if self.delimiter == self.quote:
            raise ValueError(f"source.delimiter and source.quote are both {self.quote!r}")
        return self


class JsonLinesSource(FileSource):
    """One JSON object a line, gzip or plain; keys are column names, `null` or no key is missing."""

    kind: Literal["jsonl"]
    max_record_bytes: int = Field(
        default=1_048_576, ge=1024, description="A longer line is malformed."
    )


class ParquetSource(FileSource):
    """Parquet files."""

    kind: Literal["parquet"]


class DeltaSource(Source):
    """Another Delta table, by path or `s3://`; `append` takes the files added since it last landed."""

    kind: Literal["delta"]
    table: str = Field(min_length=1)


class SqlSource(Source):
    """The result of a query, over ADBC.

    With `cursor`, `:since` in the query stands for the newest value of that column that has landed,
    and each load is one batch.
    """

    kind: Literal["sql"]
    connection: str = Field(
        description="Name of the environment variable that holds the URI, never the URI itself."
    )
    query: str = Field(min_length=1)
    cursor: ColumnName | None = None

    @field_validator("connection")
    @classmethod
    def _is_a_name(cls, connection: str) -> str:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", connection):
            raise PydanticCustomError(NOT_SHOWN, "Input should name an environment variable")
        return connection

    @model_validator(mode="after")
    def _cursor_and_since(self) -> "SqlSource":
        asks = re.search(r":since\b", self.query) is not None
        if self.cursor is not None and not asks:
            raise ValueError(f"source.query needs {SINCE}, since source.cursor is {self.cursor!r}")
        if asks and self.cursor is None:
            raise ValueError(f"source.query has {SINCE}; name the column it is in source.cursor")
        if self.load != "full" and self.cursor is None:
            raise ValueError(
                f"source.load {self.load!r} of a query needs source.cursor; or say full"
            )
        return self


class FunctionSource(Source):
    """A Python function of the pipeline: `file.py:name`, called without arguments.

    It returns a pyarrow Table, or an iterator of Tables or RecordBatches. `full` takes its rows as
    the table; otherwise it yields pairs (batch name, rows), and each name lands once.
    """

    kind: Literal["function"]
    function: str = Field(pattern=r"^[A-Za-z0-9_]+\.py:[A-Za-z_][A-Za-z0-9_]*$")
    reads: list[str] = Field(
        default=[], description="Files it reads, relative to the folder: a change is a new load."
    )


AnySource = Annotated[
    CsvSource | JsonLinesSource | ParquetSource | DeltaSource | SqlSource | FunctionSource,
    Field(discriminator="kind"),
]
