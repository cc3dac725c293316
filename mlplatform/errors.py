"""Errors a user can mend: one line each that says what is wrong, where, and what to do.

Commands print the message of a `PlatformError` without a traceback; any other exception is a defect of ours and
keeps its traceback.
"""


class PlatformError(Exception):
    """Base of every error that a user's input, files or surroundings can cause."""


class SpecError(PlatformError):
    """A pipeline's `defs.yaml` or `features.py` says something that cannot be built."""


class SourceError(PlatformError):
    """A source file is missing, truncated, mis-encoded or malformed."""


class LakeError(PlatformError):
    """A table or artifact cannot be read or written."""


class ConcurrentWriteError(LakeError):
    """Another writer changed the table first; nothing was written."""


class MissingArtifactError(LakeError):
    """The lake answers, and holds no artifact with this address."""


class FreedError(LakeError):
    """A version of a table whose files a vacuum removed: nothing needed it any more."""


class CorruptionError(LakeError):
    """Stored bytes differ from the digest recorded when they were written."""


class WorkerError(PlatformError):
    """The TFDV worker process could not start, answered with an error, or died."""


class FeatureError(PlatformError):
    """Rows do not fit the declared features."""


class TrainingError(PlatformError):
    """Training cannot start or did not produce a finite model."""


class PreemptedError(PlatformError):
    """Training was told to stop; it goes on from its checkpoint when it is run again."""


class GateRefusedError(PlatformError):
    """A model without a passing verdict about these very bytes was offered for release."""


class OverrideError(PlatformError):
    """An override that nobody may give, or of a verdict that there is not."""


class RegistryError(PlatformError):
    """The model registry cannot be reached or holds something else than the lake says."""


class ReproductionError(PlatformError):
    """A model cannot be made again: something that it was made from is not on record, or not there any more."""


class SignatureError(PlatformError):
    """An artifact carries no signature of the key that is asked for, a wrong one, or a key cannot be used."""


class ServingError(PlatformError):
    """The prediction server cannot start."""


def in_words(wrong: Exception, most: int = 300) -> str:
    """Return an error in one line; of one that no user can mend also its class, and `most` characters."""
    said = " ".join(str(wrong).split())
    return said if isinstance(wrong, PlatformError) else f"{type(wrong).__name__}: {said[:most]}"
