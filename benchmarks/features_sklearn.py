"""What `benchmarks/features.py` is measured against: scikit-learn's pipelines for the same columns."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

HIDDEN = (128, 64)  # As in pipelines/census_income/defs.yaml.
JOBS = (1, 2)  # Both are measured, and the faster one counts.


class Peer:
    """Fitted pipelines over a pandas frame that is in memory already.

    Args:
        train: Rows to fit on.
        rows: Rows to transform.
        numbers: Columns that are imputed, and scaled or cut into bins.
        categories: Columns that become ids.
        label: Column with the class.
        bins: Quantile bins of each number.
    """

    def __init__(
        self,
        train: pa.Table,
        rows: pa.Table,
        numbers: Sequence[str],
        categories: Sequence[str],
        label: str,
        bins: int,
    ) -> None:
        columns = [*numbers, *categories]
        fitted_on = train.select(columns).to_pandas()
        self._rows = rows.select(columns).to_pandas()
        self._transformers: dict[tuple[bool, int], Any] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of bins that are too narrow, which it joins.
            for in_bins in (False, True):
                for jobs in JOBS:
                    made = transformer(numbers, categories, bins if in_bins else 0, jobs)
                    self._transformers[in_bins, jobs] = made.fit(fitted_on)
            self._classifier = classifier(numbers, categories)
            self._classifier.fit(fitted_on, train[label].to_pylist())

    def transform(self, *, in_bins: bool, jobs: int) -> Any:
        """Return the features of all rows."""
        return self._transformers[in_bins, jobs].transform(self._rows)

    def predict(self, row: Mapping[str, Any]) -> Any:
        """Return the probabilities of one row."""
        import pandas as pd

        return self._classifier.predict_proba(pd.DataFrame([row]))


def transformer(numbers: Sequence[str], categories: Sequence[str], bins: int, jobs: int) -> Any:
    """Return a ColumnTransformer: numbers imputed and standardised, or in bins; categories as ids."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder, StandardScaler

    scaled: Any = StandardScaler()
    if bins:
        scaled = KBinsDiscretizer(bins, encode="onehot-dense", quantile_method="linear")
    ids = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
    )
    filled = make_pipeline(SimpleImputer(strategy="median"), scaled)
    steps = [("numbers", filled, list(numbers)), ("categories", ids, list(categories))]
    return ColumnTransformer(steps, n_jobs=jobs)


def classifier(numbers: Sequence[str], categories: Sequence[str]) -> Any:
    """Return a pipeline with a network; categories are one-hot, as it has no embeddings."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore")
    steps = [("numbers", filled, list(numbers)), ("categories", one_hot, list(categories))]
    network = MLPClassifier(HIDDEN, max_iter=1, random_state=0)
    return make_pipeline(ColumnTransformer(steps), network)
