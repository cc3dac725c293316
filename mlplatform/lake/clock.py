"""Whether this machine's clock can be trusted with ages: by a wrong one everything is old.

One clock alone cannot tell. It is held against the newest commit, the last vacuum, and the time by
which the storage stamps a file just written, on S3 that of the server.
"""

import uuid
from datetime import datetime, timedelta

from mlplatform.errors import LakeError
from mlplatform.lake import journal
from mlplatform.lake.storage import Storage

SKEW = timedelta(minutes=5)  # As far as Kerberos lets clocks differ (RFC 4120, 8.2).


def require_after(what: str, at: datetime, now: datetime) -> None:
    """Refuse a clock that stands before something that has happened.

    Raises:
        LakeError: If `now` is earlier than `at`, in words.
    """
    if at > now + SKEW:
        raise LakeError(
            f"{what} is of {_shown(at)}, and this machine's clock says {_shown(now)}: one of them is "
            "wrong, so nothing is known to be old; set the clock"
        )


def require_storage(storage: Storage, now: datetime) -> None:
    """Refuse a clock that is ahead of the storage's: a small file is written, and removed.

    One that is behind makes everything younger, which frees too little and breaks nothing.

    Raises:
        LakeError: If `now` is later than that file by more than `SKEW`, or nothing can be written.
    """
    probe = f"clock-{uuid.uuid4().hex}"
    storage.create(f"{journal.FOLDER}/{probe}", b"1")
    stamp = storage.listing(journal.FOLDER)[probe].modified
    storage.delete(f"{journal.FOLDER}/{probe}")
    if now > stamp + SKEW:
        raise LakeError(
            f"this machine's clock says {_shown(now)}, and {storage.uri('')} {_shown(stamp)}: the clock "
            "jumped, so nothing is known to be old; set it, nothing was removed"
        )


def _shown(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
