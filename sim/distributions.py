"""How a person writes a distribution in a scenario.

The rule of this module: a distribution is given by exactly one of its sets of parameters, and one
that cannot be is refused in one line, before anything is drawn from it. A plain number is a
constant. Every duration is in seconds; `cv` is the coefficient of variation.

    talk_s: {distribution: lognormal, mean: 120, cv: 1}
    ring_s: {distribution: gamma, mean: 10, shape: 4}
    wrap_up_s: 30
    talk_s:
      distribution: mixture
      parts:
        - {weight: 1, of: {distribution: uniform, low: 1, high: 8}}
        - {weight: 9, of: {distribution: empirical, file: talk_times.csv, column: talk_s}}
"""

import csv
from collections.abc import Mapping
from math import isfinite, log
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from sim.laws import Constant, Empirical, Gamma, Law, Lognormal, Mixture, Uniform, Weibull

MAX_SECONDS = 1e7
"""No duration is longer than about four months; what is longer is a mistake of units."""
MAX_CV = 50.0
MAX_VALUES = 1_000_000

_Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]
_Mean = Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)]
_Cv = Annotated[float, Field(gt=0, le=MAX_CV, allow_inf_nan=False)]
_Shape = Annotated[float, Field(ge=1e-3, le=1e6, allow_inf_nan=False)]
_Weight = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Written(BaseModel):
    """A distribution as written. `law` is what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ways: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """The sets of parameters that define it, one of which must be given."""

    _law: Law = PrivateAttr()

    @property
    def law(self) -> Law:
        return self._law

    @model_validator(mode="after")
    def _understand(self, info: ValidationInfo) -> "_Written":
        given = self.model_fields_set - {"distribution"}
        if self.ways and not any(given == set(way) for way in self.ways):
            kind = getattr(self, "distribution", "")
            what = " and ".join(sorted(given)) or "no parameters"
            choices = ", or ".join(" and ".join(way) for way in self.ways)
            raise ValueError(f"{kind} with {what}; give {choices}")
        law = self._made(info.context or {})
        # Parameters may each be possible and still make a law that no telephone call has.
        if not (isfinite(law.mean) and isfinite(law.cv) and law.mean <= MAX_SECONDS):
            raise ValueError(
                f"its mean is {law.mean:.3g} s with a cv of {law.cv:.3g}; "
                f"keep the mean up to {MAX_SECONDS:.0f} s and the cv finite"
            )
        self._law = law
        return self

    def _made(self, context: Mapping[str, Any]) -> Law:
        raise NotImplementedError

    def _has(self, *names: str) -> bool:
        return self.model_fields_set - {"distribution"} == set(names)


class WrittenConstant(_Written):
    """Always `value`."""

    distribution: Literal["constant"]
    value: _Seconds

    def _made(self, context: Mapping[str, Any]) -> Law:  # noqa: ARG002
        return Constant(self.value)


class WrittenUniform(_Written):
    """Evenly between low and high."""

    ways = (("low", "high"), ("mean", "cv"))

    distribution: Literal["uniform"]
    low: _Seconds = 0.0
    high: _Seconds = 0.0
    mean: _Mean = 1.0
    cv: _Cv = 0.1

    def _made(self, context: Mapping[str, Any]) -> Law:  # noqa: ARG002
        low, high = self.low, self.high
        if self._has("mean", "cv"):
            half = self.mean * self.cv * 3**0.5
            low, high = self.mean - half, self.mean + half
            if low < 0:
                raise ValueError(
                    f"a uniform with cv {self.cv:g} goes below 0; keep cv up to {3**-0.5:.3f}"
                )
        if low >= high:
            raise ValueError(f"low {low:g} is not below high {high:g}; raise high")
        return Uniform(low, high)


class WrittenExponential(_Written):
    """Exponential, by mean or by rate (per second)."""

    ways = (("mean",), ("rate",))

    distribution: Literal["exponential"]
    mean: _Mean = 1.0
    rate: Annotated[float, Field(ge=1 / MAX_SECONDS, allow_inf_nan=False)] = 1.0

    def _made(self, context: Mapping[str, Any]) -> Law:  # noqa: ARG002
        return Gamma(1.0, 1 / self.rate if self._has("rate") else self.mean)


class WrittenGamma(_Written):
    """Gamma, by mean and cv, mean and shape (k), or shape and scale."""

    ways = (("mean", "cv"), ("mean", "shape"), ("shape", "scale"))

    distribution: Literal["gamma"]
    mean: _Mean = 1.0
    cv: _Cv = 1.0
    shape: _Shape = 1.0
    scale: _Mean = 1.0

    def _made(self, context: Mapping[str, Any]) -> Law:  # noqa: ARG002
        if self._has("mean", "cv"):
            return Gamma.of_mean(self.mean, self.cv)
        return Gamma(
            self.shape, self.mean / self.shape if self._has("mean", "shape") else self.scale
        )


class WrittenLognormal(_Written):
    """Lognormal, by mean and cv, median and sigma, or mu and sigma (of the logarithm)."""

    ways = (("mean", "cv"), ("median", "sigma"), ("mu", "sigma"))

    distribution: Literal["lognormal"]
    mean: _Mean = 1.0
    cv: _Cv = 1.0
    median: _Mean = 1.0
    mu: Annotated[float, Field(ge=-20, le=20)] = 0.0
    sigma: Annotated[float, Field(gt=0, le=5)] = 1.0

    def _made(self, context: Mapping[str, Any]) -> Law:  # noqa: ARG002
        if self._has("mean", "cv"):
            return Lognormal.of_mean(self.mean, self.cv)
        if self._has("median", "sigma"):
            return Lognormal(log(self.median), self.sigma)
        return Lognormal(self.mu, self.sigma)


class WrittenWeibull(_Written):
    """Weibull, by mean and cv, mean and shape (k), or shape and scale."""

    ways = (("mean", "cv"), ("mean", "shape"), ("shape", "scale"))

    distribution: Literal["weibull"]
    mean: _Mean = 1.0
    cv: Annotated[float, Field(ge=0.01, le=MAX_CV)] = 1.0
    shape: Annotated[float, Field(ge=0.05, le=1000)] = 1.0
    scale: _Mean = 1.0

    def _made(self, context: Mapping[str, Any]) -> Law:  # noqa: ARG002
        if self._has("mean", "cv"):
            return Weibull.of_mean(self.mean, self.cv)
        if self._has("mean", "shape"):
            return Weibull.of_mean_and_shape(self.mean, self.shape)
        return Weibull(self.shape, self.scale)


class WrittenEmpirical(_Written):
    """What was seen: a list of values, or a file with a number on each line (a CSV's column).

    weights: how often each value of the list counts, once where they are left out.
    file: its path, from the scenario's folder.
    """

    ways = (("values",), ("values", "weights"), ("file",), ("file", "column"))

    distribution: Literal["empirical"]
    values: tuple[_Seconds, ...] = ()
    weights: tuple[_Weight, ...] = ()
    file: str = ""
    column: str = ""

    @model_serializer(mode="wrap")
    def _self_contained(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """With the file's values in its place: what is written down must outlive the file."""
        if self.file and isinstance(self.law, Empirical):
            return {"distribution": "empirical", "values": self.law.values}
        written: dict[str, Any] = plain(self)
        return written

    def _made(self, context: Mapping[str, Any]) -> Law:
        if self.file:
            folder: Path = context.get("folder", Path())
            return Empirical(_numbers_in(folder / self.file, self.file, self.column))
        if not self.values:
            raise ValueError("no values; give one at least")
        if self.weights and len(self.weights) != len(self.values):
            raise ValueError(
                f"{len(self.weights)} weights for {len(self.values)} values; give one for each"
            )
        if self.weights and not sum(self.weights):
            raise ValueError("all weights are 0; give one above 0")
        return Empirical(self.values, self.weights)


class Part(BaseModel):
    """A part of a mixture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: _Weight
    of: "Distribution"


class WrittenMixture(_Written):
    """One of its parts, in proportion to their weights."""

    distribution: Literal["mixture"]
    parts: tuple[Part, ...]

    def _made(self, context: Mapping[str, Any]) -> Law:  # noqa: ARG002
        if not self.parts:
            raise ValueError("no parts; give one at least")
        weights = [part.weight for part in self.parts]
        if not sum(weights):
            raise ValueError("all weights are 0; give one above 0")
        return Mixture([part.of.law for part in self.parts], weights)


def _number_is_a_constant(given: Any) -> Any:
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return {"distribution": "constant", "value": given}
    if isinstance(given, (dict, _Written)):
        return given
    raise ValueError(
        f"{given!r} is no distribution; "
        "write a number, or as {distribution: lognormal, mean: 120, cv: 1}"
    )


_Any = Annotated[
    WrittenConstant
    | WrittenUniform
    | WrittenExponential
    | WrittenGamma
    | WrittenLognormal
    | WrittenWeibull
    | WrittenEmpirical
    | WrittenMixture,
    Field(discriminator="distribution"),
]

Distribution = Annotated[
    _Any, BeforeValidator(_number_is_a_constant, json_schema_input_type=_Number | _Any)
]
"""A number, or one of the written distributions."""

Part.model_rebuild()
WrittenMixture.model_rebuild()


def _numbers_in(path: Path, name: str, column: str) -> list[float]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.reader(lines))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ValueError(f"{name} cannot be read: {reason}; check its path") from None
    place, first = 0, 1
    if column:
        header = [cell.strip() for cell in rows[0]] if rows else []
        if column not in header:
            raise ValueError(f"{name} has no column {column!r}; it has {', '.join(header)}")
        place, first, rows = header.index(column), 2, rows[1:]
    values = []
    for line, row in enumerate(rows, first):
        cell = row[place].strip() if place < len(row) else ""
        if cell:
            values.append(_number(cell, f"{name} line {line}"))
    if not values or len(values) > MAX_VALUES:
        raise ValueError(f"{name} has {len(values)} values; give from 1 to {MAX_VALUES}")
    return values


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_SECONDS:
        raise ValueError(f"{where}: {cell!r} is no duration; write seconds, from 0")
    return value
