"""A vacuum of 1,000 walks of which 50 are protected: is every protected byte there, and what does it take?

`nice .venv/bin/python benchmarks/lake_vacuum.py [WALKS] [PROTECTED]`: half an hour for 1,000 and 50 on two busy
cores, most of it making the lake and reading each version of 1,000 appends. Each walk commits source, dataset,
split, features, model, evaluation and verdict, with artifacts. Protected are registered models, three of them
live, references, and certificates of models that nobody registered. What is protected is read and hashed before;
after compaction and vacuum another process reads all of it again, every row and every byte, and every other
version, which has to say that it was freed.
"""

import hashlib
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlplatform.errors import FreedError, MissingArtifactError  # noqa: E402 - after the path
from mlplatform.lake import Lake, Lineage, Version  # noqa: E402 - after the path
from mlplatform.lake.digest import content_digest  # noqa: E402 - after the path
from mlplatform.lake.vacuum import carry_out, plan  # noqa: E402 - after the path
from mlplatform.provenance import certificate  # noqa: E402 - after the path
from mlplatform.provenance.certificate import Certificate  # noqa: E402 - after the path
from mlplatform.provenance.held import held  # noqa: E402 - after the path
from mlplatform.provenance.upkeep import optimize  # noqa: E402 - after the path
from mlplatform.registry.record import Candidate, register  # noqa: E402 - after the path
from mlplatform.rollout import Event, Kind  # noqa: E402 - after the path
from mlplatform.rollout.events import append  # noqa: E402 - after the path
from mlplatform.spec import Pipeline, load_pipeline  # noqa: E402 - after the path
from mlplatform.spec.retention import Retention  # noqa: E402 - after the path
from mlplatform.validate.reference import REFERENCE_SCHEMA  # noqa: E402 - after the path
from mlplatform.verdict import Outcome  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "lake_vacuum.json"
NAME = "census_income"
ROWS, MODEL_BYTES = 1_000, 50_000
LIVE, REFERENCES, CERTIFICATES = 3, 5, 5
Walk = dict[str, Version]
Anything = TypeVar("Anything")


def who(noun: str, at: int, *inputs: Version, **facts: str) -> Lineage:
    """Return who commits, and from what."""
    read = {version.table: version.reference for version in inputs}
    return Lineage(
        asset=f"{NAME}/{noun}", run_id=f"run-{at}", code_version="c", inputs=read, facts=facts
    )


def walk(lake: Lake, at: int) -> Walk:
    """Commit what one walk leaves; return its versions by noun."""
    rng = np.random.default_rng(at)
    table = {noun: lake.table(f"{NAME}/{noun}") for noun in ("source", "gate_verdict")}

    def write(noun: str, columns: int, *inputs: Version, **facts: str) -> Version:
        data = pa.table({f"c{n}": rng.random(ROWS) for n in range(columns)})
        return lake.table(f"{NAME}/{noun}").overwrite(data, who(noun, at, *inputs, **facts))

    put = lake.artifacts.put
    state, model = (
        put({"state.json": rng.bytes(2_000)}),
        put({"params.safetensors": rng.bytes(MODEL_BYTES)}),
    )
    report = put({"report.html": rng.bytes(10_000)})
    landed = pa.table({"x": rng.random(100), "file": [f"batch {at}"] * 100})
    source = table["source"].append(landed, who("source", at), token=str(at))
    dataset = write("dataset", 8, source)
    split = write("split", 1, dataset)
    features = write("features", 8, dataset, split, state=state)
    trained = write("model", 1, dataset, split, features, artifact=model)
    evaluation = write("evaluation", 1, trained, dataset, split, candidate=model)
    facts = {"report": report, "candidate": model}
    row = pa.table({"because": [f"verdict {at}"]})
    verdict = table["gate_verdict"].append(
        row, who("gate_verdict", at, evaluation, **facts), token=str(at)
    )
    versions = (source, dataset, split, features, trained, evaluation, verdict)
    return {version.table.rpartition("/")[2]: version for version in versions}


