"""`mlplatform skew`: does serving compute what training saw, for a model that is live or could be?"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from mlplatform.cli.data.place import model_digest, place
from mlplatform.cli.data.text import console, plain, say, whole

if TYPE_CHECKING:
    from mlplatform.measures import ParitySeen
    from mlplatform.verdict import Verdict

DIFFERENT = 1  # Exit code.


def run(name: str, url: str, model: str, rows: int | None, *, as_json: bool) -> int:
    """Print how the paths of one model differ; return 0 if the gate passes, else 1.

    Args:
        name: The pipeline.
        url: A running server that serves the model; empty starts one on the artifact.
        model: The artifact's digest, or how it begins; empty: what is live.
        rows: Rows sent to the server at most; as the pipeline's gate says if left out.
        as_json: For machines.

    Raises:
        PlatformError: If there is no such model, or something cannot be read or reached.
    """
    from mlplatform.cli.lake import s3_options
    from mlplatform.gates.features import training_serving_skew
    from mlplatform.monitor.compared import trained_on
    from mlplatform.monitor.skew import parity
    from mlplatform.train import compile_cache

    at = place(name)
    compile_cache.enable(at.settings.compile_cache)
    policy = at.pipeline.spec.feature_gates.training_serving_skew
    compared = trained_on(at.pipeline, at.lake, model_digest(at, model))
    seen = parity(
        compared,
        max_rows=policy.max_rows if rows is None else rows,
        url=url,
        storage_options=s3_options() if at.settings.lake.startswith("s3://") else None,
        compile_cache=at.settings.compile_cache,
    )
    verdict = training_serving_skew(seen, policy)
    if as_json:
        _machine(compared.digest, seen, verdict)
    else:
        version = f"{compared.features.table} {compared.features.reference}"
        say(f"{name}: model {compared.digest[:16]} against {version}")
        _person(seen, verdict)
    return 0 if verdict.passed else DIFFERENT


def _person(seen: Sequence["ParitySeen"], verdict: "Verdict") -> None:
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("path", "rows", "feature values", "with other bits", "predictions apart, ulps"):
        grid.add_column(title, justify="left" if title == "path" else "right")
    for one in seen:
        apart = "" if one.ulps is None else f"{one.ulps:,}"
        counts = (f"{count:,}" for count in (one.rows, one.values, one.different))
        grid.add_row(plain(one.path), *counts, apart)
    console().print(grid)
    for one in seen:
        if one.worst:
            say(whole(one.worst))
    say(f"{verdict.outcome.value}: {whole(verdict.because)}")


def _machine(digest: str, seen: Sequence["ParitySeen"], verdict: "Verdict") -> None:
    said = {
        "model": digest,
        "paths": [asdict(one) for one in seen],
        "verdict": {"outcome": verdict.outcome.value, "because": verdict.because},
    }
    say(json.dumps(said, indent=2, default=str))
