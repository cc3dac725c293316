"""What only people know of a model: the model card's words, by Mitchell et al. (2019), FAT* 220-229."""

from pydantic import Field

from mlplatform.spec.section import Section


class Card(Section):
    """Words for the model card; its numbers come from the evaluation, its facts from the lake."""

    intended_uses: list[str] = Field(default=[], description="What the model is for.")
    intended_users: list[str] = Field(default=[], description="Who should use it.")
    out_of_scope: list[str] = Field(
        default=[], description="What it must not be used for, however well it may work."
    )
    limitations: list[str] = Field(
        default=[], description="Where it is known, or has to be expected, to be wrong."
    )
    tradeoffs: list[str] = Field(default=[], description="What was given up for what.")
    ethical_considerations: dict[str, str] = Field(
        default={}, description="Each risk, and what is done about it."
    )
    data: str = Field(
        default="", description="Who is in the data, who collected it, when, and who is not in it."
    )
    references: list[str] = Field(default=[], description="Addresses, of a paper or the data.")
    citation: str = Field(default="", description="How to cite the model or its data.")
    licence: str = Field(default="", description="An SPDX identifier, or the licence in words.")
    contact: str = Field(default="", description="Where to send questions and complaints.")