def protect(lake: Lake, walks: list[Walk], chosen: list[int]) -> None:
    """Register, deploy, refer to and certify the chosen walks."""
    certified, referred = chosen[:CERTIFICATES], chosen[CERTIFICATES : CERTIFICATES + REFERENCES]
    registered = chosen[CERTIFICATES + REFERENCES :]
    for at in certified:
        given = Certificate(
            model_version=0, model_digest=walks[at]["model"].lineage.facts["artifact"],
            outcome="BIT_EXACT", max_ulp=0, first_difference="", details={}, code_version="c",
            environment="", hardware_class="", made_by="b", made_at=datetime.now(UTC), seconds=0,
        )  # fmt: skip
        certificate.write(lake, NAME, given, who("certificate", at))
    for at in referred:
        dataset, kept = walks[at]["dataset"], lake.artifacts.put({"scan": f"scan {at}".encode()})
        row = {
            "dataset": dataset.reference, "dataset_digest": dataset.digest, "rows": dataset.rows,
            "statistics": kept, "scan": kept, "because": "b", "by": "b",
        }  # fmt: skip
        rows = pa.Table.from_pylist([row], REFERENCE_SCHEMA)
        lake.table(f"{NAME}/reference").append(rows, who("reference", at, dataset), token=str(at))
    deployed = registered[:LIVE]
    for at in registered:
        digest = walks[at]["model"].lineage.facts["artifact"]
        made = {version.table: version.reference for version in walks[at].values()}
        candidate = Candidate(
            model_digest=digest, metrics={}, verdict=Outcome.PASS, verdict_digests={},
            code_version="c", data_versions=made,
        )  # fmt: skip
        model = register(lake, NAME, candidate, who("registered_model", at), datetime.now(UTC))
        if at in deployed:
            first = Kind.CANARY if deployed.index(at) else Kind.DEPLOYED
            for kind in (first, Kind.PROMOTED)[: 1 if at in (deployed[0], deployed[-1]) else 2]:
                event = Event(
                    kind=kind, model_digest=digest, model_version=model.model_version, percent=10,
                    by="b", reason="b", at=datetime.now(UTC),
                )  # fmt: skip
                append(lake.table(f"{NAME}/deployment"), event, who("d", at), f"{at} {kind}")


def expected(lake: Lake, walks: list[Walk], chosen: list[int]) -> dict[str, Any]:
    """Return what has to be read again: digests of the rows of versions and of the bytes of artifacts."""
    nouns = {at: tuple(walks[at]) for at in (*chosen, len(walks) - 1)}
    for at in chosen[:CERTIFICATES]:
        nouns[at] = ("source", "dataset", "split", "features", "model")
    for at in chosen[CERTIFICATES : CERTIFICATES + REFERENCES]:
        nouns[at] = ("source", "dataset")
    named = [walks[at][noun] for at, those in nouns.items() for noun in those]
    digests = {d for v in named for d in v.lineage.facts.values() if len(d) == len(v.digest)}
    return {
        "kept": {
            f"{v.table} {v.number}": content_digest(lake.table(v.table).read(v)) for v in named
        },
        "artifacts": {digest: _bytes(lake, digest) for digest in digests},
        "all": {name: len(lake.table(name).history()) for name in lake.tables()},
    }


def check(root: str) -> dict[str, Any]:
    """Read everything again; return how much was as it was, how much says that it was freed, and what else."""
    lake, said = Lake(Path(root) / "lake"), json.loads(Path(root, "expected.json").read_text())
    found: dict[str, Any] = {
        "versions_equal": 0,
        "artifacts_equal": 0,
        "bytes_read": 0,
        "differ": [],
    }
    for name, digest in said["kept"].items():
        table, number = name.split()
        rows = lake.table(table).read(int(number))
        found["bytes_read"] += sum(
            Path(f).stat().st_size for f in lake.table(table).files(int(number))
        )
        same = content_digest(rows) == digest
        found["versions_equal"] += same
        found["differ"] += [] if same else [name]
    for digest, sha256 in said["artifacts"].items():
        same = _bytes(lake, digest) == sha256
        found["bytes_read"] += lake.artifacts.open(digest).size_bytes
        found["artifacts_equal"] += same
        found["differ"] += [] if same else [digest]
    return found | _others(lake, said)


