"""Reads TFDV's Anomalies: how data breaks a schema, and how far it lies from other data.

Messages are those of `tensorflow_metadata/proto/v0/anomalies.proto`.
"""

from dataclasses import dataclass
from typing import Literal

from mlplatform.measures import Anomaly
from mlplatform.validate.proto import parse

NO_DATA = "DATA_MISSING"
TABLE = ""  # Stands for the column where an anomaly is about the whole table.
KINDS = {"L_INFTY": "l_infinity", "JENSEN_SHANNON_DIVERGENCE": "jensen_shannon"}


@dataclass(frozen=True, kw_only=True)
class Distance:
    """How far one column lies from the reference by TFDV's measure, in [0, 1].

    `l_infinity` of categories: the largest change of one's share. `jensen_shannon` of numbers: the
    divergence in bits.
    """

    column: str
    kind: Literal["l_infinity", "jensen_shannon"]
    value: float


def describe(anomalies: bytes) -> list[Anomaly]:
    """Return every reason TFDV gives, by column; an empty table is one anomaly about the table.

    Raises:
        WorkerError: If `anomalies` is no serialized Anomalies.
    """
    message = parse("Anomalies", anomalies)
    found = [
        Anomaly(
            column=column,
            reason=info.Type.Name(reason.type),
            detail=reason.description.strip(),
        )
        for column, info in sorted(message.anomaly_info.items())
        for reason in info.reason
    ]
    about_table = message.dataset_anomaly_info
    found += [
        Anomaly(column=TABLE, reason=about_table.Type.Name(r.type), detail=r.description.strip())
        for r in about_table.reason
    ]
    if message.data_missing:
        found.append(Anomaly(column=TABLE, reason=NO_DATA, detail="there are no rows"))
    return found


def distances(anomalies: bytes) -> list[Distance]:
    """Return the drift TFDV measured, by column; one it could not measure is left out.

    It cannot where a side has no value, nor of numbers whose range exceeds a double. Gates count
    a comparable column that is left out as not measured.

    Raises:
        WorkerError: If `anomalies` is no serialized Anomalies.
    """
    message = parse("Anomalies", anomalies)
    found = [
        Distance(
            column=".".join(info.path.step),
            kind=KINDS[measured.Type.Name(measured.type)],  # type: ignore[arg-type]  # The two asked for.
            value=measured.value,
        )
        for info in message.drift_skew_info
        for measured in info.drift_measurements
    ]
    return sorted(found, key=lambda distance: distance.column)
