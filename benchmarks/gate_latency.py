"""How often the latency gate is wrong: an equal model refused, and one that does a fifth more work let through.

`.venv/bin/python benchmarks/gate_latency.py [TRIALS] [SERVER_PAIRS]`: about 15 minutes for 100 trials and 4 pairs of
servers on two quiet cores. A small exported model, one second a measurement in place of four, each trial as the
host is and beside a process that never sleeps. Writes the table of `docs/gate-latency.md` as well.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlplatform.features.program import Predictor  # noqa: E402 - after the path
from mlplatform.gates.latency import latency as gate  # noqa: E402 - after the path
from mlplatform.judging.cores import on_one_core  # noqa: E402 - after the path
from mlplatform.judging.host import Meter, host  # noqa: E402 - after the path
from mlplatform.judging.latency import Timed, latency, of_program, of_server  # noqa: E402 - after the path
from mlplatform.judging.wire import Connection, requests  # noqa: E402 - after the path
from mlplatform.lake import Lake  # noqa: E402 - after the path
from mlplatform.serve.candidate import serving  # noqa: E402 - after the path
from mlplatform.spec.serving_gates import LatencyGate  # noqa: E402 - after the path
from mlplatform.verdict import Outcome  # noqa: E402 - after the path
from mlplatform_tests.serve.conftest import ROW, exported  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "gate_latency.json"
PAGE = ROOT / "docs" / "gate-latency.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
PLANTED = 0.2  # More work.
POLICY = LatencyGate(seconds=0.5)  # The default but for the time.
SAMPLES = 1000  # Of the naive rules, one model after the other.
BUSY = "while True: pass"
Ask = Callable[[int], object]


def slower(ask: Ask, share: float = PLANTED) -> Ask:
    """Return what does `share` of its own work again, in processor time, after each answer."""
    times = []
    for row in range(300):
        began = time.thread_time_ns()
        ask(row)
        times.append(time.thread_time_ns() - began)
    return spinning(ask, median(times) * share)


def spinning(ask: Ask, nanoseconds: float) -> Ask:
    """Return what works on for so long, in processor time, after each answer."""

    def more(row: int) -> object:
        answer = ask(row)
        end = time.thread_time_ns() + nanoseconds
        while time.thread_time_ns() < end:
            pass
        return answer

    return more


def naive(candidate: Ask, champion: Ask) -> dict[str, bool]:
    """Return what rules say that look once: more than 1.1 times the champion's, measured before it."""
    times = []
    for ask in (champion, candidate):
        taken = []
        for row in range(SAMPLES):
            began = time.perf_counter_ns()
            ask(row)
            taken.append(time.perf_counter_ns() - began)
        times.append(np.array(taken))
    live, mine = times
    allowed = 1 + (POLICY.max_slowdown or 0)
    tails = [np.percentile(each, 99) for each in (mine, live)]
    return {"mean": mine.mean() > allowed * live.mean(), "p99": tails[0] > allowed * tails[1]}


def judged(candidate: dict[str, Ask], champion: dict[str, Ask]) -> dict[str, Any]:
    """Return the gate's outcome, the bounds it rests on, and what the naive rules say of the program."""
    seen = latency(Timed("candidate", candidate), Timed("champion", champion), POLICY)
    if seen.failed:
        raise RuntimeError(seen.failed)
    verdict = gate(seen, POLICY)
    rules = naive(candidate["program"], champion["program"])
    return {
        "outcome": verdict.outcome.value,
        "others": round(seen.others or 0.0, 3),
        "samples": [each.samples for each in seen.timed],
        "ratios": {
            f"p{ratio.percentile} {each.path}": [
                round(value, 4) for value in (ratio.lower, ratio.observed, ratio.upper, ratio.noise)
            ]
            for each in seen.timed
            for ratio in each.ratios
        },
        "naive_mean": bool(rules["mean"]),
        "naive_p99": bool(rules["p99"]),
    }


@contextmanager
def beside(busy: bool) -> Iterator[None]:  # noqa: FBT001 - one of two worlds
    """Another process that never sleeps, or none."""
    if not busy:
        yield
        return
    # Through a shell that ends: it is none of this process's children, which `Meter` counts as its own.
    started = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -c '{BUSY}' >/dev/null 2>&1 & echo $!"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    try:
        yield
    finally:
        os.kill(int(started.stdout), signal.SIGKILL)


def of_programs(predictors: list[Predictor], trials: int) -> Iterator[dict[str, Any]]:
    """Yield trials of the program alone; it stands for the server too, so that four ratios are judged."""
    one, other = (of_program(each, [ROW]) for each in predictors)
    for trial in range(trials):
        for busy in (False, True):
            with beside(busy):
                for planted in (False, True):
                    mine = slower(one) if planted else one
                    asks = {"program": mine, "server": mine}
                    found = judged(asks, {"program": other, "server": other})
                    yield {"paths": "program", "busy": busy, "planted": planted, **found}
        print(f"trial {trial + 1}", flush=True)


