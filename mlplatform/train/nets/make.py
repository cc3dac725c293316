"""A family of the spec becomes a network."""

from mlplatform.spec import Pipeline
from mlplatform.spec.families import Custom, Linear, Mlp, Network, TabM
from mlplatform.train.nets.categories import Categories
from mlplatform.train.nets.custom import custom
from mlplatform.train.nets.linear import LinearNet
from mlplatform.train.nets.mlp import MlpNet
from mlplatform.train.nets.net import Net
from mlplatform.train.nets.numeric import Numeric
from mlplatform.train.nets.tabm import TabMNet
from mlplatform.train.task import Shape


def network(pipeline: Pipeline, model: Network, shape: Shape) -> Net:
    """Return the network of a family for rows of one shape.

    Raises:
        TrainingError: If a custom model's file does not define one.
    """
    outputs = shape.task.outputs
    if isinstance(model, Custom):
        return custom(pipeline, model, shape)
    if isinstance(model, Linear):
        return LinearNet(shape.vectors, shape.ids, outputs)
    assert isinstance(model, Mlp | TabM)  # noqa: S101  the spec knows no other network
    numeric = Numeric(shape.vectors, model.numeric)
    categories = Categories(shape.ids, model.categories)
    hidden = tuple(model.hidden)
    if isinstance(model, TabM):
        return TabMNet(numeric, categories, hidden, model.members, outputs)
    return MlpNet(numeric, categories, hidden, outputs)
