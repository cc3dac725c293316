"""All processes of a training meet at the coordinator's port before JAX opens it.

Where one does not come, JAX ends the others in a check failure of its own; here it is an error that
names who is missing. A process says its number and hears `go` once all are there.
"""

import math
import select
import socket
import time
from contextlib import suppress

from mlplatform.errors import TrainingError
from mlplatform.settings import Processes

GO = b"go\n"
LONGEST = 16  # Bytes of a number, or of what something else at this port says.
BETWEEN = 0.2  # Seconds from one try to reach the first process to the next.
CONNECT_SECONDS = 10.0  # Of one try: a packet that was lost is sent again three times in these.


def meet(processes: Processes, seconds: float) -> None:
    """Return once all processes have come to the coordinator's port, and leave it free.

    Args:
        processes: With host, port, count and number.
        seconds: To wait for the others; infinity waits until this process is told to end.

    Raises:
        TrainingError: If one does not come in time, or the first cannot open the port.
    """
    host, _, port = processes.coordinator.rpartition(":")
    until = time.monotonic() + seconds
    if processes.number:
        come = _called(host.strip("[]"), int(port), processes.number, until)
        missing = {0} if not come else set()
    else:
        missing = _gathered(processes, int(port), until)
    if missing:
        raise TrainingError(
            f"process {processes.number} of {processes.count} waited {seconds:g} s at"
            f" {processes.coordinator} for process {', '.join(map(str, sorted(missing)))};"
            " start all of them, and let each reach this address"
        )


def _gathered(processes: Processes, port: int, until: float) -> set[int]:
    """Wait for the others and tell them to go; return those that did not come, who are not told."""
    here: dict[socket.socket, int] = {}
    others = set(range(1, processes.count or 1))
    with _opened(processes, port) as door:
        try:
            while (missing := others - set(here.values())) and time.monotonic() < until:
                for ready in select.select([door, *here], [], [], BETWEEN)[0]:
                    if ready is door:
                        here[door.accept()[0]] = 0  # It has not said its number yet.
                    else:
                        _hear(ready, here)
            for each in here if not missing else ():
                with suppress(OSError):  # It has gone this moment: JAX finds out.
                    each.sendall(GO)
        finally:
            for each in here:
                each.close()
    return missing


def _hear(ready: socket.socket, here: dict[socket.socket, int]) -> None:
    """Note who this is. One that says anything else, or that left, is not here."""
    try:
        said = ready.recv(LONGEST).decode("ascii", "replace").strip()
    except OSError:
        said = ""
    if said.isdecimal() and not here[ready]:
        here[ready] = int(said)
    else:
        del here[ready]
        ready.close()


def _opened(processes: Processes, port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as wrong:
        raise TrainingError(
            f"process 0 cannot open port {port} of MLPLATFORM_COORDINATOR={processes.coordinator}:"
            f" {wrong.strerror}; is another training under way here?"
        ) from wrong


def _called(host: str, port: int, number: int, until: float) -> bool:
    """Return whether the first process said to go; until it is there, and opens its port, try again."""
    while (left := until - time.monotonic()) > 0:
        try:
            with socket.create_connection((host, port), timeout=min(left, CONNECT_SECONDS)) as line:
                line.settimeout(None if math.isinf(left) else left)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                line.sendall(f"{number}\n".encode())
                if line.recv(LONGEST) == GO:
                    return True
        except OSError:
            pass  # Nobody is there yet, or who was there has gone.
        time.sleep(BETWEEN)
    return False
