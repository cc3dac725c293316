"""The two hot endpoints: decode, predict and encode in a worker thread, then log.

They are plain ASGI callables: between socket and model stands one pass over the body.
"""

import asyncio
import logging
import secrets
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from mlplatform.errors import FeatureError
from mlplatform.serve.body import ClientGoneError, read_body
from mlplatform.serve.decode import Row, infer_body, predict_body
from mlplatform.serve.models import Arm, Traffic, are_probabilities
from mlplatform.serve.prediction_log import Answer
from mlplatform.serve.problem import MEDIA_TYPE, Problem
from mlplatform.serve.service import RETRY, Service

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

OUTPUT = "probability"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers of one answer."""

    status: int
    body: bytes
    headers: dict[str, str]


class _Endpoint(ABC):
    """Answers POST requests with predictions."""

    name: str

    def __init__(self, service: Service) -> None:
        self._service = service
        self._routing_header = service.settings.routing_header.lower().encode()

    @abstractmethod
    def _decode(self, body: bytes, key: str | None, traffic: Traffic) -> tuple[str, Arm, list[Row]]:
        """Return request id, arm and rows of a request; `Problem` when it is refused."""

    @abstractmethod
    def _encode(self, answer: Answer) -> dict[str, Any]:
        """Return the reply's JSON."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            reply = await self._reply(scope, receive)
        except Problem as problem:
            headers = {"content-type": MEDIA_TYPE, **problem.headers}
            reply = Reply(problem.status, msgspec.json.encode(problem.body()), headers)
        except ClientGoneError:
            return
        self._service.metrics.requests.labels(self.name, str(reply.status)).inc()
        await _send(send, reply)

    async def _reply(self, scope: "Scope", receive: "Receive") -> Reply:
        settings, metrics = self._service.settings, self._service.metrics
        if (name := scope["path_params"].get("name")) is not None:
            self._service.require_name(name)
        body = await read_body(scope, receive, settings.max_body_bytes, settings.body_seconds)
        traffic = self._service.require_traffic()
        if self._service.in_flight >= settings.max_in_flight:
            said = f"{settings.max_in_flight} predictions are being made; try again"
            raise Problem(429, said, headers=RETRY)
        self._service.in_flight += 1
        metrics.in_flight.inc()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._service.pool, self._answer, body, self._key(scope), traffic
            )
        finally:
            self._service.in_flight -= 1
            metrics.in_flight.dec()

    def _key(self, scope: "Scope") -> str | None:
        for name, value in scope["headers"]:
            if name == self._routing_header:
                key: str = value.decode("latin-1")
                return key
        return None

    def _answer(self, body: bytes, key: str | None, traffic: Traffic) -> Reply:
        started = time.perf_counter()
        request_id, arm, rows = self._decode(body, key, traffic)
        model = arm.loaded.model
        answer = Answer(
            request_id=request_id,
            arm=arm.name,
            model_version=model.version,
            model_digest=model.digest,
            rows=rows,
            probabilities=self._predict(arm, rows),
            latency_ms=(time.perf_counter() - started) * 1000,
            at=datetime.now(UTC),
        )
        metrics = self._service.metrics
        metrics.latency.labels(arm.name).observe(answer.latency_ms / 1000)
        metrics.predictions.labels(arm.name, str(model.version)).inc(len(rows))
        self._service.log.offer(answer)
        headers = {
            "content-type": "application/json",
            "x-request-id": request_id,
            "x-model-version": str(model.version),
            "x-model-digest": model.digest,
            "x-model-arm": arm.name,
        }
        return Reply(200, msgspec.json.encode(self._encode(answer)), headers)

    def _predict(self, arm: Arm, rows: list[Row]) -> list[float]:
        try:
            probabilities = arm.loaded.predict(rows)
        except FeatureError as wrong:
            raise Problem(422, str(wrong)) from None
        except Exception:  # A broken program must not end the server, nor show its inside.
            _log.exception("model version %d failed", arm.loaded.model.version)
            probabilities = []
        if len(probabilities) == len(rows) and are_probabilities(probabilities):
            return probabilities
        version = str(arm.loaded.model.version)
        self._service.metrics.failures.labels(arm.name, version).inc()
        raise Problem(500, f"model version {version} gave no probability for these rows")


class Predict(_Endpoint):
    """`POST /predict`: rows of named columns."""

    name = "predict"

    def _decode(self, body: bytes, key: str | None, traffic: Traffic) -> tuple[str, Arm, list[Row]]:
        parts = predict_body(body)
        request_id = parts.request_id or secrets.token_hex(16)
        arm = traffic.arm(key or request_id)
        return request_id, arm, arm.decoder.rows(parts.rows)

    def _encode(self, answer: Answer) -> dict[str, Any]:
        return {
            "request_id": answer.request_id,
            "model": self._service.pipeline,
            "model_version": answer.model_version,
            "model_digest": answer.model_digest,
            "arm": answer.arm,
            "probabilities": answer.probabilities,
        }


class Infer(_Endpoint):
    """`POST /v2/models/<name>/infer`: the Open Inference Protocol, one tensor per column."""

    name = "infer"

    def _decode(self, body: bytes, key: str | None, traffic: Traffic) -> tuple[str, Arm, list[Row]]:
        parts = infer_body(body)
        request_id = parts.id or secrets.token_hex(16)
        arm = traffic.arm(key or request_id)
        return request_id, arm, arm.decoder.tensors(parts.inputs)

    def _encode(self, answer: Answer) -> dict[str, Any]:
        tensor = {
            "name": OUTPUT,
            "shape": [len(answer.probabilities)],
            "datatype": "FP32",
            "data": answer.probabilities,
        }
        return {
            "model_name": self._service.pipeline,
            "model_version": str(answer.model_version),
            "id": answer.request_id,
            "parameters": {"model_digest": answer.model_digest, "arm": answer.arm},
            "outputs": [tensor],
        }


async def _send(send: "Send", reply: Reply) -> None:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
