"""Which arm answers a request: a hash of its key, so that one key always meets the same model."""

from hashlib import blake2b
from typing import Literal

from mlplatform.rollout.traffic import FULL, TrafficState

Arm = Literal["champion", "canary"]

_HASHES = 2**64  # of blake2b with an 8-byte digest; compared as an integer, so 100 % is all of them


def arm(key: str, traffic: TrafficState) -> Arm:
    """Return which arm answers requests with `key`.

    A key stays with its arm for as long as the canary and its percentage stay; raising the
    percentage moves keys to the canary and none away from it. The canary's digest salts the hash,
    so that every rollout tries other keys.
    """
    if traffic.canary is None:
        return "champion"
    below = traffic.canary_percent / FULL * _HASHES
    return "canary" if _hash(key, traffic.canary.digest) < below else "champion"


def _hash(key: str, canary_digest: str) -> int:
    salt = blake2b(canary_digest.encode(), digest_size=16).digest()
    return int.from_bytes(blake2b(key.encode(), digest_size=8, salt=salt).digest())
