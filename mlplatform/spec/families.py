"""The families of models by name, and how each is trained."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter

from mlplatform.spec.label import Label
from mlplatform.spec.section import Name, Section, Share

Precision = Literal["auto", "float32", "bfloat16"]
OTHER = "other"  # The class of a binary label that is not the positive one.
# More rounds to every unit: dropout is drawn in 256ths.
Dropped = Annotated[float, Field(ge=0, le=0.99)]


class Family(Section):
    """What every family has."""

    calibration: Literal["none", "temperature", "isotonic"] = Field(
        default="none", description="Of probabilities, fitted on validation rows."
    )
    gpu: bool = Field(default=False, description="Ask Kubernetes for a GPU for the training step.")


class Single(Family):
    """What every family has that is fitted by itself."""

    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Field(gt=0)]] = Field(
        default="none",
        description="How much a class counts; balanced: each class the same. Of a binary label the "
        f"classes are the positive one and {OTHER!r}.",
    )
    seed: int = Field(default=0, ge=0, description="Seeds every use of chance.")


class Network(Single):
    """How networks are trained: by gradients, in batches, with the best epoch kept."""

    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    optimizer: str = Field(default="adamw", description="By its name in optax.")
    schedule: str = Field(
        default="cosine_decay_schedule", description="Of the learning rate, by its name in optax."
    )
    warmup_epochs: float = Field(
        default=0.5, ge=0, description="Over which the learning rate rises."
    )
    epochs: int = Field(default=12, ge=1)
    batch_size: int = Field(default=256, ge=1)
    early_stopping: int | None = Field(
        default=None, ge=1, description="Epochs without a better validation loss that end it."
    )
    average: Share = Field(
        default=0.0,
        lt=1,
        description="Decay of the moving average of parameters, less in the first steps; 0 is off.",
    )
    gradient_clip: float | None = Field(default=None, gt=0, description="Largest global norm.")
    label_smoothing: Share = Field(default=0.0, lt=1)
    precision: Precision = Field(
        default="auto", description="Of products in training; auto: bfloat16 on a GPU."
    )
    input: Literal["auto", "memory", "stream"] = Field(
        default="auto", description="Whether rows lie on the device or stream through it."
    )


class NumericEmbedding(Section):
    """What a network makes of each float feature first (Gorishniy, Rubachev & Babenko, NeurIPS 2022)."""

    kind: Literal["piecewise_linear", "periodic"] = "piecewise_linear"
    bins: int = Field(default=48, ge=2, le=1024, description="Quantiles, or frequencies.")
    width: int = Field(default=16, ge=1, le=1024, description="Numbers a feature.")
    sigma: float = Field(default=0.1, gt=0, description="Spread of the first frequencies.")


class Linear(Network):
    """Logistic, softmax or least squares regression: a weight for each number and each category."""

    family: Literal["linear"] = "linear"


class Mlp(Network):
    """A multilayer perceptron over feature vectors and category embeddings."""

    family: Literal["mlp"] = "mlp"
    hidden: list[Annotated[int, Field(ge=1, le=8192)]] = Field(default=[128, 64])
    dropout: Dropped = 0.1
    numeric: NumericEmbedding | None = None
    categories: int = Field(default=8, ge=1, le=1024, description="Numbers a category.")


class TabM(Network):
    """Many perceptrons that share nearly all weights (Gorishniy, Kotelnikov & Babenko, ICLR 2025)."""

    family: Literal["tabm"] = "tabm"
    learning_rate: float = Field(default=2e-3, gt=0)
    hidden: list[Annotated[int, Field(ge=1, le=8192)]] = Field(default=[128, 128], min_length=1)
    dropout: Dropped = 0.1
    members: int = Field(default=16, ge=1, le=256)
    numeric: NumericEmbedding | None = NumericEmbedding()
    categories: int = Field(default=8, ge=1, le=1024, description="Numbers a category.")


class Custom(Network):
    """A network of the team's own: `init` and `apply` in a file of the pipeline."""

    family: Literal["custom"] = "custom"
    file: str = Field(default="model.py", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_/-]*\.py$")
    dropout: Dropped = Field(default=0.0, description="Handed to `apply` while training.")
    options: dict[str, Any] = Field(default={}, description="Handed to `init`.")


class Gbdt(Single):
    """Gradient-boosted trees, trained by LightGBM and served as the same kind of program."""

    family: Literal["gbdt"] = "gbdt"
    trees: int = Field(default=300, ge=1, le=100_000)
    leaves: int = Field(default=31, ge=2, le=4096)
    learning_rate: float = Field(default=0.05, gt=0)
    min_rows_a_leaf: int = Field(default=20, ge=1)
    feature_share: Share = Field(default=1.0, gt=0, description="Of features, for each tree.")
    row_share: Share = Field(default=1.0, gt=0, description="Of rows, for each tree.")
    l1: float = Field(default=0.0, ge=0)
    l2: float = Field(default=0.0, ge=0)
    early_stopping: int | None = Field(
        default=50, ge=1, description="Trees without a better validation loss that end it."
    )


def _family(model: Any) -> str:
    """A section that names no family is a perceptron's."""
    named = model.get("family", "mlp") if isinstance(model, dict) else model.family
    return str(named)


AnyMember = Annotated[
    Annotated[Linear, Tag("linear")]
    | Annotated[Mlp, Tag("mlp")]
    | Annotated[TabM, Tag("tabm")]
    | Annotated[Custom, Tag("custom")]
    | Annotated[Gbdt, Tag("gbdt")],
    Discriminator(_family),
]


class Blend(Family):
    """A weighted mean of other families' predictions; weights are fitted on validation rows."""

    family: Literal["blend"] = "blend"
    members: dict[Name, AnyMember] = Field(min_length=2)
    weights: Literal["fitted", "equal"] = "fitted"


AnyModel = Annotated[
    Annotated[Linear, Tag("linear")]
    | Annotated[Mlp, Tag("mlp")]
    | Annotated[TabM, Tag("tabm")]
    | Annotated[Custom, Tag("custom")]
    | Annotated[Gbdt, Tag("gbdt")]
    | Annotated[Blend, Tag("blend")],
    Discriminator(_family),
]
MODEL: TypeAdapter[Linear | Mlp | TabM | Custom | Gbdt | Blend] = TypeAdapter(AnyModel)


def misfit(model: Any, label: Label) -> str:
    """Return which setting of a model has no meaning for a label, in words; "" if all have."""
    if isinstance(model, Blend):
        found = ((name, misfit(member, label)) for name, member in model.members.items())
        inside = next((f"model.members.{n}.{said[6:]}" for n, said in found if said), "")
        return inside or _misfit(model, label)
    return _misfit(model, label)


def _misfit(model: Any, label: Label) -> str:
    warmup = getattr(model, "warmup_epochs", 0.0)
    if isinstance(model, Network) and warmup >= model.epochs:
        return f"model.warmup_epochs is {warmup:g}; it must be below model.epochs, {model.epochs}"
    off = {"class_weights": "none", "calibration": "none", "label_smoothing": 0.0}
    if label.task == "regression":
        for field, value in off.items():
            if getattr(model, field, value) != value:
                return f"model.{field} is for classes; label.task is 'regression'"
        return ""
    weights = getattr(model, "class_weights", "none")
    known = label.classes or [label.positive, OTHER]
    unknown = [name for name in weights if name not in known] if isinstance(weights, dict) else []
    if unknown:
        return f"model.class_weights: {unknown[0]!r} is no class; classes: {', '.join(known)}"
    return ""
