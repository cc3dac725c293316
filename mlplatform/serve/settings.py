"""Limits and intervals of a prediction server."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """What an operator may turn; the defaults suit one process on a small machine.

    Attributes:
        max_body_bytes: Larger bodies are refused with 413.
        body_seconds: A body that takes longer is refused with 408.
        max_rows: Rows of one request.
        max_in_flight: Predictions at a time, running and queued; more are refused with 429.
        predict_threads: Threads that predict; XLA works outside the interpreter's lock.
        poll_seconds: Between two looks at the deployment table's log.
        retry_seconds: Before a model that could not be loaded is tried again.
        routing_header: Header whose value decides the arm, before the request id does.
        flush_seconds: Longest wait of an answer before it is written to the lake.
        flush_rows: Rows that are written at once, without waiting.
        queue_rows: Answered rows held for writing; what comes on top is dropped and counted.
        drain_seconds: Between "not ready" and closing the door, for load balancers to notice.
        grace_seconds: For requests in flight when the door is closed.
        online_store: Name of the environment variable that holds the address of the store that
            aggregates are looked up in, such as `redis://…`; an SQLite file if left empty. A name,
            because an address may hold a password.
        cache_folder: Where that file lies; a temporary folder if left empty.
        verify_key: File of the public key that what is deployed must be signed by; empty asks for none.
    """

    max_body_bytes: int = 1 << 20
    body_seconds: float = 10.0
    max_rows: int = 4096
    max_in_flight: int = 128
    predict_threads: int = 2
    poll_seconds: float = 1.0
    retry_seconds: float = 10.0
    routing_header: str = "x-routing-key"
    flush_seconds: float = 5.0
    flush_rows: int = 5000
    queue_rows: int = 50_000
    drain_seconds: float = 0.0
    grace_seconds: float = 10.0
    online_store: str = ""
    cache_folder: str = ""
    verify_key: str = ""