def _others(lake: Lake, said: dict[str, Any]) -> dict[str, Any]:
    freed, whole, wrong = 0, 0, []
    for name in said["all"]:
        for version in lake.table(name).history():
            try:
                lake.table(name).read(version)
                whole += 1
            except FreedError:
                freed += 1
            except Exception as other:
                wrong.append(f"{name} {version.number}: {other}")
    logs = sum(len(list(Path(lake.root, n, "_delta_log").glob("*.json"))) for n in said["all"])
    return {
        "versions_readable": whole,
        "versions_freed": freed,
        "wrong": wrong,
        "log_entries": logs,
    }


def _bytes(lake: Lake, digest: str) -> str:
    try:
        artifact = lake.artifacts.open(digest)
    except MissingArtifactError as missing:
        return str(missing)
    return hashlib.sha256(b"".join(map(artifact.read, artifact.names))).hexdigest()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(do: Callable[[], Anything]) -> tuple[float, Anything]:
    """Return seconds and result."""
    began = time.perf_counter()
    done = do()
    return round(time.perf_counter() - began, 3), done


def pipeline() -> Pipeline:
    """Return the census pipeline, with reports that expire at once."""
    found = load_pipeline(ROOT / "pipelines" / NAME)
    spec = found.spec.model_copy(update={"retention": Retention(report_days=1e-9, grace_days=1e-9)})
    return Pipeline(spec=spec, folder=found.folder)


def measure(home: Path, count: int, protected: int) -> dict[str, Any]:
    """Return everything that is measured in one lake."""
    lake = Lake(home / "lake")
    made, walks = timed(lambda: [walk(lake, at) for at in range(count)])
    chosen = random.Random(7).sample(range(count - 1), protected)  # noqa: S311 - a seed.
    protect(lake, walks, chosen)
    (home / "expected.json").write_text(json.dumps(expected(lake, walks, chosen)))
    before, source = _size(home / "lake"), f"{NAME}/source"
    many, _ = timed(lambda: Lake(home / "lake").table(source).read())
    compacting, done = timed(lambda: list(optimize(lake, lake.tables(), "benchmark")))
    few, _ = timed(lambda: Lake(home / "lake").table(source).read())
    fresh, spec = Lake(home / "lake"), pipeline()
    planning, planned = timed(
        lambda: plan(fresh, held(fresh, [spec], datetime.now(UTC))[0], now=datetime.now(UTC))
    )
    removing, _ = timed(lambda: carry_out(fresh, planned, "benchmark"))
    command = [sys.executable, __file__, "--check", str(home)]
    checked = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    said = json.loads((home / "expected.json").read_text())
    return {
        "walks": count,
        "protected": protected,
        "versions": sum(said["all"].values()),
        "versions_expected": len(said["kept"]),
        "artifacts_expected": len(said["artifacts"]),
        "bytes": {"before": before, "freed": planned.bytes, "after": _size(home / "lake")},
        "seconds": {
            "make_the_lake": made, "optimize_all_tables": compacting, "plan": planning, "remove": removing,
            "read_source_of_many_files": many, "read_source_compacted": few,
        },
        "compacted": {each.table: each.files for each in done if each.compaction},
        "files_removed": sum(len(table.files) for table in planned.tables),
        "artifacts_removed": len(planned.artifacts),
        "read_again": json.loads(checked),
    }  # fmt: skip


def main(count: int, protected: int) -> None:
    """Measure, print, and keep the figures."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as home:
        found = measure(Path(home), count, protected)
    machine = f"{os.cpu_count()} CPUs, Python {platform.python_version()}, load {load:.1f}"
    result = {"command": "benchmarks/lake_vacuum.py", "machine": machine, **found}
    print(json.dumps(result, indent=1))
    if count >= 1_000:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        print(json.dumps(check(sys.argv[2])))
    else:
        main(*([int(word) for word in sys.argv[1:]] or [1_000, 50]))
