"""What only people know of a model: the model card's words, by Mitchell et al. (2019), FAT* 220-229."""

from pydantic import Field

from mlplatform.spec.section import Section


class Card(Section):
    """Words for the model card; numbers come from the evaluation."""

    intended_uses: list[str] = Field(default=[])
    intended_users: list[str] = Field(default=[])
    out_of_scope: list[str] = Field(default=[])
    limitations: list[str] = Field(default=[])
    tradeoffs: list[str] = Field(default=[])
    ethical_considerations: dict[str, str] = Field(
        default={}, description="Each risk, and what is done about it."
    )
    references: list[str] = Field(default=[])
    citation: str = ""
    licence: str = ""
    contact: str = ""
