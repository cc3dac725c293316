"""Gates on a model: what it must be before it is registered."""

from mlplatform.spec.performance_gates import (
    CalibrationGate,
    FairnessGate,
    PerformanceGate,
    RegressionGate,
)
from mlplatform.spec.section import Section
from mlplatform.spec.serving_gates import LatencyGate, SizeGate, ThroughputGate
from mlplatform.spec.trust_gates import (
    BehaviourGate,
    BudgetGate,
    DataIntegrityGate,
    ReproducibilityGate,
)


class ModelGates(Section):
    """Gates between `features` and `registered_model`."""

    budget: BudgetGate = BudgetGate()
    performance: PerformanceGate = PerformanceGate()
    regression: RegressionGate = RegressionGate()
    fairness: FairnessGate = FairnessGate()
    calibration: CalibrationGate = CalibrationGate()
    behaviour: BehaviourGate = BehaviourGate()
    latency: LatencyGate = LatencyGate()
    throughput: ThroughputGate = ThroughputGate()
    artifact_size: SizeGate = SizeGate()
    data_integrity: DataIntegrityGate = DataIntegrityGate()
    reproducibility: ReproducibilityGate = ReproducibilityGate()
