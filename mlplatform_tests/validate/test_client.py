"""The worker process: started early, asked in turn, and mourned in one line when it dies."""

import os
import signal
import subprocess
import sys
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlplatform.errors import WorkerError
from mlplatform.validate import statistics as stats
from mlplatform.validate.client import TfdvWorker
from mlplatform_tests.validate.conftest import ROOT, people


@pytest.fixture
def impostor(tmp_path):
    """An interpreter that does what a shell line says instead of running the worker."""

    def make(shell: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{shell}\n")
        path.chmod(0o755)
        return path

    return make


def state(pid: int) -> str:
    """What the kernel says of a process: nothing once it is gone, Z for a zombie."""
    try:
        # The command's name stands in brackets before the state, and may hold blanks.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def gone(pid: int) -> bool:
    """Whether it ends within a minute. A zombie is some init's to reap, and has ended."""
    deadline = time.monotonic() + 60
    while state(pid) and not state(pid).startswith("Z") and time.monotonic() < deadline:
        time.sleep(0.1)
    return not state(pid) or state(pid).startswith("Z")


def test_the_worker_says_which_versions_answer(worker):
    assert set(worker.ping()) == {"python", "pyarrow", "tfdv"}


def test_bad_requests_are_errors_and_the_worker_lives_on(worker, tmp_path):
    garbage, table = tmp_path / "garbage.parquet", tmp_path / "table.parquet"
    garbage.write_bytes(b"PAR1 but not really")
    pq.write_table(people(), table)
    pid = worker._process.pid
    with pytest.raises(WorkerError, match=r"failed answering `statistics`: .*garbage\.parquet"):
        worker.statistics({"all": [garbage]}, ["age"])
    with pytest.raises(WorkerError, match=r"gone\.parquet"):
        worker.statistics({"all": [tmp_path / "gone.parquet"]}, ["age"])
    with pytest.raises(WorkerError, match=r"table\.parquet has no column 'weight'"):
        worker.statistics({"all": [table]}, ["age", "weight"])
    with pytest.raises(WorkerError, match="failed answering `infer_schema`"):
        worker.infer_schema(b"garbage")
    with pytest.raises(WorkerError, match="failed answering `drift`"):
        worker.drift(b"garbage", b"garbage")
    assert stats.rows(worker.statistics({"all": [table]}, ["age"])["all"]) == 40
    assert worker._process.pid == pid


def test_threads_share_one_worker_and_get_their_own_answers(worker, tmp_path):
    def rows(count: int) -> int:
        path = tmp_path / f"{count}.parquet"
        pq.write_table(people(count), path)
        return stats.rows(worker.statistics({"all": [path]}, ["age", "city"])["all"])

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(rows, range(1, 17))) == list(range(1, 17))


def test_a_killed_worker_is_one_line_and_the_next_request_starts_another(tfdv_python, tmp_path):
    with TfdvWorker(tfdv_python, tmp_path / "worker.log") as worker:
        worker.ping()
        pid = worker._process.pid
        os.kill(pid, signal.SIGKILL)
        message = (
            r"died answering `ping` \(killed by SIGKILL\); .*; run it again \(log: .*worker\.log"
        )
        with pytest.raises(WorkerError, match=message) as error:
            worker.ping()
        assert "\n" not in str(error.value)
        assert state(pid) == "", "a zombie is left"
        assert worker.ping()["tfdv"]
        pid = worker._process.pid
    assert state(pid) == ""


@pytest.mark.parametrize("path", ["nowhere/python", "."])
def test_an_interpreter_that_cannot_run_is_an_error_at_the_start(tmp_path, path):
    with pytest.raises(WorkerError, match=r"; correct the interpreter or run `make install`"):
        TfdvWorker(tmp_path / path).start()


def test_an_interpreter_without_tfdv_says_so_and_how_to_get_it(tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    worker = TfdvWorker(tmp_path / "bare" / "bin" / "python", tmp_path / "worker.log")
    with pytest.raises(
        WorkerError,
        match=r"died importing TFDV \(exit code 1\); its last words: ModuleNotFoundError: .*; "
        r"run `make install` \(log: ",
    ):
        worker.ping()


def test_only_this_workers_words_are_quoted_from_a_log_of_many(impostor, tmp_path):
    log = tmp_path / "worker.log"
    log.write_text("an older worker's words\n")
    with pytest.raises(WorkerError, match=r"exit code 3.*its last words: nothing in its log"):
        TfdvWorker(impostor("exit 3"), log).ping()
    with pytest.raises(WorkerError, match="its last words: no space left"):
        TfdvWorker(impostor("echo no space left >&2; exit 3"), log).ping()


def test_a_worker_that_hangs_is_ended_at_its_deadline(impostor):
    worker = TfdvWorker(impostor("echo waiting >&2; exec sleep 1000"), start_seconds=0.5)
    worker.start()
    pid = worker._process.pid
    with pytest.raises(
        WorkerError, match=r"ended after 0\.5 s of importing TFDV; .*: waiting; run"
    ):
        worker.ping()
    assert state(pid) == ""


def test_a_request_that_hangs_is_ended_at_its_deadline(impostor):
    hello = """echo '{"id": 0, "result": {}}'; exec sleep 1000"""
    worker = TfdvWorker(impostor(hello), answer_seconds=0.5)
    with pytest.raises(WorkerError, match=r"ended after 0\.5 s of answering `ping`"):
        worker.ping()


@pytest.mark.parametrize("words", ["Hello!", "[1]", '{"id": 7, "result": {}}'])
def test_an_answer_to_another_question_is_not_taken_for_ours(impostor, words):
    worker = TfdvWorker(impostor(f"echo '{words}'; exec sleep 1000"))
    with pytest.raises(WorkerError, match="while importing TFDV; run `make install`"):
        worker.ping()


def test_closing_twice_or_before_the_start_does_no_harm(impostor):
    worker = TfdvWorker(impostor("exec cat"))
    worker.close()
    worker.start()
    pid = worker._process.pid
    worker.close()
    worker.close()
    assert state(pid) == ""


@pytest.mark.parametrize("moment", ["start", "ping"])
def test_a_worker_ends_when_its_parent_is_killed_while_it_imports_or_waits(tfdv_python, moment):
    program = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from mlplatform.validate.client import TfdvWorker\n"
        f"worker = TfdvWorker(Path({str(tfdv_python)!r}))\n"
        f"worker.{moment}()\n"
        "print(worker._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert parent.returncode == -signal.SIGKILL
    assert gone(int(parent.stdout))


def test_what_libraries_print_goes_to_the_log_and_not_between_the_answers(tmp_path):
    """TensorFlow and Beam print to standard output from Python and from C++."""
    venv.create(tmp_path / "chatty", with_pip=False)
    (packages,) = (tmp_path / "chatty").glob("lib/python*/site-packages")
    chatter = 'import os\nprint("from Python")\nos.write(1, b"from C++\\n")\n__version__ = "0"\n'
    for name in ("pyarrow", "tensorflow_data_validation"):
        (packages / f"{name}.py").write_text(chatter)
    log = tmp_path / "worker.log"
    with TfdvWorker(tmp_path / "chatty" / "bin" / "python", log) as worker:
        assert worker.ping()["tfdv"] == "0"
    assert "from C++" in log.read_text()


def test_a_worker_ends_with_a_parent_that_never_closed_it(impostor):
    """At the end of the process, and when the last reference goes."""
    worker = TfdvWorker(impostor("exec cat"))
    worker.start()
    pid = worker._process.pid
    del worker
    assert gone(pid)
