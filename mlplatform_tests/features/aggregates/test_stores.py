"""Online stores pass their exam, and what is theirs alone."""

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from mlplatform.features.aggregates import (
    OnlineStore,
    OnlineStoreError,
    RedisStore,
    SqliteStore,
    open_store,
)
from mlplatform.testing.online_store_contract import OnlineStoreContract, _batches
from mlplatform_tests.features.aggregates.redis_server import started_redis


class TestSqliteStore(OnlineStoreContract):
    """A file each test."""

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path):
        self.opened = lambda: SqliteStore(tmp_path / "a folder? #1" / "online.sqlite")


class TestRedisStore(OnlineStoreContract):
    """One server, a name each test."""

    @pytest.fixture(autouse=True)
    def _place(self, redis_url, tmp_path):
        self.opened = lambda: RedisStore(redis_url, tmp_path.name)


def test_the_place_says_which_store_it_is(tmp_path, redis_url):
    local, shared = open_store(tmp_path, "shop/visits"), open_store(redis_url, "shop/visits")
    assert isinstance(local, SqliteStore)
    assert isinstance(shared, RedisStore)
    assert isinstance(local, OnlineStore)
    assert isinstance(shared, OnlineStore)
    local.load("0:a", _batches([]))
    assert [path.name for path in tmp_path.glob("*.sqlite")] == ["shop.visits.sqlite"]


def test_a_load_that_is_killed_leaves_the_old_version_and_the_next_one_cleans_up(tmp_path):
    path = tmp_path / "online.sqlite"
    SqliteStore(path).load("0:a", _batches([("a", "[]", 0, 1.0)]))
    program = (
        "import os, signal\n"
        "from mlplatform.features.aggregates import SqliteStore\n"
        "from mlplatform.testing.online_store_contract import _batches\n"
        "def dies():\n"
        "    yield from _batches([('a', '[]', 0, 2.0)])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"SqliteStore({str(path)!r}).load('1:b', dies())\n"
    )
    died = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert len(list(tmp_path.glob(".*.new"))) == 1
    store = SqliteStore(path)
    assert (store.version, store.lookup("a", "[]", 1)) == ("0:a", 1.0)
    store.load("2:c", _batches([("a", "[]", 0, 3.0)]))
    assert store.lookup("a", "[]", 1) == 3.0
    assert not list(tmp_path.glob(".*.new"))


def test_a_file_that_is_no_store_is_told_in_a_line(tmp_path):
    path = tmp_path / "online.sqlite"
    path.write_text("these are notes, and no database, however long they go on")
    with pytest.raises(OnlineStoreError, match=r"online\.sqlite: .*; remove it and load it again"):
        SqliteStore(path).lookup("a", "[]", 0)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    connection.close()
    with pytest.raises(OnlineStoreError, match="remove it and load it again"):
        assert SqliteStore(other).version


def test_a_place_that_cannot_be_written_is_told_in_a_line(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OnlineStoreError, match=r"online\.sqlite cannot be written: .*file"):
        SqliteStore(tmp_path / "file" / "online.sqlite").load("0:a", _batches([]))


def test_keys_of_the_old_version_and_of_dead_loads_are_removed(redis_url):
    import redis

    client = redis.Redis.from_url(redis_url)
    client.set("mlplatform:shop:dead:a:[]", "left by a load that died")
    client.set("mlplatform:shop_two:live:a:[]", "somebody else's")
    store = RedisStore(redis_url, "shop")

    def watched():
        assert not client.exists("mlplatform:shop:dead:a:[]")  # Before anything new needs its room.
        yield from _batches([])

    store.load("0:v", watched())
    for n in range(1, 3):
        store.load(f"{n}:v", _batches([("a", "[1]", 0, 1.0), ("a", "[2]", 0, 1.0)]))
    assert len(list(client.scan_iter("mlplatform:shop:*"))) == 3  # Two entities, and `current`.
    assert client.exists("mlplatform:shop_two:live:a:[]")


