"""Request bodies to rows of named columns: strict about types and names, and exact about what is wrong.

A whole number is expected where the column is int64, a number for float64, text for string, true or false for bool,
ISO 8601 text for timestamp and a list of N numbers for vector[N]; null is a missing value everywhere. NaN, infinities,
and numbers or booleans in quotes are refused.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from mlplatform.errors import FeatureError
from mlplatform.serve.columns import datatypes, decode_values, instant, row_shape, value_type
from mlplatform.serve.problem import Problem

Row = dict[str, Any]

RequestId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+\Z")]

# Where an error is: the row or element, the column, and the element of a vector.
_AT = re.compile(r" - at `\$(?:\[(\d+)\])?(?:\.(.*?))?(?:\[(\d+)\])?`$", re.DOTALL)
_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)


class PredictBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `/predict`."""

    rows: Raw
    request_id: RequestId | None = None


class Tensor(msgspec.Struct):
    """One column of an Open Inference request, flat."""

    name: str
    shape: list[int]
    datatype: str
    data: Raw
    parameters: Raw | UnsetType = UNSET


class OutputParameters(msgspec.Struct):
    """What a request may say of one output; others belong to extensions that are not served."""

    binary_data: bool | None = None


class RequestedOutput(msgspec.Struct):
    """One output that an Open Inference request asks for."""

    name: str
    parameters: OutputParameters | None = None


class InferParameters(msgspec.Struct):
    """What a request may say of all outputs."""

    binary_data_output: bool = False


class InferBody(msgspec.Struct):
    """Body of `/v2/models/<name>/infer`."""

    inputs: list[Tensor]
    id: RequestId | None = None
    parameters: InferParameters | None = None
    outputs: list[RequestedOutput] | None = None


_PREDICT = msgspec.json.Decoder(PredictBody)
_INFER = msgspec.json.Decoder(InferBody)


