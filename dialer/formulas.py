"""Formulas that ship: each with its text, what it gives, when to use it, and what to beware of.

The rule of this module: a formula that ships compiles, and has a name that no one can take for
PromQL of the catalogue. It is data: a person reads the file and copies the text.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dialer.documents import Document, problems
from dialer.errors import ConfigError, FormulaError
from dialer.promql import compile_formula


class ShippedFormula(BaseModel):
    """One file of config/formulas.

    gives: calls in flight per reserved agent; or calls in progress to reach; or agents to reserve.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    gives: Literal["calls_per_reserved_agent", "calls_in_progress", "agents_to_reserve"]
    about: str = Field(min_length=1)
    when_to_use: str = Field(min_length=1)
    caution: str = Field(min_length=1)
    formula: str = Field(min_length=1, max_length=4096)

    @field_validator("formula")
    @classmethod
    def _it_compiles(cls, text: str) -> str:
        try:
            compile_formula(text)
        except FormulaError as error:
            raise ValueError(str(error)) from None
        return text.strip()

    @property
    def per(self) -> Literal["reserved_agent", "absolute"]:
        """The setting of that name of a predictive Init node."""
        return "absolute" if self.gives == "calls_in_progress" else "reserved_agent"


def load_formula(text: str, name: str) -> ShippedFormula:
    """A formula's file. name: what errors call it.

    Raises:
        ConfigError: it is not one, or its text is no PromQL.
    """
    document = Document.load(text, name, ConfigError)
    try:
        return ShippedFormula.model_validate(document.data)
    except ValidationError as error:
        raise problems(error, document, ConfigError)[0] from None
