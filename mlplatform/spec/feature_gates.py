"""Policies of the gates on features: nothing knows the future, and serving computes what trained."""

from pydantic import Field

from mlplatform.spec.data_gates import ComparingGate
from mlplatform.spec.section import ColumnName, Gate, Name, Section, Share
from mlplatform.verdict import Severity


class AvailabilityGate(Gate):
    """Nothing a feature reads may become known after the row's time: by `known_at`, and by recount."""

    max_late_share: Share = Field(
        default=0.0, description="Of rows whose value became known after the row's event time."
    )


class FeatureLeakageGate(Gate):
    """A feature that alone gives the label away knew the answer."""

    max_auc: Share = Field(default=0.9, description="Of the best single-feature prediction.")
    max_information: Share = Field(
        default=0.7, description="Mutual information with the label, as a share of its entropy."
    )
    max_given_away: Share = Field(
        default=0.3,
        description="Of the rarer class's rows: those with a value that makes it at least 50 times as likely, by its "
        "odds. A flag set for most positives and few others.",
    )
    allow: dict[Name | ColumnName, str] = Field(
        default={}, description="Features, each with the reason."
    )


class SkewGate(Gate):
    """The same rows through the feature table, the batch path and a running server."""

    max_ulps: int = Field(
        default=8,
        ge=0,
        description="Between predictions; feature vectors must be equal in every bit.",
    )
    max_rows: int = Field(
        default=50_000, ge=1, description="Rows sent to the server, spread over the whole table."
    )


class RequestSkewGate(ComparingGate):
    """Served requests against the training rows, by feature: a large effect that is not chance.

    It warns: what would follow the requests is a model trained on newer rows, and to refuse that one
    would keep a model that fits them even less.
    """

    severity: Severity = Severity.WARN
    max_psi: float = Field(default=0.25, gt=0, description="Beyond its no-drift expectation, nats.")
    max_ks: Share = Field(default=0.2, description="Kolmogorov-Smirnov distance.")
    max_missing: Share = Field(default=0.1, description="Rise of a feature's missing share.")
    min_requests: int = Field(default=500, ge=1, description="Fewer requests are no evidence.")
    max_requests: int = Field(default=50_000, ge=1, description="The newest are judged.")


class FeatureGates(Section):
    """Gates on `features` and on the `model` that carries them."""

    availability: AvailabilityGate = AvailabilityGate()
    feature_leakage: FeatureLeakageGate = FeatureLeakageGate()
    training_serving_skew: SkewGate = SkewGate()
    request_skew: RequestSkewGate = RequestSkewGate()
