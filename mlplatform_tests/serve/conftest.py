"""Real lakes with real exported models, and real servers on free ports."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlplatform.lake import Lake, Lineage
from mlplatform.rollout import Event, Model, TrafficState, events, plan
from mlplatform.serve.process import ServerProcess

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder
    from mlplatform.features.state import NumericState

NAME = "census"
AT = datetime(2026, 1, 1, tzinfo=UTC)
WHO = Lineage(asset=f"{NAME}/deployment", run_id="test", code_version="test")
ROW = {"age": 39, "hours.per-week": 40.5, "workclass": "Private"}


def exported(seed: int, task: str = "binary", **columns: str) -> dict[str, bytes]:
    """Return the files of a small exported model; another seed has other weights."""
    from mlplatform.features.encoder import Encoder
    from mlplatform.features.inputs import NumberInput, VocabularyInput
    from mlplatform.features.state import IdState

    numbers = {
        "age": "int64",
        "hours.per-week": "float64",
        **dict.fromkeys(columns.values(), "float64"),
    }
    work = VocabularyInput(column="workclass", type="string", vocabulary=("Private", "State-gov"))
    inputs = [NumberInput(column=column, type=kind) for column, kind in numbers.items()]
    names = ["age", "hours", *columns]
    states = [plain(name, at, deviation=20.0) for at, name in enumerate(names)]
    states.append(IdState(name="workclass", input=len(inputs), size=work.size))
    return exported_of(Encoder(inputs=(*inputs, work), states=tuple(states)), seed, task)


def plain(name: str, at: int, deviation: float = 1.0) -> "NumericState":
    """Return the state of a number that is scaled by `deviation` alone."""
    from mlplatform.features.state import NumericState

    return NumericState(
        name=name, input=at, scale="standard", log=False, clip=(), fill=0.0, indicator=True,
        edges=(), mean=0.0, deviation=deviation,
    )  # fmt: skip


def exported_of(encoder: "Encoder", seed: int, task: str = "binary") -> dict[str, bytes]:
    """Return the files of a small exported model over these features."""
    from mlplatform.features.feature_program import export_features
    from mlplatform_tests.models import LABELS, exported_model

    return exported_model(encoder, export_features(encoder, {}), LABELS[task], seed)


@pytest.fixture(scope="session")
def files() -> list[dict[str, bytes]]:
    """Return the files of two models that differ in their weights only."""
    return [exported(1), exported(2)]


class World:
    """A lake, the models in it, and what is deployed."""

    def __init__(self, root: Path, files: list[dict[str, bytes]]) -> None:
        self.root, self.lake = root, Lake(root)
        self.models = [
            Model(version=n, digest=self.lake.artifacts.put(each))
            for n, each in enumerate(files, 1)
        ]
        self.table = self.lake.table(f"{NAME}/{events.TABLE}")

    def put(self, files: dict[str, bytes]) -> Model:
        """Store one more model."""
        model = Model(version=len(self.models) + 1, digest=self.lake.artifacts.put(files))
        self.models.append(model)
        return model

    def deploy(self, model: Model, percent: float = 10) -> TrafficState:
        """Deploy a model as the pipeline would."""
        return self._commit(
            lambda now: plan.deploy(now, model, percent, by="test", reason="test", at=AT)
        )

    def promote(self) -> TrafficState:
        """Promote the canary."""
        return self._commit(lambda now: plan.promote(now, by="test", reason="good", at=AT))

    def rollback(self) -> TrafficState:
        """Roll back."""
        return self._commit(lambda now: plan.rollback(now, by="test", reason="bad", at=AT))

    def damage(self, model: Model, name: str = "params.safetensors") -> Callable[[], None]:
        """Flip one bit of a model's file on disk; return what flips it back."""
        path = Path(self.lake.artifacts.open(model.digest).uri) / name
        sound = path.read_bytes()
        path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
        return lambda: path.write_bytes(sound) and None

    def logged(self) -> list[dict[str, object]]:
        """Return the rows of the predictions table."""
        table = self.lake.table(f"{NAME}/predictions")
        return table.read().to_pylist() if table.exists() else []

    def _commit(self, decide: Callable[[TrafficState], Event | None]) -> TrafficState:
        return events.commit(self.table, decide, WHO)[1]


@pytest.fixture
def world(tmp_path: Path, files: list[dict[str, bytes]]) -> World:
    """Return a lake with two models of which nothing is deployed."""
    return World(tmp_path / "lake", files)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which servers share their compiled programs."""
    return tmp_path_factory.mktemp("xla")


@pytest.fixture(scope="session")
def serve(compiled: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Return what starts a server on a world; all are stopped at the end."""
    started: list[ServerProcess] = []
    lock = threading.Lock()

    def start(world: World, **options: object) -> ServerProcess:
        quick = {"poll_seconds": 0.1, "flush_seconds": 0.2, "retry_seconds": 0.2, "max_rows": 64}
        chosen = {name.replace("_", "-"): value for name, value in {**quick, **options}.items()}
        log = world.root.with_name(f"{world.root.name}-server.log")
        server = ServerProcess(
            world.root, NAME, log=log, options={"compile-cache": compiled, **chosen}
        )
        server.start()
        with lock:
            started.append(server)
        return server

    yield start
    for server in started:  # A clean end has its own tests; here it would only take time.
        server._started().kill()
        server._started().wait()