class RowDecoder:
    """Rows for one model.

    Args:
        columns: Name and type of the columns that clients are asked for.
        tolerated: Further columns that may be there: those of the other live model.
        max_rows: Rows a request may have.
        optional: Columns that may be left out; a row then lacks them, and null is another thing.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        tolerated: Iterable[str],
        max_rows: int,
        optional: Iterable[str] = (),
    ) -> None:
        self.columns, self.max_rows = dict(columns), max_rows
        self._optional = set(optional)
        self._tolerated = set(tolerated) - set(columns)
        self._instants = [name for name, kind in columns.items() if kind == "timestamp"]
        # Columns may have names that are no Python names, so the fields are numbered.
        fields: list[Any] = [
            (f"c{n}", self._type(name, kind), self._field(name))
            for n, (name, kind) in enumerate(columns.items())
        ]
        fields += [
            (f"t{n}", Any, msgspec.field(name=name, default=None))
            for n, name in enumerate(sorted(self._tolerated))
        ]
        row = msgspec.defstruct(
            "Row", fields, forbid_unknown_fields=True, gc=False, kw_only=True
        )  # By keyword, as one that may be left out may stand before others.
        length = Meta(min_length=1, max_length=max_rows)
        self._decoder = msgspec.json.Decoder(Annotated[list[row], length])  # type: ignore[valid-type]  # made at run time

    def _type(self, name: str, kind: str) -> Any:
        return value_type(kind) | UnsetType if name in self._optional else value_type(kind)

    def _field(self, name: str) -> Any:
        default = UNSET if name in self._optional else msgspec.NODEFAULT
        return msgspec.field(name=name, default=default)

    def rows(self, raw: bytes | Raw) -> list[Row]:
        """Return the rows in a JSON array of objects.

        Raises:
            Problem: 422 naming the row and column that is wrong.
        """
        try:
            structs = self._decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
            self._refuse(wrong)
        astuple, names = msgspec.structs.astuple, list(self.columns)
        rows = [dict(zip(names, astuple(each), strict=False)) for each in structs]
        for name in self._optional:
            for row in rows:
                if row[name] is UNSET:
                    del row[name]
        for name in self._instants:
            for number, row in enumerate(rows):
                if name in row:
                    row[name] = _instant(row[name], name, f"/rows/{number}/{_token(name)}")
        return rows

    def tensors(self, inputs: list[Tensor]) -> list[Row]:
        """Return the rows of an Open Inference request: one tensor for each column.

        Its shape is [rows], or [rows, N] for a vector.

        Raises:
            Problem: 422 naming the tensor and element that is wrong.
        """
        at = {tensor.name: n for n, tensor in enumerate(inputs)}
        unknown = [name for name in at if name not in self.columns and name not in self._tolerated]
        if unknown:
            raise self._unknown_column(unknown[0], f"/inputs/{at[unknown[0]]}/name")
        if len(at) < len(inputs):
            raise Problem(422, "two inputs have the same name", pointer="/inputs")
        missing = [name for name in self.columns if name not in at and name not in self._optional]
        if missing:
            raise _missing_column(missing[0], "/inputs")
        first = next((each for each in inputs if each.name in self.columns), None)
        rows = next(iter(first.shape), 0) if first else 0
        given = {name: kind for name, kind in self.columns.items() if name in at}
        data = [
            self._column(inputs[at[name]], kind, rows, f"/inputs/{at[name]}")
            for name, kind in given.items()
        ]
        return [dict(zip(given, values, strict=True)) for values in zip(*data, strict=True)]

    def _column(self, tensor: Tensor, kind: str, rows: int, pointer: str) -> list[Any]:
        self._check_head(tensor, kind, rows, pointer)
        try:
            values = decode_values(kind)(bytes(tensor.data))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
            _refuse_value(wrong, tensor.name, f"{pointer}/data")
        if len(values) != rows:
            said = f"column {tensor.name!r}: shape says {rows} values, data has {len(values)}"
            raise Problem(422, said, pointer=f"{pointer}/data")
        if kind == "timestamp":
            return [
                _instant(value, tensor.name, f"{pointer}/data/{number}")
                for number, value in enumerate(values)
            ]
        if row_shape(kind) and values[-1] is not None and [len(values[-1])] != row_shape(kind):
            said = f"column {tensor.name!r}: data has {len(values[-1])} numbers of its last row"
            raise Problem(422, said, pointer=f"{pointer}/data")
        return values

    def _check_head(self, tensor: Tensor, kind: str, rows: int, pointer: str) -> None:
        if tensor.datatype not in datatypes(kind):
            expected = " or ".join(datatypes(kind))
            said = f"column {tensor.name!r}: expected datatype {expected}"
            raise Problem(422, f"{said}, got {tensor.datatype!r}", pointer=f"{pointer}/datatype")
        each = row_shape(kind)
        shapes = [[rows, *each]] if each else [[rows], [rows, 1]]
        if tensor.shape not in shapes or not 1 <= rows <= self.max_rows:
            shape = ", ".join(["rows", *map(str, each)])
            said = f"column {tensor.name!r}: expected shape [{shape}], 1 to {self.max_rows} rows"
            said += f" and the same for every column, got {tensor.shape}"
            raise Problem(422, said, pointer=f"{pointer}/shape")

    def _refuse(self, wrong: Exception) -> NoReturn:
        if not isinstance(wrong, msgspec.ValidationError):
            raise _malformed(wrong) from None
        said, row, column, element = _parts(str(wrong))
        pointer = "/rows" if row is None else f"/rows/{row}"
        if field := _FIELD.match(said):
            if field[1] == "contains unknown":
                raise self._unknown_column(field[2], f"{pointer}/{_token(field[2])}") from None
            raise _missing_column(field[2], pointer) from None
        if column is not None:
            within = "" if element is None else f"/{element}"
            raise _wrong_value(said, column, f"{pointer}/{_token(column)}{within}") from None
        raise Problem(422, f"rows: {said}", pointer=pointer) from None

    def _unknown_column(self, name: str, pointer: str) -> Problem:
        known = ", ".join(self.columns)
        return Problem(422, f"unknown column {name[:80]!r}; columns: {known}", pointer=pointer)


def predict_body(body: bytes) -> PredictBody:
    """Return the parts of a `/predict` body, its rows still undecoded."""
    parts: PredictBody = _envelope(_PREDICT, body)
    return parts


def infer_body(body: bytes) -> InferBody:
    """Return the parts of an Open Inference body, its data still undecoded."""
    parts: InferBody = _envelope(_INFER, body)
    return parts


def _envelope(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as wrong:
        said, _, field, element = _parts(str(wrong))
        within = "" if element is None else f"/{element}"
        pointer = "" if field is None else "/" + "/".join(re.split(r"[.\[\]]+", field)) + within
        raise Problem(422, said, pointer=pointer) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
        raise _malformed(wrong) from None


def _malformed(wrong: Exception) -> Problem:
    if isinstance(wrong, RecursionError):
        return Problem(400, "the body is nested too deeply")
    if isinstance(wrong, UnicodeDecodeError):
        return Problem(400, "the body is not UTF-8")
    return Problem(400, f"the body is not JSON: {wrong}")


def _parts(message: str) -> tuple[str, str | None, str | None, str | None]:
    at = _AT.search(message)
    return (message[: at.start()], at[1], at[2], at[3]) if at else (message, None, None, None)


def _instant(value: str | None, column: str, pointer: str) -> datetime | None:
    if value is None:
        return None
    try:
        return instant(value)
    except FeatureError as wrong:
        raise Problem(422, f"column {column!r}: {wrong}", pointer=pointer) from None


def _refuse_value(wrong: Exception, column: str, pointer: str) -> NoReturn:
    if not isinstance(wrong, msgspec.ValidationError):
        raise _malformed(wrong) from None
    said, element, _, inner = _parts(str(wrong))
    where = "/".join(part for part in (pointer, element, inner) if part is not None)
    raise _wrong_value(said, column, where) from None


def _wrong_value(said: str, column: str, pointer: str) -> Problem:
    return Problem(422, f"column {column!r}: {said[0].lower()}{said[1:]}", pointer=pointer)


def _missing_column(name: str, pointer: str) -> Problem:
    detail = f"column {name!r} is missing; send null where there is no value"
    return Problem(422, detail, pointer=pointer)


def _token(name: str) -> str:
    return name[:80].replace("~", "~0").replace("/", "~1")
