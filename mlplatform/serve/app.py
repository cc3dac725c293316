"""The HTTP endpoints: the Open Inference Protocol, rows of named columns, health and metrics."""

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from mlplatform import __version__
from mlplatform.serve.columns import datatypes, row_shape
from mlplatform.serve.outputs import datatype
from mlplatform.serve.predict import Infer, Predict
from mlplatform.serve.problem import MEDIA_TYPE, Problem
from mlplatform.serve.service import Service

if TYPE_CHECKING:
    from starlette.requests import Request

    from mlplatform.serve.models import Arm


def build(service: Service) -> Starlette:
    """Return the application that answers for `service`."""
    views = _Views(service)
    routes = [
        Route("/predict", Predict(service), methods=["POST"]),
        Route("/v2/models/{name}/infer", Infer(service), methods=["POST"]),
        Route("/v2", views.server),
        Route("/v2/health/live", views.live),
        Route("/v2/health/ready", views.ready),
        Route("/v2/models/{name}", views.model),
        Route("/v2/models/{name}/ready", views.model_ready),
        Route("/metrics", views.metrics),
    ]
    handlers: dict[Any, Any] = {
        Problem: _problem,
        HTTPException: _http_problem,
        Exception: _unexpected,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False  # An address is right or wrong.
    return app


class _Views:
    """Everything but predictions."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def server(self, _: "Request") -> Response:
        """Return who this is, by the Open Inference Protocol."""
        return _json(
            {"name": "mlplatform", "version": __version__, "extensions": ["binary_tensor_data"]}
        )

    async def live(self, _: "Request") -> Response:
        """Return 200 while the process answers at all."""
        return _json({"live": True})

    async def ready(self, _: "Request") -> Response:
        """Return 200 once the models are warm, until the server closes; else 503.

        A server whose newest deployment cannot be loaded stays ready with what it has verified,
        and says so. `aggregates` is the version that aggregates are looked up in.
        """
        follower, lookup = self._service.follower, self._service.lookup
        said = {
            "ready": self._service.is_ready,
            "up_to_date": follower.is_up_to_date,
            "problem": follower.problem or lookup.problem,
            "aggregates": lookup.version.reference if lookup.version else None,
        }
        return _json(said, 200 if said["ready"] else 503)

    async def model(self, request: "Request") -> Response:
        """Return the model's metadata, by the Open Inference Protocol, and who is live."""
        self._service.require_name(request.path_params["name"])
        traffic = self._service.require_traffic()
        arms = traffic.arms.values()
        parameters = {
            "canary_percent": traffic.state.canary_percent,
            **_task(traffic.champion),
            **{each.name: _identity(each) for each in arms},
        }
        champion = traffic.champion.loaded
        return _json(
            {
                "name": self._service.pipeline,
                "versions": [str(each.loaded.model.version) for each in arms],
                "platform": "jax_stablehlo",
                "inputs": [
                    {"name": name, "datatype": datatypes(kind)[0], "shape": [-1, *row_shape(kind)]}
                    for name, kind in champion.encoder.asked.items()
                ],
                "outputs": [
                    {
                        "name": each.name,
                        "datatype": datatype(each.name),
                        "shape": [-1, *each.shape[1:]],
                    }
                    for each in champion.predictor.signature.outputs
                ],
                "parameters": parameters,
            }
        )

    async def model_ready(self, request: "Request") -> Response:
        """Return whether the model answers, by the Open Inference Protocol."""
        self._service.require_name(request.path_params["name"])
        ready = self._service.is_ready
        return _json({"name": self._service.pipeline, "ready": ready}, 200 if ready else 503)

    async def metrics(self, _: "Request") -> Response:
        """Return the counters for Prometheus."""
        media_type = "text/plain; version=0.0.4; charset=utf-8"
        return Response(self._service.metrics.text(), media_type=media_type)


def _task(each: "Arm") -> dict[str, Any]:
    """Return what the model predicts, and what the numbers of its answers stand for."""
    predicts = each.loaded.predicts
    named = {"classes": predicts.classes, "quantiles": predicts.quantiles}
    return {"task": predicts.task, **{name: found for name, found in named.items() if found}}


def _identity(each: "Arm") -> dict[str, Any]:
    return {"version": each.loaded.model.version, "digest": each.loaded.model.digest}


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


async def _problem(_: "Request", problem: Problem) -> Response:
    body = msgspec.json.encode(problem.body())
    return Response(body, problem.status, problem.headers, media_type=MEDIA_TYPE)


async def _http_problem(request: "Request", wrong: HTTPException) -> Response:
    detail = f"{request.method} {request.url.path[:80]}: {wrong.detail}"
    return await _problem(request, Problem(wrong.status_code, detail, headers=wrong.headers))


async def _unexpected(request: "Request", _: Exception) -> Response:
    return await _problem(request, Problem(500, "the server failed; its log has the reason"))
