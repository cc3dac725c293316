"""A caller of a prediction server: sends rows of a table as a client would, and asks for every output."""

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.serve.client import PredictionClient, PredictionError

if TYPE_CHECKING:
    from mlplatform.serve.client import Features

SECONDS = 120.0  # For one request: a server may have to compile for this many rows first.
ROWS = 1000  # Of one request, until a server says that it is too much.
ALONE = 16  # The first rows are sent by themselves, as most requests are.
TOO_MUCH = (413, 422)  # HTTP statuses of too large a body, and of too many rows or a wrong value.
ARMS = (
    200  # Request ids tried until the model that is asked for answers: at 5 % of traffic, surely.
)


class Caller:
    """Asks one model of one server; a context manager.

    Args:
        url: Where the server is.
        model: The model's name in addresses.
        digest: The artifact that has to answer.
    """

    def __init__(self, url: str, model: str, digest: str) -> None:
        self._client = PredictionClient(url, SECONDS)
        self._url, self._model, self._digest = url, model, digest
        self._size, self._alone = ROWS, ALONE
        self._request_id = "skew"

    def answers(self, rows: pa.RecordBatch) -> Iterator["Features"]:
        """Yield the answers about `rows`, in order, some rows at a time.

        Raises:
            PredictionError: If the server refuses a row by itself, cannot be reached, or another
                model answers.
        """
        first = 0
        while first < rows.num_rows:
            part = rows.slice(first, 1 if self._alone else self._size)
            try:
                answer = self._ask(part)
            except PredictionError as wrong:
                if wrong.status not in TOO_MUCH or part.num_rows == 1:
                    raise
                # Fewer are too many no more, or lead to the row that is refused.
                self._size = part.num_rows // 2
                continue
            self._alone = max(self._alone - 1, 0)
            first += part.num_rows
            yield answer

    def __enter__(self) -> "Caller":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def _ask(self, rows: pa.RecordBatch) -> "Features":
        columns = {name: rows.column(name) for name in rows.schema.names}
        # Which of several live models answers, the request id decides.
        for request_id in [self._request_id, *(f"skew-{number}" for number in range(ARMS))]:
            answer = self._client.features(self._model, columns, request_id)
            if answer.model_digest == self._digest:
                self._request_id = request_id
                return answer
        said = f"model {answer.model_digest[:12]} answers, not {self._digest[:12]}"
        raise PredictionError(f"{self._url}: {said}; name the model that is served there")
