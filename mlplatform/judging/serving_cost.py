"""What a candidate costs to serve beside the champion, as programs and as real servers: measured once for two gates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlplatform.errors import FeatureError, PlatformError, ServingError, in_words
from mlplatform.judging.cores import on_one_core
from mlplatform.judging.latency import Timed, latency, of_program, of_server
from mlplatform.judging.throughput import throughput, unmeasured
from mlplatform.judging.wire import Connection, requests
from mlplatform.model_measures import LatencySeen, Opponent, ThroughputSeen

if TYPE_CHECKING:
    from mlplatform.features.program import Predictor
    from mlplatform.judging.interleaved import Ask
    from mlplatform.judging.latency import Way
    from mlplatform.lake import Lake, Version
    from mlplatform.spec.serving_gates import LatencyGate, ThroughputGate

Rows = Sequence[Mapping[str, Any]]
UNSERVED = ServingError("no policy asks for a server, so none was started")
T = TypeVar("T")


@dataclass(frozen=True)
class ServingCost:
    """What the gates `latency` and `throughput` judge."""

    latency: LatencySeen
    throughput: ThroughputSeen


@dataclass(frozen=True)
class Bench:
    """Where models and servers come from.

    Attributes:
        lake: Where the artifacts are.
        rows: Raw rows, asked in turn, with a column for each aggregate that a model reads. A model is sent
            the columns that it asks for; one that asks for others cannot be timed.
        aggregates: What servers look aggregates up in.
        storage_options: How a server reaches an S3 lake.
        compile_cache: Where a server keeps compiled programs: it starts in half the time.
        env: Variables of servers besides this process's own.
    """

    lake: "Lake"
    rows: Rows
    aggregates: "Version | tuple[str, int] | None" = None
    storage_options: Mapping[str, str] | None = None
    compile_cache: Path | None = None
    env: Mapping[str, str] | None = None

    def server(self, digest: str) -> AbstractContextManager[str]:
        """Return what starts a server on an artifact."""
        from mlplatform.serve.candidate import serving

        return serving(
            self.lake.root,
            digest,
            aggregates=self.aggregates,
            compile_cache=self.compile_cache,
            storage_options=self.storage_options,
            env=self.env,
        )


def serving_cost(
    bench: Bench,
    candidate: str,
    champion: str,
    latency_policy: "LatencyGate",
    throughput_policy: "ThroughputGate",
) -> ServingCost:
    """Return the latency of two models, or one, and the throughput of the candidate's server.

    Both servers start at the same time, and stay up until the end; while they are timed against each other
    they share one core. None starts where neither policy asks for one. What fails of the candidate is in
    the measurements, as is why a champion cannot be timed; nothing is raised.

    Args:
        bench: Where models and servers come from.
        candidate: Digest of the artifact.
        champion: Digest of the live one; empty: there is none.
        latency_policy: How long, and whether to compare.
        throughput_policy: How many clients, and how long.
    """
    compares = bool(champion) and latency_policy.max_slowdown is not None
    digests = [candidate, champion] if compares else [candidate]
    with ExitStack() as stack:
        with ThreadPoolExecutor(len(digests)) as pool:  # While servers start, programs are loaded.
            served = (latency_policy.max_served_p99_ms, throughput_policy.min_requests_per_second)
            starting = [
                pool.submit(_entered, stack, bench.server(digest))
                for digest in digests
                if served != (None, None)
            ]
            models = [_loaded(bench, digest) for digest in digests]
        urls = [each.result() for each in starting] or [UNSERVED] * len(digests)
        asked = [_Asked(stack, bench.rows, *both) for both in zip(models, urls, strict=True)]
        timed = [each.timed(digest) for each, digest in zip(asked, digests, strict=True)]
        with on_one_core([each.url for each in asked if isinstance(each.url, str)] * compares):
            seen = latency(timed[0], timed[1] if compares else None, latency_policy)
        if champion and not compares:
            seen = replace(seen, champion=Opponent(digest=champion))
        return ServingCost(seen, asked[0].throughput(throughput_policy))


@dataclass(frozen=True)
class _Asked:
    """One model, loaded and served, or why not."""

    stack: ExitStack
    rows: Rows
    model: "Predictor | Exception"
    url: str | Exception

    def timed(self, digest: str) -> Timed:
        asks: dict[Way, Ask] = {}
        failed: dict[Way, str] = {}
        ways: dict[Way, Callable[[], Ask]] = {"program": self._program, "server": self._server}
        for way, make in ways.items():
            try:
                asks[way] = make()
            except Exception as wrong:
                failed[way] = in_words(wrong)
        return Timed(digest, asks, failed)

    def throughput(self, policy: "ThroughputGate") -> ThroughputSeen:
        try:
            return throughput(_sound(self.url), self._requests(), policy)
        except Exception as wrong:
            return unmeasured(policy, in_words(wrong))

    def _program(self) -> "Ask":
        model = _sound(self.model)
        return of_program(model, _only(self.rows, model.encoder.columns))

    def _server(self) -> "Ask":
        url = _sound(self.url)
        return of_server(self.stack.enter_context(Connection(url)), self._requests())

    def _requests(self) -> list[bytes]:
        return requests(_sound(self.url), _only(self.rows, _sound(self.model).encoder.asked))


def _entered(stack: ExitStack, server: AbstractContextManager[str]) -> str | Exception:
    """Return the address of a server that stops with the stack, or why it does not start."""
    try:
        url = server.__enter__()
    except Exception as wrong:
        return wrong
    stack.callback(_left, server)
    return url


def _left(server: AbstractContextManager[str]) -> None:
    with suppress(PlatformError):  # It ended by itself: whoever asked it has said so.
        server.__exit__(None, None, None)


def _loaded(bench: Bench, digest: str) -> "Predictor | Exception":
    from mlplatform.features.program import Predictor

    try:
        return Predictor.load(bench.lake.artifacts.open(digest))
    except Exception as wrong:  # Whatever its files do to whoever reads them.
        return wrong


def _sound(found: T | Exception) -> T:
    if isinstance(found, Exception):
        raise found
    return found


def _only(rows: Rows, columns: Iterable[str]) -> list[dict[str, Any]]:
    """Return rows of these columns alone.

    Raises:
        FeatureError: Naming those that the rows lack.
    """
    names = list(columns)
    missing = [name for name in names if rows and name not in rows[0]]
    if missing or not rows:
        raise FeatureError(
            f"it reads {missing or names}; the {len(rows)} rows to ask about have not"
        )
    return [{name: row[name] for name in names} for row in rows]
