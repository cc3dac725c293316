"""JSON lines: what was written comes back exactly, in strict types; bad lines are named."""

import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform_tests.ingest.texts import from_jsonl, spec_of

COLUMNS = {
    "name": "string",
    "age": "int64",
    "height": "float64",
    "member": "bool",
    "since": "timestamp",
}
VALUES = {
    "name": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
    "age": st.integers(-(2**63), 2**63 - 1),
    "height": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
    "member": st.booleans(),
    "since": st.datetimes(timezones=st.just(UTC)),
}
objects = st.fixed_dictionaries(
    {}, optional={name: st.none() | value for name, value in VALUES.items()}
)
BAD = [b"{", b"[]", b'{"x": 1}', b'{"age": 0.5}', b'{"name": 1}', b"\xff", b'{"since": "soon"}']


@settings(max_examples=150, deadline=None)
@given(
    st.lists(objects | st.sampled_from(BAD), min_size=1, max_size=8), st.booleans(), st.booleans()
)
def test_every_line_is_the_row_that_was_written_or_is_rejected(written, blank, ascii_only):
    lines, rows, bad = [json.dumps({"age": 1}).encode()], [(1, (None, 1, None, None, None))], []
    for one in written:
        lines += [b" "] * blank
        if isinstance(one, bytes):
            lines.append(one)
            bad.append(len(lines))
        else:
            lines.append(json.dumps(one, default=str, ensure_ascii=ascii_only).encode())
            rows.append((len(lines), tuple(map(one.get, COLUMNS))))
    read = from_jsonl(b"\r\n".join(lines), None, spec_of(COLUMNS), piece_bytes=30)
    assert read.rows == rows
    assert [line for line, _, _ in read.rejected] == bad


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text('":,\\x {}', max_size=3)
pairs = st.lists(st.tuples(st.sampled_from(["name", "age"]), scalars), min_size=1, max_size=3)


@given(pairs)
def test_an_object_whose_key_stands_twice_is_never_taken_for_another(pairs):
    text = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"
    read = from_jsonl('{"age": 1}\n' + text)
    twice = len({key for key, _ in pairs}) < len(pairs)
    reasons = [reason for _, _, reason in read.rejected if reason.endswith("stands twice")]
    assert len(reasons) == twice


def test_numbers_keep_their_bits():
    read = from_jsonl(b'{"height": 1}\n{"height": 5e-324}\n{"height": 9007199254740993}\n')
    heights = [values[2] for _, values in read.rows]
    assert heights == [1.0, 5e-324, 9007199254740992.0]
    assert all(isinstance(height, float) for height in heights)


def test_timestamps_are_iso_strings_and_nothing_else():
    spec = spec_of({"name": "string", "since": "timestamp"})
    text = '{"since": "2020-01-01"}\n{"since": 1577836800}\n{"since": "x"}\n{"since": "\\ud800"}\n'
    read = from_jsonl(text, None, spec)
    assert read.rows == [(1, (None, datetime(2020, 1, 1, tzinfo=UTC)))]
    assert read.rejected == [
        (2, "since", "1577836800 is no timestamp"),
        (3, "since", "'x' is no timestamp"),
        (4, "since", "half of a surrogate pair is no character"),
    ]


def test_the_labels_ending_is_dropped():
    read = from_jsonl('{"name": "ann."}\n{"name": 1}\n', None, spec_of(strip="."))
    assert read.rows == [(1, ("ann", None, None))]


def test_a_rejected_line_shows_its_beginning():
    long = "b" * 5000
    read = from_jsonl('{"age": 1}\n{"age": x}\r\n{"age": "' + long + '"}\n')
    assert read.texts == ['{"age": x}', ('{"age": "' + long)[:1000]]