def of_servers(
    lake: Lake, digest: str, predictors: list[Predictor], pairs: int
) -> Iterator[dict[str, Any]]:
    """Yield trials of the whole gate: programs, and a new pair of servers every fourth time."""
    programs = [of_program(each, [ROW]) for each in predictors]
    for _ in range(pairs):
        with ExitStack() as stack:
            urls = [stack.enter_context(serving(lake.root, digest)) for _ in range(2)]
            stack.enter_context(on_one_core(urls))
            lines = [stack.enter_context(Connection(url)) for url in urls]
            servers = [of_server(line, requests(line.url, [ROW])) for line in lines]
            for busy in (False, True):
                with beside(busy):
                    for planted in (False, True):
                        server = servers[0]
                        if planted:
                            server = spinning(server, typical(servers[1]) * PLANTED)
                        mine = slower(programs[0]) if planted else programs[0]
                        found = judged(
                            {"program": mine, "server": server},
                            {"program": programs[1], "server": servers[1]},
                        )
                        yield {"paths": "both", "busy": busy, "planted": planted, **found}
        print("pair", flush=True)


def typical(ask: Ask) -> float:
    """Return the nanoseconds of a usual answer."""
    times = []
    for row in range(300):
        began = time.perf_counter_ns()
        ask(row)
        times.append(time.perf_counter_ns() - began)
    return median(times)


def summary(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how often each rule says what, of each kind of trial."""
    rows = []
    for paths, busy in (("program", False), ("program", True), ("both", False), ("both", True)):
        kind = [each for each in trials if (each["paths"], each["busy"]) == (paths, busy)]
        row: dict[str, Any] = {"paths": paths, "busy": busy}
        for planted in (False, True):
            of = [each for each in kind if each["planted"] is planted]
            name = "planted" if planted else "equal"
            row[name] = {
                "trials": len(of),
                "fail": sum(each["outcome"] == Outcome.FAIL for each in of),
                "not_pass": sum(each["outcome"] != Outcome.PASS for each in of),
                "naive_mean": sum(each["naive_mean"] for each in of),
                "naive_p99": sum(each["naive_p99"] for each in of),
                "others": round(float(np.mean([each["others"] for each in of] or [0.0])), 2),
            }
        if row["equal"]["trials"]:
            rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the summary as Markdown."""
    head = "| asked | others use | gate FAIL | gate not PASS | mean > 1.1 | p99 > 1.1 |"
    lines = []
    for name, title in (("equal", "Equal models"), ("planted", "20 % more work")):
        lines += [
            f"{title}, trials in which the rule raises the alarm:",
            "",
            head,
            "|---" * 6 + "|",
        ]
        for row in rows:
            of = row[name]
            asked = "program, twice" if row["paths"] == "program" else "program and server"
            asked += ", beside a busy process" if row["busy"] else ""
            said = [of[rule] for rule in ("fail", "not_pass", "naive_mean", "naive_p99")]
            cells = [f"{count} of {of['trials']}" for count in said]
            cells = [asked, format(of["others"], ".0%"), *cells]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def main(trials: int, pairs: int) -> None:
    """Measure, and write results and table."""
    meter, before, began = Meter(), os.getloadavg()[0], time.monotonic()
    done: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        digest = lake.artifacts.put(exported(1))
        predictors = [Predictor.load(lake.artifacts.open(digest)) for _ in range(2)]
        done.extend(of_servers(lake, digest, predictors, pairs))
        for found in of_programs(predictors, trials):
            done.append(found)
            if len(done) % 40 == 0:
                write(trials, pairs, done, meter, before, began)
    write(trials, pairs, done, meter, before, began)


def write(
    trials: int, pairs: int, done: list[dict[str, Any]], meter: Meter, before: float, began: float
) -> None:
    """Write what there is so far."""
    rows = summary(done)
    said = {
        "command": f"benchmarks/gate_latency.py {trials} {pairs}",
        "host": host(),
        "others_share": round(meter.others() or 0.0, 2),
        "load_before_and_after": [round(before, 2), round(os.getloadavg()[0], 2)],
        "seconds": round(time.monotonic() - began),
        "policy": POLICY.model_dump(mode="json"),
        "summary": rows,
        "trials": done,
    }
    RESULTS.write_text(_a_line_a_trial(said))
    page = PAGE.read_text()
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(f"{page[:start]}\n\n{table(rows)}\n{page[end:]}")


def _a_line_a_trial(said: dict[str, Any]) -> str:
    trials = ",\n  ".join(json.dumps(trial) for trial in said["trials"])
    head = json.dumps({**said, "trials": []}, indent=1)
    return head.replace('"trials": []', f'"trials": [\n  {trials}\n ]') + "\n"


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given + [100, 4][len(given) :]))
