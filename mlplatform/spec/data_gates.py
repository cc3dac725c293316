"""Policies of the gates on data. Every default is meant to be good: an empty section is one."""

from typing import Annotated

from pydantic import Field, model_validator

from mlplatform.spec.section import ColumnName, Gate, Section, Share

Range = tuple[float | None, float | None]


class ComparingGate(Gate):
    """A gate that compares with the reference: a change must be large, and more than chance."""

    alpha: Share = Field(
        default=0.001,
        gt=0,
        description="False alarm rate of the comparison, all columns together.",
    )


class MalformedRowsGate(Gate):
    """Largest share of a file's rows that may stand in quarantine."""

    max_share: Share = 0.01


class SchemaGate(Gate):
    """TFDV's anomalies of the data against the accepted schema."""

    max_anomalies: int = Field(default=0, ge=0)
    max_unseen_share: Share = Field(
        default=0.005, description="Of a column's values outside its domain; the label allows none."
    )


class RowCountGate(Gate):
    """Too few rows, or far fewer than the version accepted before."""

    minimum: int = Field(default=100, ge=1)
    max_drop: Share = Field(default=0.5, description="Of the rows of the version accepted before.")


class FreshnessGate(Gate):
    """Age of the newest row by `event_time`; without that column, of the last landing."""

    max_age_days: float = Field(default=365, gt=0)
    max_behind_days: float = Field(
        default=7, ge=0, description="Of the newest new row, by event time, behind the newest old."
    )


class MissingGate(ComparingGate):
    """Largest share of missing values a column may have, and largest rise since the reference."""

    max_share: Share = 0.5
    max_increase: Share = 0.02
    columns: dict[ColumnName, Share] = Field(default={}, description="Limits of single columns.")


class DuplicatesGate(ComparingGate):
    """Rows that repeat another whole row, and rows that repeat the `key`."""

    max_share: Share = Field(default=0.05, description="Of rows equal to an earlier one.")
    max_increase: Share = Field(default=0.02, description="Of that share, since the reference.")
    max_key_share: Share = Field(default=0.0, description="Of rows whose key an earlier row has.")


class ValueRangesGate(ComparingGate):
    """Values outside declared limits, or far outside what the reference has seen."""

    columns: dict[ColumnName, Range] = Field(default={}, description="[least, most]; null is open.")
    domains: dict[ColumnName, Annotated[list[str], Field(min_length=1)]] = Field(
        default={}, description="Every value a column may have."
    )
    max_share: Share = Field(
        default=0.0, description="Of values outside the declared limits, or infinite."
    )
    stretch: float = Field(
        default=1.0, ge=0, description="Reference ranges a value may lie beyond the reference's."
    )
    max_stretched_share: Share = 0.001
    max_beyond_share: Share = Field(
        default=0.01, description="Of values beyond the reference's range, however little."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "ValueRangesGate":
        for name, (least, most) in self.columns.items():
            if least is not None and most is not None and least > most:
                raise ValueError(f"value_ranges.columns.{name}: {least:g} is above {most:g}")
        return self


class OutliersGate(ComparingGate):
    """Share of values with a robust z (median, MAD) above `max_z`, over the reference's share."""

    max_z: float = Field(default=10, gt=0)
    max_increase: Share = 0.005


class CorrelationsGate(ComparingGate):
    """Change of Pearson's r of two columns since the reference; categories by their label share."""

    max_change: float = Field(default=0.15, gt=0, le=2)


class DistributionGate(ComparingGate):
    """Distance of new rows from the reference, by column: a large effect that is not chance."""

    max_sigma: float = Field(default=2, gt=0, description="Reference deviations the mean may move.")
    max_psi: float = Field(default=0.2, gt=0, description="Beyond its no-drift expectation, nats.")
    max_ks: Share = Field(default=0.1, description="Kolmogorov-Smirnov distance.")
    max_spike: Share = Field(
        default=0.01, description="Rise of a single value's share to more than twice what it was."
    )
    max_unseen: Share = Field(
        default=0.01, description="Of values the reference never had, beyond its own rate of those."
    )
    max_l_infinity: Share = Field(default=0.1, description="TFDV's, of categories.")
    max_jensen_shannon: Share = Field(default=0.1, description="TFDV's, of numbers.")
    ignore: dict[ColumnName, str] = Field(default={}, description="Columns, each with the reason.")


class LabelBalanceGate(ComparingGate):
    """Share of each class, and its change since the reference."""

    min_share: Share = 0.001
    max_change: Share = 0.05
    max_ratio: float = Field(default=2, gt=1, description="Of a class's share, up or down.")


class LabelLeakageGate(Gate):
    """A column that knows the answer: alone it predicts the label, is a function of it, or is late."""

    max_auc: Share = Field(default=0.9, description="Of the best single-column prediction.")
    max_dependence: Share = Field(
        default=0.7, description="Theil's U of the label given the column, beyond chance."
    )
    max_late_share: Share = Field(
        default=0.01, description="Of a time's values that lie after the row's event."
    )
    allow: dict[ColumnName, str] = Field(default={}, description="Columns, each with the reason.")


class SensitiveDataGate(Gate):
    """Personal data: names, addresses, numbers that identify people or cards, free text."""

    max_share: Share = Field(default=0.001, description="Of a column's distinct values.")
    allow: dict[ColumnName, str] = Field(default={}, description="Columns, each with the reason.")


class OverlapGate(Gate):
    """Test rows, or entities, that also train."""

    max_share: Share = Field(default=0.01, description="Of test rows equal to a training row.")


class DataGates(Section):
    """Gates before anything is trained: on `source`, `dataset` and `split`."""

    malformed_rows: MalformedRowsGate = MalformedRowsGate()
    data_schema: SchemaGate = SchemaGate()
    row_count: RowCountGate = RowCountGate()
    freshness: FreshnessGate = FreshnessGate()
    missing_values: MissingGate = MissingGate()
    duplicates: DuplicatesGate = DuplicatesGate()
    value_ranges: ValueRangesGate = ValueRangesGate()
    outliers: OutliersGate = OutliersGate()
    correlations: CorrelationsGate = CorrelationsGate()
    distribution: DistributionGate = DistributionGate()
    label_balance: LabelBalanceGate = LabelBalanceGate()
    label_leakage: LabelLeakageGate = LabelLeakageGate()
    sensitive_data: SensitiveDataGate = SensitiveDataGate()
    overlap: OverlapGate = OverlapGate()
    min_new_rows: int = Field(
        default=200, ge=1, description="Fewer new rows are judged with the whole table."
    )
