"""A client of the prediction server: typed replies, and refusals in one line."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from mlplatform.errors import PlatformError
from mlplatform.serve.outputs import BYTES, FEATURES, JSON_LENGTH

if TYPE_CHECKING:
    import numpy as np

SECONDS = 10.0  # For one request.


class PredictionError(PlatformError):
    """The server refused a request or cannot be reached.

    Attributes:
        status: The HTTP status; 0 when there was no answer.
        pointer: JSON pointer to the wrong field, if the server named one.
    """

    def __init__(self, said: str, status: int = 0, pointer: str | None = None) -> None:
        super().__init__(said)
        self.status, self.pointer = status, pointer


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """An answer: what is predicted of each row, and which model gave it.

    Of two classes `probabilities` holds that of class 1 of each row, of several a list in the order
    of `classes`; of numbers `predictions` holds one each, or `quantiles` a list in the order of
    `levels`. What does not apply is empty.
    """

    request_id: str
    model: str
    model_version: int
    model_digest: str
    arm: str
    probabilities: list[Any] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    predictions: list[float] = field(default_factory=list)
    quantiles: list[list[float]] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)

    @property
    def answers(self) -> list[Any]:
        """What is predicted of each row, whatever it is."""
        return self.probabilities or self.predictions or self.quantiles


@dataclass(frozen=True)
class Features:
    """What a model makes of rows: `prediction` as it predicts, `vectors` f32[rows, V], `ids` i32[rows, M]."""

    model_digest: str
    prediction: "np.ndarray"
    vectors: "np.ndarray"
    ids: "np.ndarray"


class PredictionClient:
    """Talks to one server over kept connections; a context manager. Threads may share it."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        # Proxies of the environment are for other hosts than one's own server.
        self._http = httpx.Client(base_url=url, timeout=seconds, trust_env=False)
        self._asked: dict[str, dict[str, Any]] = {}

    def predict(
        self,
        rows: Sequence[Mapping[str, Any]],
        request_id: str | None = None,
        routing_key: str | None = None,
    ) -> Prediction:
        """Return the prediction for rows of named columns.

        Args:
            rows: Column values by name; `None` or NaN is a missing value.
            request_id: Names the request in the log, and decides the arm.
            routing_key: Decides the arm instead, such as a customer's id.

        Raises:
            PredictionError: If the server refuses, saying why, or cannot be reached.
        """
        body: dict[str, Any] = {"rows": [plain(row, number) for number, row in enumerate(rows)]}
        if request_id is not None:
            body["request_id"] = request_id
        headers = {} if routing_key is None else {"x-routing-key": routing_key}
        reply = self._request("POST", "/predict", body, headers)
        return msgspec.json.decode(reply.content, type=Prediction)

    def features(
        self, model: str, columns: Mapping[str, Sequence[Any]], request_id: str | None = None
    ) -> Features:
        """Return what the model makes of rows: each feature's bits as the server computed them.

        Args:
            model: The model's name.
            columns: Values by column, a list, NumPy or Arrow array each; those that the model does
                not ask for stay here. A vector's column holds a list of numbers for each row.
            request_id: Names the request in the log, and decides the arm.

        Raises:
            PredictionError: If the server refuses, saying why, or cannot be reached.
        """
        inputs = [
            tensor(each["name"], each["datatype"], each["shape"][1:], columns[each["name"]])
            for each in self._known(model)["inputs"]
            if each["name"] in columns
        ]
        names = (self._known(model)["outputs"][0]["name"], *FEATURES)
        outputs = [{"name": name, "parameters": {"binary_data": True}} for name in names]
        body: dict[str, Any] = {"inputs": inputs, "outputs": outputs}
        if request_id is not None:
            body["id"] = request_id
        return _features(self._request("POST", f"/v2/models/{model}/infer", body))

    def _known(self, model: str) -> dict[str, Any]:
        """Return a model's metadata; asked once, as one server's seldom change."""
        if model not in self._asked:
            self._asked[model] = self.metadata(model)
        return self._asked[model]

    def metadata(self, model: str) -> dict[str, Any]:
        """Return the model's metadata, by the Open Inference Protocol."""
        metadata: dict[str, Any] = self._request("GET", f"/v2/models/{model}").json()
        return metadata

    def health(self) -> dict[str, Any]:
        """Return what the server says of its readiness; never raises for "not ready"."""
        health: dict[str, Any] = self._get("/v2/health/ready").json()
        return health

    def metrics(self) -> str:
        """Return the counters in Prometheus' text format."""
        return self._request("GET", "/metrics").text

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "PredictionClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _get(self, path: str) -> httpx.Response:
        return self._send("GET", path, None, {})

    def _request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        reply = self._send(method, path, body, headers or {})
        if reply.is_success:
            return reply
        try:
            said = reply.json()
        except ValueError:
            said = {"detail": reply.text[:200]}
        where = f" (at {said['pointer']})" if said.get("pointer") else ""
        detail = f"{said.get('detail', reply.reason_phrase)}{where}"
        raise PredictionError(
            f"{reply.status_code}: {detail}", reply.status_code, said.get("pointer")
        )

    def _send(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        kept = {"content-type": "application/json", **headers}
        try:
            return self._http.request(method, path, content=content, headers=kept)
        except httpx.HTTPError as wrong:
            where = self._http.base_url
            raise PredictionError(
                f"{where} cannot be reached: {wrong}; is the server up?"
            ) from wrong


def tensor(name: str, datatype: str, width: Sequence[int], values: Sequence[Any]) -> dict[str, Any]:
    """Return a column as the Open Inference Protocol has it; `width` is empty, or a vector's."""
    for plainer in ("to_pylist", "tolist"):
        if hasattr(values, plainer):
            values = getattr(values, plainer)()
    shape = [len(values), *width]
    return {"name": name, "datatype": datatype, "shape": shape, "data": values}


def _features(reply: httpx.Response) -> Features:
    """Read a reply whose outputs all stand as bytes behind its JSON."""
    import numpy as np

    at = int(reply.headers[JSON_LENGTH])
    said = msgspec.json.decode(reply.content[:at])
    arrays = {}
    for each in said["outputs"]:
        array = np.frombuffer(reply.content, BYTES[each["datatype"]], math.prod(each["shape"]), at)
        arrays[each["name"]] = array.reshape(each["shape"])
        at += each["parameters"]["binary_data_size"]
    prediction, *features = arrays.values()
    return Features(said["parameters"]["model_digest"], prediction, *features)


def plain(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return `row` with values that JSON has: NumPy's scalars as Python's, and NaN as null."""
    found = {name: value.item() if hasattr(value, "item") else value for name, value in row.items()}
    for name, value in found.items():
        if isinstance(value, float) and not math.isfinite(value):
            if math.isinf(value):
                raise PredictionError(f"row {number}: column {name!r} is {value}; not a number")
            found[name] = None
    return found
