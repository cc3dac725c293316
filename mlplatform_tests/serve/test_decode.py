"""Bodies become rows, or a problem that names the field; nothing in between."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.serve.decode import RowDecoder, infer_body, predict_body
from mlplatform.serve.outputs import Wanted, wanted
from mlplatform.serve.problem import Problem

COLUMNS = {"age": "int64", "hours.per-week": "float64", "workclass": "string"}
ROW = {"age": 39, "hours.per-week": 40.5, "workclass": "Private"}
MAX_ROWS = 3

decoder = RowDecoder(COLUMNS, {**COLUMNS, "extra": "string"}, MAX_ROWS)


def rows_of(text: str) -> list[dict[str, object]]:
    return decoder.rows(predict_body(text.encode()).rows)


def rows_or_problem(read):
    """Return what `read` returns, or no rows when it refuses; anything else it raises is a bug."""
    try:
        return read()
    except Problem as problem:
        return [] if problem.status in (400, 422) else [{"not": "a client's mistake"}]


def refusal(text: str) -> Problem:
    with pytest.raises(Problem) as caught:
        rows_of(text)
    return caught.value


def test_rows_are_read_as_they_were_written():
    missing = dict.fromkeys(COLUMNS)
    assert rows_of(json.dumps({"rows": [ROW, missing]})) == [ROW, missing]


def test_a_column_of_the_other_live_model_may_be_there_and_is_ignored():
    assert rows_of(json.dumps({"rows": [{**ROW, "extra": [1]}]})) == [ROW]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("age", '"39"', "expected `int | null`, got `str`"),
        ("age", "39.0", "expected `int | null`, got `float`"),
        ("age", "true", "expected `int | null`, got `bool`"),
        ("age", "[39]", "expected `int | null`, got `array`"),
        ("age", "9223372036854775808", "expected `int` <= 9223372036854775807"),
        ("hours.per-week", '"40"', "expected `float | null`, got `str`"),
        ("hours.per-week", "1e999", "number out of range"),
        ("hours.per-week", "true", "expected `float | null`, got `bool`"),
        ("workclass", "7", "expected `str | null`, got `int`"),
        ("workclass", "{}", "expected `str | null`, got `object`"),
    ],
)
def test_a_wrong_value_is_named_by_column_pointer_and_what_was_expected(column, value, said):
    good = json.dumps(ROW)
    bad = json.dumps(ROW | {column: "@"}).replace('"@"', value)
    problem = refusal(f'{{"rows": [{good}, {bad}]}}')
    assert problem.status == 422
    assert problem.pointer == f"/rows/1/{column}"
    assert problem.detail == f"column {column!r}: {said}"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_malformed(number):
    text = json.dumps({"rows": [ROW]}).replace("40.5", number)
    assert refusal(text).status == 400


def test_a_missing_column_says_how_to_send_no_value():
    row = {name: value for name, value in ROW.items() if name != "age"}
    problem = refusal(json.dumps({"rows": [row]}))
    assert (problem.status, problem.pointer) == (422, "/rows/0")
    assert problem.detail == "column 'age' is missing; send null where there is no value"


def test_an_unknown_column_is_told_which_are_known():
    problem = refusal(json.dumps({"rows": [{**ROW, "a/b": 1}]}))
    assert (problem.status, problem.pointer) == (422, "/rows/0/a~1b")
    assert problem.detail == "unknown column 'a/b'; columns: age, hours.per-week, workclass"


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ('{"rows": []}', "/rows", "length >= 1"),
        (json.dumps({"rows": [ROW] * (MAX_ROWS + 1)}), "/rows", f"length <= {MAX_ROWS}"),
        ('{"rows": 3}', "/rows", "expected `array`, got `int`"),
        ('{"rows": [3]}', "/rows/0", "expected `object`, got `int`"),
        ("{}", "", "missing required field `rows`"),
        ('{"rows": [], "row": 1}', "", "unknown field `row`"),
        ("[]", "", "Expected `object`, got `array`"),
        ('{"rows": [], "request_id": ""}', "/request_id", "length >= 1"),
        ('{"rows": [], "request_id": "a\\nb"}', "/request_id", "matching"),
        ('{"rows": [], "request_id": "a\\n"}', "/request_id", "matching"),
        ('{"rows": [], "request_id": 7}', "/request_id", "expected `str | null`|Expected `str"),
    ],
)
def test_a_wrong_body_is_named_by_pointer(body, pointer, said):
    problem = refusal(body)
    assert (problem.status, problem.pointer) == (422, pointer)
    assert any(part.lower() in problem.detail.lower() for part in said.split("|Expected"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"rows": [1,]}',
        b'{"rows": "\xff"}',
        b"[" * 500_000,
        b'{"rows": ' + b"[" * 99_999,
    ],
)
def test_what_is_no_json_is_a_bad_request_and_not_a_crash(body):
    with pytest.raises(Problem) as caught:
        decoder.rows(predict_body(body).rows)
    assert caught.value.status in (400, 422)


def test_a_refusal_does_not_repeat_a_megabyte_of_input():
    problem = refusal(json.dumps({"rows": [{**ROW, "x" * 1_000_000: 1}]}))
    assert len(json.dumps(problem.body())) < 2000


def tensor(name: str, datatype: str, data: list[object], **changes: object) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data, **changes}


AGE = tensor("age", "INT64", [39, None])
HOURS = tensor("hours.per-week", "FP64", [40.5, 1])
WORK = tensor("workclass", "BYTES", ["Private", None])


def tensors(*inputs: dict[str, object]) -> list[dict[str, object]]:
    return decoder.tensors(infer_body(msgspec.json.encode({"inputs": inputs})).inputs)


def test_tensors_become_rows_in_any_order_of_columns():
    expected = [ROW, {"age": None, "hours.per-week": 1.0, "workclass": None}]
    assert tensors(WORK, AGE, HOURS) == expected
    flat = [{**each, "shape": [2, 1]} for each in (AGE, HOURS, WORK)]
    assert tensors(*flat) == expected


def test_a_bool_column_takes_true_false_and_null_and_no_other_spelling():
    members = RowDecoder({"member": "bool"}, {"member": "bool"}, MAX_ROWS)
    body = predict_body(b'{"rows": [{"member": true}, {"member": null}]}')
    assert members.rows(body.rows) == [{"member": True}, {"member": None}]
    sent = {"inputs": [tensor("member", "BOOL", [False, None])]}
    assert members.tensors(infer_body(msgspec.json.encode(sent)).inputs) == [
        {"member": False},
        {"member": None},
    ]
    for wrong in (b"1", b'"true"'):
        with pytest.raises(Problem, match=r"expected `bool \| null`"):
            members.rows(predict_body(b'{"rows": [{"member": ' + wrong + b"}]}").rows)


WIDE = {"at": "timestamp", "place": "vector[3]", "n": "int64"}
wide = RowDecoder(WIDE, WIDE, MAX_ROWS, optional=["at"])
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
FULL = {"at": "2026-03-01T12:30:00Z", "place": [1, 2.5, -3e2], "n": 1}
READ = {"at": AT, "place": [1.0, 2.5, -300.0], "n": 1}


def wide_rows(*rows: object) -> list[dict[str, object]]:
    return wide.rows(predict_body(json.dumps({"rows": rows}).encode()).rows)


def wide_tensors(*inputs: dict[str, object]) -> list[dict[str, object]]:
    return wide.tensors(infer_body(msgspec.json.encode({"inputs": inputs})).inputs)


def test_instants_and_vectors_are_read_and_an_optional_column_may_be_left_out():
    missing = dict.fromkeys(WIDE)
    assert wide_rows(FULL, missing) == [READ, missing]
    assert wide_rows({"place": None, "n": None}) == [{"place": None, "n": None}]


@pytest.mark.parametrize(
    "text", ["2026-03-01T14:30:00+02:00", "2026-03-01 12:30:00", "2026-03-01T12:30:00.000"]
)
def test_an_instant_may_be_written_with_an_offset_and_is_utc_without(text):
    assert wide_rows({**FULL, "at": text}) == [READ]


@pytest.mark.parametrize(
    ("column", "value", "within", "said"),
    [
        ("at", "yesterday", "", "column 'at': "),
        ("at", "2026-13-01T00:00:00Z", "", "column 'at': "),
        ("at", "0001-01-01T00:00:00+14:00", "", "column 'at': "),
        ("at", 5, "", "column 'at': expected `str | null`, got `int`"),
        ("place", [1, 2], "", "column 'place': expected `array` of length >= 3"),
        ("place", [1, 2, 3, 4], "", "column 'place': expected `array` of length <= 3"),
        ("place", [1, None, 3], "/1", "column 'place': expected `float`, got `null`"),
        ("place", [1, 2, "3"], "/2", "column 'place': expected `float`, got `str`"),
        ("place", "123", "", "column 'place': expected `array | null`, got `str`"),
    ],
)
def test_a_wrong_instant_or_vector_is_named_by_row_and_column(column, value, within, said):
    with pytest.raises(Problem) as caught:
        wide_rows(FULL, {**FULL, column: value})
    assert (caught.value.status, caught.value.pointer) == (422, f"/rows/1/{column}{within}")
    assert caught.value.detail.startswith(said)


N = tensor("n", "INT64", [1, None])
PLACES = tensor("place", "FP32", [1, 2.5, -300, 4, 5, 6], shape=[2, 3])
TIMES = tensor("at", "BYTES", ["2026-03-01T12:30:00Z", None])


def test_a_vector_is_a_tensor_of_two_dimensions_flat_or_nested():
    expected = [READ, {"at": None, "place": [4.0, 5.0, 6.0], "n": None}]
    assert wide_tensors(N, PLACES, TIMES) == expected
    nested = {**PLACES, "datatype": "FP64", "data": [[1, 2.5, -300], [4, 5, 6]]}
    assert wide_tensors(nested, TIMES, N) == expected
    gap = {**PLACES, "data": [None, [4, 5, 6]]}
    assert [row["place"] for row in wide_tensors(gap, N)] == [None, [4.0, 5.0, 6.0]]


@pytest.mark.parametrize(
    ("inputs", "pointer", "said"),
    [
        ([N, {**PLACES, "shape": [2]}], "/inputs/1/shape", "expected shape [rows, 3]"),
        ([N, {**PLACES, "shape": [3, 2]}], "/inputs/1/shape", "expected shape [rows, 3]"),
        ([N, {**PLACES, "datatype": "INT64"}], "/inputs/1/datatype", "datatype FP32 or FP64"),
        ([N, {**PLACES, "data": [1, 2, 3, 4]}], "/inputs/1/data", "1 numbers of its last row"),
        ([N, {**PLACES, "data": [1, 2, 3]}], "/inputs/1/data", "shape says 2 values, data has 1"),
        ([N, {**PLACES, "data": [[1, 2, 3], [4, 5, "x"]]}], "/inputs/1/data/1/2", "expected"),
        ([N, PLACES, {**TIMES, "data": ["noon", None]}], "/inputs/2/data/0", "column 'at'"),
    ],
)
def test_a_wrong_tensor_of_instants_or_vectors_is_named_by_pointer(inputs, pointer, said):
    with pytest.raises(Problem) as caught:
        wide_tensors(*inputs)
    assert (caught.value.status, caught.value.pointer) == (422, pointer)
    assert said in caught.value.detail


def outputs(*asked: object, **body: object):
    sent = {"inputs": [], "outputs": asked, **body}
    return wanted(infer_body(msgspec.json.encode(sent)), ("probability", "vectors", "ids"))


def test_outputs_are_the_probability_unless_the_request_says_others():
    assert outputs() == (Wanted("probability"),)
    one = {"name": "ids", "parameters": {"binary_data": True}}
    assert outputs({"name": "vectors"}, one) == (Wanted("vectors"), Wanted("ids", binary=True))
    every = {"parameters": {"binary_data_output": True, "else": 1}}
    asked = {"name": "vectors", "parameters": {"binary_data": False}}
    assert outputs({"name": "ids"}, asked, **every) == (
        Wanted("ids", binary=True),
        Wanted("vectors"),
    )
    assert outputs(**every) == (Wanted("probability", binary=True),)


@pytest.mark.parametrize(
    ("asked", "pointer", "said"),
    [
        ([{"name": "x"}], "/outputs/0/name", "unknown output 'x'; outputs: probability, vectors"),
        ([{"name": "ids"}, {"name": "ids"}], "/outputs/1/name", "output 'ids' is asked for twice"),
        ([{}], "/outputs/0", "missing required field `name`"),
        (["ids"], "/outputs/0", "expected `object`, got `str`"),
        (
            [{"name": "ids", "parameters": {"binary_data": 1}}],
            "/outputs/0/parameters/binary_data",
            "expected `bool | null`, got `int`",
        ),
    ],
)
def test_a_wrong_output_is_named_by_pointer(asked, pointer, said):
    with pytest.raises(Problem) as caught:
        outputs(*asked)
    assert (caught.value.status, caught.value.pointer) == (422, pointer)
    assert said.lower() in caught.value.detail.lower()


@pytest.mark.parametrize(
    ("inputs", "pointer", "said"),
    [
        ([AGE, HOURS], "/inputs", "column 'workclass' is missing"),
        ([], "/inputs", "column 'age' is missing"),
        ([AGE, HOURS, WORK, {**AGE, "name": "wage"}], "/inputs/3/name", "unknown column 'wage'"),
        ([AGE, HOURS, WORK, AGE], "/inputs", "two inputs have the same name"),
        (
            [{**AGE, "datatype": "INT32"}, HOURS, WORK],
            "/inputs/0/datatype",
            "expected datatype INT64",
        ),
        ([{**AGE, "shape": [3]}, HOURS, WORK], "/inputs/0/data", "shape says 3 values, data has 2"),
        ([AGE, {**HOURS, "shape": [1]}, WORK], "/inputs/1/shape", "the same for every column"),
        ([{**AGE, "shape": []}, HOURS, WORK], "/inputs/0/shape", "expected shape [rows]"),
        ([{**AGE, "shape": [-1]}, HOURS, WORK], "/inputs/0/shape", "expected shape [rows]"),
        ([{**AGE, "shape": [4]}, HOURS, WORK], "/inputs/0/shape", "1 to 3 rows"),
        ([AGE, HOURS, {**WORK, "data": ["x", 7]}], "/inputs/2/data/1", "expected `str | null`"),
        ([AGE, HOURS, {**WORK, "data": "x"}], "/inputs/2/data", "expected `array`"),
    ],
)
def test_a_wrong_tensor_is_named_by_pointer(inputs, pointer, said):
    with pytest.raises(Problem, match=said.replace("[", r"\[").replace("|", r"\|")) as caught:
        tensors(*inputs)
    assert (caught.value.status, caught.value.pointer) == (422, pointer)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*COLUMNS, "rows", "data", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["rows", "request_id", "x"]), json_values, max_size=3))
def test_any_json_is_rows_of_the_declared_columns_or_a_problem(body):
    rows = rows_or_problem(lambda: rows_of(json.dumps(body)))
    assert len(rows) <= MAX_ROWS
    assert all(row.keys() == COLUMNS.keys() for row in rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_problem_and_nothing_else(body):
    with pytest.raises(Problem):
        decoder.rows(predict_body(body).rows)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from([*COLUMNS, "x"]),
                "datatype": st.sampled_from(["INT64", "FP64", "BYTES", ""]),
                "shape": st.lists(st.integers(-1, 4), max_size=2),
                "data": json_values,
            }
        ),
        max_size=4,
    )
)
def test_any_tensors_are_rows_or_a_problem(inputs):
    rows = rows_or_problem(lambda: tensors(*inputs))
    assert all(row.keys() == COLUMNS.keys() for row in rows)
