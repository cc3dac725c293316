"""What the model sees of a person: 5 numbers, 7 categories, and 2 amounts as categories too."""

from mlplatform.features import Categorical, FeatureSet, Numeric

features = FeatureSet(
    [
        Numeric("age"),
        Numeric("education_num"),
        Numeric("capital_gain"),
        Numeric("capital_loss"),
        Numeric("hours_per_week"),
        Categorical("workclass"),
        Categorical("marital_status"),
        Categorical("occupation"),
        Categorical("relationship"),
        Categorical("race"),
        Categorical("sex"),
        Categorical("native_country"),
        # Gains and losses take a few hundred exact amounts, many of them telling: the frequent
        # ones are categories too.
        Categorical("capital_gain_amount", column="capital_gain", min_count=5),
        Categorical("capital_loss_amount", column="capital_loss", min_count=5),
    ]
)
