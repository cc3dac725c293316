"""Nasty JSON lines, each with what must come of it; the columns are those of `corpus`."""

import gzip

from mlplatform_tests.ingest.corpus import ANN, Case

JSON_LINES = {
    "nothing but objects": Case(
        b'{"name": "ann", "age": 1, "height": 1.5}\n\n{"age": null, "height": 2}\n',
        [ANN, (3, (None, None, 2.0))],
    ),
    "a truncated last line": Case(
        b'{"name": "ann", "age": 1, "height": 1.5}\n{"name": "b',
        [ANN],
        [(2, None, "not a JSON object: Unterminated string starting at, character 10")],
    ),
    "numbers written otherwise": Case(
        b'{"age": 1.0}\n{"age": 1e3}\n{"age": 9007199254740993.0}\n{"height": -0}\n',
        [(1, (None, 1, None)), (2, (None, 1000, None)), (3, (None, 9007199254740993, None)), (4, (None, None, 0.0))],
    ),
    "no whole numbers": Case(
        b'{"age": 1}\n{"age": 1.5}\n{"age": 1.0000000000000000001}\n{"age": 9223372036854775808}\n'
        b'{"age": 1e-99999999999999999999}\n{"age": -1e19}\n',
        [(1, (None, 1, None))],
        [
            (2, "age", "1.5 is no int64"),
            (3, "age", "1.0000000000000000001 is no int64"),
            (4, "age", "9223372036854775808 is no int64"),
            (5, "age", "1e-99999999999999999999 is no int64"),
            (6, "age", "-1e19 is no int64"),
        ],
    ),
    "values of other types": Case(
        b'{"age": "1"}\n{"age": true}\n{"name": 1}\n{"name": {"a": [1]}}\n{"height": []}\n{"height": "1"}\n',
        [],
        [
            (1, "age", '"1" is no int64'),
            (2, "age", "true is no int64"),
            (3, "name", "1 is no string"),
            (4, "name", "an object is no string"),
            (5, "height", "an array is no float64"),
            (6, "height", '"1" is no float64'),
        ],
    ),
    "numbers that are not finite": Case(
        b'{"height": 1e999}\n{"height": NaN}\n{"height": -Infinity}\n{"age": 1e999}\n{"height": 1%s}\n' % (b"0" * 400),
        [],
        [
            (1, "height", "the number 1e999 is not finite"),
            (2, None, "NaN is no number in JSON"),
            (3, None, "-Infinity is no number in JSON"),
            (4, "age", "the number 1e999 is not finite"),
            (5, "height", f"the number 1{'0' * 59}… is not finite"),
        ],
    ),
    "a number of too many digits": Case(
        b'{"age": 1}\n{"age": %s}\n' % (b"9" * 5000), [(1, (None, 1, None))], [(2, None, "a number of too many digits")]
    ),
    "a key twice": Case(
        b'{"age": 1, "age": 1}\n{"age": 1}\n',
        [(2, (None, 1, None))],
        [(1, None, "the key 'age' stands twice")],
    ),
    "a key that is not declared": Case(
        b'{"age": 1}\n{"agee": 1}\n{"\\ud800": 1}\n',
        [(1, (None, 1, None))],
        [(2, None, "no column 'agee' is declared"), (3, None, r"no column '\ud800' is declared")],
    ),
    "no objects": Case(
        b'[1]\n"ann"\n1\nnull\n{"age": 1}\n',
        [(5, (None, 1, None))],
        [(line, None, "not a JSON object") for line in (1, 2, 3, 4)],
    ),
    "deep nesting": Case(
        b'{"age": 1}\n{"name": %s}\n' % (b"[" * 100_000 + b"]" * 100_000),
        [(1, (None, 1, None))],
        [(2, None, "nested too deep")],
    ),
    "half a surrogate pair and NUL": Case(
        b'{"name": "\\ud800"}\n{"name": "a\\u0000"}\n{"name": "\\ud83d\\ude00 \\\\u0000"}\n',
        [(3, ("\N{GRINNING FACE} \\u0000", None, None))],
        [(1, "name", "half of a surrogate pair is no character"), (2, "name", "a NUL character")],
    ),
    "mixed encodings": Case(
        '{"name": "Zoë"}\n'.encode() + '{"name": "Zoë"}\n'.encode("latin-1") + b'{"name": "\0"}\n',
        [(1, ("Zoë", None, None))],
        [
            (2, None, "byte 0xeb is not utf-8"),
            (3, None, "not a JSON object: Invalid control character at, character 11"),
        ],
    ),
    "a line beyond the limit": Case(
        b'{"name": "%s"}\n{"age": 1}\n' % (b"b" * 1050),
        [(2, (None, 1, None))],
        [(1, None, "longer than 1,024 bytes")],
        how={"limit": 1024},
    ),
    "gzip and a byte order mark": Case(gzip.compress(b'\xef\xbb\xbf{"age": 1}\r\n'), [(1, (None, 1, None))]),
    "truncated gzip": Case(gzip.compress(b'{"age": 1}\n' * 999)[:-9], refused="truncated or damaged gzip"),
    "an empty file": Case(b"\n", refused=r"^data/people\.jsonl: no rows; expected one JSON object a line"),
    "one array": Case(b'[\n{"age": 1},\n{"age": 2}]\n', refused="no line is a JSON object; write one a line"),
    "one object over lines": Case(b'{\n"age": 1\n}\n', refused="no line is a JSON object"),
}  # fmt: skip
