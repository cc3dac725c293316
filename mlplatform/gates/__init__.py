"""Policy and measurements become a `Verdict`. Pure: nothing here reads a table, a clock or a file.

Every gate answers for every input. What was not measured fails; what was measured on too little is
inconclusive; neither ever passes.
"""

from mlplatform.gates.lock import require_passed
from mlplatform.gates.policy import policy_hash, required

__all__ = ["policy_hash", "require_passed", "required"]
