"""Watches a function of arrays while it is traced: it may compute, and nothing else.

Tracing runs the function's Python once; what that Python reads or writes besides its arguments is
done then and never again, so the program would not have it. Refused are files, network, processes
and the environment (audit events of PEP 578, which come before the act and can stop it), clocks,
entropy and printing (calls, as a profiler sees them). Imports may read files.
"""

import inspect
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

_ACTS = (
    "open", "os.", "pathlib.", "glob.", "shutil.", "tempfile.", "socket.", "subprocess.",
    "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.", "mmap.", "fcntl.", "winreg.",
)  # fmt: skip
_CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
_CLOCKS |= {"process_time", "process_time_ns", "localtime", "gmtime", "ctime", "asctime", "sleep"}
_NOW = {"now", "utcnow", "today"}
_IMPORTS = ("importlib._bootstrap", "importlib._bootstrap_external", "linecache", "zipimport")
_OTHERS = ("jax", "jaxlib", "warnings")  # What these do of themselves is not the function's doing.


class Impure(BaseException):
    """Stops a forbidden act; no `except Exception` of the function keeps it."""


@dataclass
class Watch:
    """Notes, within a `with`, what a function does in this thread that it may not.

    Attributes:
        file: Where the function is defined: its frames are known by it.
        acts: In words, in order.
    """

    file: str
    acts: list[str] = field(default_factory=list)
    _start: FrameType | None = None
    _before: Callable[..., Any] | None = None

    def __enter__(self) -> "Watch":
        _install()
        frame = inspect.currentframe()
        self._start = frame.f_back if frame else None
        self._before = sys.getprofile()
        _active.watch = self
        sys.setprofile(self.profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)
        _active.watch = self._start = None

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Stop files, network and processes, unless an import needs them."""
        if not event.startswith(_ACTS):
            return
        if any(_module(frame) in _IMPORTS for frame in self._frames(inspect.currentframe())):
            return
        what = f" of {arguments[0]!r}" if event == "open" and arguments else ""
        self.acts.append(f"touches files, network or processes ({event}{what})")
        raise Impure(self.acts[-1])

    def profile(self, frame: FrameType, event: str, called: Any) -> None:
        """Note clocks, entropy, printing and the environment."""
        act = None
        if event == "c_call":
            act = _forbidden(called, direct=frame.f_code.co_filename == self.file)
        elif event == "call" and frame.f_code in _ENVIRONMENT and frame.f_back:
            act, frame = "reads the environment", frame.f_back
        if act and self._own(frame):
            self.acts.append(act)

    def _own(self, frame: FrameType) -> bool:
        """Whether the function called from here, and not JAX."""
        for each in self._frames(frame):
            if each.f_code.co_filename == self.file:
                return True
            if _module(each).partition(".")[0] in _OTHERS or _module(each) in _IMPORTS:
                return False
        return True

    def _frames(self, frame: FrameType | None) -> Iterator[FrameType]:
        while frame is not None and frame is not self._start:
            yield frame
            frame = frame.f_back


# What differs from process to process, and from machine to machine.
_MACHINE = frozenset({"getpid", "getppid", "getcwd", "getlogin", "uname", "node", "gethostname"})
_active = threading.local()
_hooked = threading.Lock()
_ENVIRONMENT: set[CodeType] = {os.getenv.__code__, type(os.environ).__getitem__.__code__}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    watch = getattr(_active, "watch", None)
    if watch is not None:
        watch.audit(event, arguments)


def _install() -> None:
    """Add the hook, once a process: it cannot be taken away, and does nothing while none watches."""
    if _hooked.acquire(blocking=False):  # Never released: it says that the hook is there.
        sys.addaudithook(_hook)


def _forbidden(called: Any, *, direct: bool) -> str | None:
    name, module = getattr(called, "__name__", ""), getattr(called, "__module__", None)
    owner = getattr(called, "__self__", None)
    if module == "time" and name in _CLOCKS:
        return f"asks a clock (time.{name})"
    if name in _NOW and isinstance(owner, type) and owner.__module__ == "datetime":
        return f"asks a clock ({owner.__name__}.{name})"
    if name in ("urandom", "getrandom") and module in ("posix", "nt"):
        return f"draws random numbers of the machine (os.{name})"
    if module in ("posix", "nt", "platform", "socket") and name in _MACHINE:
        return f"asks for the machine or the process ({module}.{name})"
    if module == "builtins" and name in ("print", "input"):
        return f"prints or asks ({name})"
    if name == "write" and owner is not None and owner in (sys.stdout, sys.stderr):
        return "prints"
    if direct and module == "builtins" and name in ("hash", "id"):
        return f"calls {name}(), which answers differently in every process"
    return None


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
