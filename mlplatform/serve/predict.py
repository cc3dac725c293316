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
from mlplatform.serve.models import Arm, Traffic
from mlplatform.serve.outputs import Wanted, are_answers, encode, spoken, wanted
from mlplatform.serve.prediction_log import Answer
from mlplatform.serve.problem import MEDIA_TYPE, Problem
from mlplatform.serve.service import RETRY, Service

if TYPE_CHECKING:
    import numpy as np
    from starlette.types import Receive, Scope, Send

    Arrays = dict[str, np.ndarray]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and headers of one answer."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, and whom."""

    request_id: str
    arm: Arm
    rows: list[Row]
    outputs: tuple[Wanted, ...] = ()


class _Endpoint(ABC):
    """Answers POST requests with predictions."""

    name: str

    def __init__(self, service: Service) -> None:
        self._service = service
        self._routing_header = service.settings.routing_header.lower().encode()

    @abstractmethod
    def _decode(self, body: bytes, key: str | None, traffic: Traffic) -> Asked:
        """Return what a request asks, and whom; `Problem` when it is refused."""

    @abstractmethod
    def _encode(
        self, asked: Asked, arrays: "Arrays", answers: list[Any]
    ) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of the reply."""

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
        asked = self._decode(body, key, traffic)
        arm, (rows, kept) = asked.arm, self._looked_up(asked)
        model = arm.loaded.model
        arrays, answers = self._predict(asked, rows)
        answer = Answer(
            request_id=asked.request_id,
            arm=arm.name,
            model_version=model.version,
            model_digest=model.digest,
            rows=kept,
            answers=answers,
            output=arm.loaded.predicts.name,
            latency_ms=(time.perf_counter() - started) * 1000,
            at=datetime.now(UTC),
        )
        metrics = self._service.metrics
        metrics.latency.labels(arm.name).observe(answer.latency_ms / 1000)
        metrics.predictions.labels(arm.name, str(model.version)).inc(len(rows))
        self._service.log.offer(answer)
        content, headers = self._encode(asked, arrays, answers)
        headers |= {
            "x-request-id": asked.request_id,
            "x-model-version": str(model.version),
            "x-model-digest": model.digest,
            "x-model-arm": arm.name,
        }
        return Reply(200, content, headers)

    def _looked_up(self, asked: Asked) -> tuple[list[Row], list[Row]]:
        """Return the rows to predict, and those to log."""
        encoder = asked.arm.loaded.encoder
        if not encoder.aggregates:
            return asked.rows, asked.rows
        return self._service.lookup.fill(asked.rows, encoder)

    def _predict(self, asked: Asked, rows: list[Row]) -> "tuple[Arrays, list[Any]]":
        loaded = asked.arm.loaded
        what = loaded.predicts.name
        answers: list[Any] = []
        arrays: Arrays = {}
        try:
            arrays = loaded.predict(rows)
            answers = arrays[what].tolist()
        except FeatureError as wrong:
            raise Problem(422, str(wrong)) from None
        except Exception:  # A broken program must not end the server, nor show its inside.
            _log.exception("model version %d failed", loaded.model.version)
        if len(answers) == len(rows) and are_answers(loaded.predicts, answers):
            return arrays, answers
        version = str(loaded.model.version)
        self._service.metrics.failures.labels(asked.arm.name, version).inc()
        raise Problem(500, f"model version {version} gave no {what} for these rows")


class Predict(_Endpoint):
    """`POST /predict`: rows of named columns."""

    name = "predict"

    def _decode(self, body: bytes, key: str | None, traffic: Traffic) -> Asked:
        parts = predict_body(body)
        request_id = parts.request_id or secrets.token_hex(16)
        arm = traffic.arm(key or request_id)
        return Asked(request_id, arm, arm.decoder.rows(parts.rows))

    def _encode(
        self, asked: Asked, arrays: "Arrays", answers: list[Any]
    ) -> tuple[bytes, dict[str, str]]:
        loaded = asked.arm.loaded
        model = loaded.model
        said = {
            "request_id": asked.request_id,
            "model": self._service.pipeline,
            "model_version": model.version,
            "model_digest": model.digest,
            "arm": asked.arm.name,
            **spoken(loaded.predicts, answers),
        }
        return msgspec.json.encode(said), {"content-type": "application/json"}


class Infer(_Endpoint):
    """`POST /v2/models/<name>/infer`: the Open Inference Protocol, one tensor per column."""

    name = "infer"

    def _decode(self, body: bytes, key: str | None, traffic: Traffic) -> Asked:
        parts = infer_body(body)
        request_id = parts.id or secrets.token_hex(16)
        arm = traffic.arm(key or request_id)
        outputs = wanted(parts, arm.loaded.outputs)
        return Asked(request_id, arm, arm.decoder.tensors(parts.inputs), outputs)

    def _encode(
        self, asked: Asked, arrays: "Arrays", answers: list[Any]
    ) -> tuple[bytes, dict[str, str]]:
        model = asked.arm.loaded.model
        head = {
            "model_name": self._service.pipeline,
            "model_version": str(model.version),
            "id": asked.request_id,
            "parameters": {"model_digest": model.digest, "arm": asked.arm.name},
        }
        return encode(head, asked.outputs, arrays)


async def _send(send: "Send", reply: Reply) -> None:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
