"""The exam of every online store. A store's test class inherits it and says how to open one.

Example:
    class TestSqliteStore(OnlineStoreContract):
        @pytest.fixture(autouse=True)
        def _place(self, tmp_path):
            self.opened = lambda: SqliteStore(tmp_path / "online.sqlite")
"""

import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from mlplatform.features.aggregates import OnlineStore, OnlineStoreError

FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # Years 1 to 9999.
Change = tuple[str, str, int, float | None]
ODD = [
    '["a"]',
    '["a:b"]',
    '["\u00e9\U0001f600"]',
    '["a\\"b\'c"]',
    '["\x00"]',
    "[]",
    '["' + "x" * 5000 + '"]',
]


class OnlineStoreContract:
    """What every online store promises, wherever it keeps the changes.

    Attributes:
        opened: Returns a new store object of one and the same place, which is empty at first.
    """

    opened: Callable[[], OnlineStore]

    def test_a_store_that_was_never_loaded_says_so(self) -> None:
        """It has no version, and makes no value up."""
        store = self.opened()
        _check(store.version is None, "an empty store must have no version")
        _check(store.answered is None, "nothing was answered")
        _refused(lambda: store.lookup("a", "[]", 0), "empty")

    def test_a_value_holds_from_its_instant_until_the_next(self) -> None:
        """That instant included; before the first there is none, and null is none."""
        store = self.opened()
        store.load(
            "0:first", _batches([("a", "[]", 5, 1.0), ("a", "[]", 9, None), ("a", "[]", 12, 2.0)])
        )
        asked = [("a", "[]", at) for at in (FIRST_US, 4, 5, 8, 9, 11, 12, LAST_US)]
        wanted = [None, None, 1.0, 1.0, None, None, 2.0, 2.0]
        _check(store.lookups(asked) == wanted, "each change must hold until the next")
        _check([store.lookup(*one) for one in asked] == wanted, "one by one, too")

    def test_values_and_instants_come_back_to_the_last_bit(self) -> None:
        """At both ends of time, and for numbers of every size."""
        values = [0.0, 0.1, -1 / 3, 5e-324, -1.7976931348623157e308, 2.0**53 + 2, 3.0]
        instants = [FIRST_US, FIRST_US + 1, -1, 2**53 + 1, 2**53 + 2, LAST_US - 1, LAST_US]
        changes = [("a", "[]", at, value) for at, value in zip(instants, values, strict=True)]
        store = self.opened()
        store.load("0:bits", _batches(changes))
        for _, _, at, value in changes:
            found = store.lookup("a", "[]", at)
            _check(_bits(found) == _bits(value), f"{value!r} came back as {found!r}")

    def test_any_text_is_an_entity(self) -> None:
        """Also with what means something to the store."""
        rows = sorted((entity, k) for k, entity in enumerate(ODD))
        store = self.opened()
        store.load("0:odd", _batches([("a", entity, 0, float(k)) for entity, k in rows]))
        found = store.lookups([("a", entity, 1) for entity in ODD])
        _check(found == [float(k) for k in range(len(ODD))], f"entities were mixed up: {found}")
        _check(store.lookup("a", '["a"', 1) is None, "no other text may be taken for one")

    def test_only_aggregates_of_the_version_are_answered(self) -> None:
        """One without any change is known; of any other a value would be made up."""
        store = self.opened()
        store.load("0:keys", _batches([("a", "[]", 0, 1.0)]), ["a", "quiet"])
        _check(store.lookup("quiet", "[]", 1) is None, "no change is no value")
        _refused(lambda: store.lookups([("a", "[]", 1), ("other", "[]", 1)]), "other")
        store.load("1:any", _batches([]))
        _check(store.lookup("other", "[]", 1) is None, "without keys every aggregate is answered")

    def test_a_load_replaces_everything_for_readers_that_are_open(self) -> None:
        """Nothing of the old version stays, in this object or another one."""
        writer, reader = self.opened(), self.opened()
        writer.load("0:old", _batches([("a", '["x"]', 0, 1.0), ("a", '["y"]', 0, 1.0)]), ["a"])
        _check(reader.lookup("a", '["x"]', 1) == 1.0, "a loaded value must be seen")
        writer.load("1:new", _batches([("a", '["y"]', 0, 2.0)]), ["a"])
        for store in (writer, reader, self.opened()):
            _check(store.version == "1:new", f"version is {store.version}, not 1:new")
            found = store.lookups([("a", '["x"]', 1), ("a", '["y"]', 1)])
            _check(found == [None, 2.0], f"the new version must be all there is: {found}")
            _check(store.answered == "1:new", f"answered from {store.answered}, not from 1:new")

    def test_a_load_that_fails_leaves_what_there_was(self) -> None:
        """And the next one goes through."""

        def broken() -> Iterator[pa.RecordBatch]:
            yield from _batches([("a", "[]", 0, 2.0)])
            raise RuntimeError("the table ends here")

        store = self.opened()
        store.load("0:whole", _batches([("a", "[]", 0, 1.0)]))
        try:
            store.load("1:broken", broken())
        except RuntimeError:
            pass
        else:
            raise AssertionError("the failure must be told")
        _check((store.version, store.lookup("a", "[]", 1)) == ("0:whole", 1.0), "the old must stay")
        store.load("2:whole", _batches([("a", "[]", 0, 3.0)]))
        _check(store.lookup("a", "[]", 1) == 3.0, "the next load must go through")

    def test_a_second_load_at_the_same_time_is_refused(self) -> None:
        """The first goes on."""

        def meanwhile() -> Iterator[pa.RecordBatch]:
            yield from _batches([("a", "[]", 0, 1.0)])
            _refused(lambda: self.opened().load("9:second", _batches([])), "loaded")

        store = self.opened()
        store.load("0:first", meanwhile())
        _check(
            (store.version, store.lookup("a", "[]", 1)) == ("0:first", 1.0), "the first must win"
        )

    def test_the_history_may_come_in_batches_of_any_size(self) -> None:
        """Also cut within an entity; and one aggregate may begin with the entity that another ends with."""
        whose = [("a", "[1]"), ("a", "[2]"), ("b", "[2]"), ("b", "[3]")]
        changes: list[Change] = [(a, e, at, (at + ord(a)) / 7) for a, e in whose for at in range(9)]
        store = self.opened()
        for size in (1, 4, 100):
            store.load(f"{size}:cut", _batches(changes, size))
            found = store.lookups([(a, e, at) for a, e, at, _ in changes])
            _check(found == [value for *_, value in changes], f"batches of {size}")

    def test_all_values_of_one_call_are_of_one_version(self) -> None:
        """Many threads read while versions come and go."""
        entities = [f"[{k}]" for k in range(50)]
        store, wrong = self.opened(), list[object]()
        store.load("0:n", _batches([("a", entity, 0, 0.0) for entity in sorted(entities)]))
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                try:
                    found = store.lookups([("a", entity, 1) for entity in entities])
                except OnlineStoreError as error:
                    wrong.append(error)
                    return
                if len(set(found)) != 1 or None in found:
                    wrong.append(found)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        writer = self.opened()
        for n in range(1, 15):
            writer.load(f"{n}:n", _batches([("a", e, 0, float(n)) for e in sorted(entities)]))
        done.set()
        for reader in readers:
            reader.join()
        _check(not wrong, f"readers saw {wrong[:1]}")


def _batches(changes: Sequence[Change], size: int = 1000) -> Iterator[pa.RecordBatch]:
    for first in range(0, len(changes), size):
        columns: list[Any] = [
            list(column) for column in zip(*changes[first : first + size], strict=True)
        ]
        at = pa.array(columns[2], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
        yield pa.RecordBatch.from_arrays(
            [pa.array(columns[0]), pa.array(columns[1]), at, pa.array(columns[3], pa.float64())],
            names=["aggregate", "entity", "at", "value"],
        )


def _bits(value: float | None) -> bytes | None:
    return None if value is None else struct.pack(">d", value)


def _check(held: bool, sentence: str) -> None:  # noqa: FBT001 - reads as `check(condition, sentence)`
    if not held:
        raise AssertionError(sentence)


def _refused(call: Callable[[], object], says: str) -> None:
    try:
        call()
    except OnlineStoreError as error:
        _check(says in str(error), f"{says!r} is not in {error}")
    else:
        raise AssertionError(f"must be refused, saying {says!r}")