def test_a_load_that_lost_its_turn_changes_nothing(redis_url):
    """It was away for longer than the lock holds, and another one began."""
    import redis

    def slow():
        yield from _batches([("a", "[]", 0, 2.0)])
        redis.Redis.from_url(redis_url).set("mlplatform:turn:loading", "another")
        yield from _batches([("a", "[]", 1, 2.0)])
        raise AssertionError("it is told at once, and not at the end")

    store = RedisStore(redis_url, "turn")
    store.load("0:a", _batches([("a", "[]", 0, 1.0)]))
    with pytest.raises(OnlineStoreError, match="another load began"):
        store.load("1:b", slow())
    assert (store.version, store.lookup("a", "[]", 1)) == ("0:a", 1.0)
    assert redis.Redis.from_url(redis_url).get("mlplatform:turn:loading") == b"another"


@pytest.mark.parametrize("cleaning", ["before", "after"])
def test_a_clean_up_that_lost_its_turn_removes_nothing_of_the_load_that_took_over(
    redis_url, cleaning
):
    """It stood still for longer than the lock holds, and found the other one's keys then."""
    import redis

    name, client = f"late-{cleaning}", redis.Redis.from_url(redis_url)
    first, second = RedisStore(redis_url, name), RedisStore(redis_url, name)
    first.load("0:a", _batches([("a", "[]", 0, 1.0)]))
    written, go_on = threading.Event(), threading.Event()

    def rows():
        yield from _batches([("a", "[]", 0, 7.0)])
        written.set()
        assert go_on.wait(30)

    other = threading.Thread(target=lambda: second.load("2:c", rows()))
    scan = first._redis.scan

    def late(*of, **options):
        if (first.version == "1:b") == (cleaning == "after") and not other.ident:
            client.delete(f"mlplatform:{name}:loading")  # As if its time were over.
            other.start()
            assert written.wait(30)
        return scan(*of, **options)

    first._redis.scan = late
    with (
        ExitStack() as told
    ):  # Afterwards its version was there, and is only not cleaned up behind.
        if cleaning == "before":
            told.enter_context(pytest.raises(OnlineStoreError, match="another load began"))
        first.load("1:b", _batches([("a", "[]", 0, 5.0)]))
    go_on.set()
    other.join()
    assert (second.version, second.lookup("a", "[]", 1)) == ("2:c", 7.0)
    assert len(list(client.scan_iter(f"mlplatform:{name}:*"))) == 2  # An entity, and `current`.


def test_a_clean_up_keeps_the_turn_however_long_it_takes(redis_url):
    import redis

    client, lock = redis.Redis.from_url(redis_url), "mlplatform:long:loading"
    store = RedisStore(redis_url, "long")
    scan = store._redis.scan

    def slow(*of, **options):
        assert client.ttl(lock) > 50
        client.expire(lock, 5)  # As if most of its time were over.
        return scan(*of, **options)

    def rows():
        assert client.ttl(lock) > 50
        yield from _batches([("a", "[]", 0, 1.0)])

    with client.pipeline() as sent:
        for k in range(5000):
            sent.set(f"mlplatform:long:dead:a:[{k}]", "left by a load that died")
        sent.execute()
    store._redis.scan = slow
    store.load("0:a", rows())
    assert len(list(client.scan_iter("mlplatform:long:*"))) == 2


def test_a_redis_that_drops_keys_when_full_is_refused():
    with started_redis("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru") as url:
        with pytest.raises(OnlineStoreError, match=r"allkeys-lru.*noeviction"):
            RedisStore(url).load("0:a", _batches([]))
        assert RedisStore(url).version is None


def test_a_redis_that_is_gone_is_told_without_its_address(tmp_path):
    with started_redis() as url:
        store = RedisStore(url)
        store.load("0:a", _batches([("a", "[]", 0, 1.0)]))
    for ask in (lambda: store.version, lambda: store.lookup("a", "[]", 1)):
        with pytest.raises(OnlineStoreError, match="does not answer: ConnectionError") as told:
            ask()
        assert url not in str(told.value)
    with pytest.raises(OnlineStoreError, match="none of Redis") as told:
        RedisStore("redis://host:word")
    assert "word" not in str(told.value)
    assert told.value.__suppress_context__


def test_without_redis_py_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(OnlineStoreError, match=r"pip install 'mlplatform\[redis\]'"):
        RedisStore("redis://localhost")
