"""PromQL, evaluated over series in memory: formulas for pacing and seizing.

The rule of this package: the same formula on the same samples gives the same answer here, on a
Prometheus server, and in the simulator. See docs/formulas.md.
"""

from dialer.promql.context import Limits
from dialer.promql.formula import Explained, Formula, compile_formula, judged, semantics_of
from dialer.promql.results import (
    Matrix,
    Notes,
    Number,
    Points,
    Result,
    Sample,
    Scalar,
    String,
    Vector,
    number_text,
    result_text,
)
from dialer.promql.series import Series, SeriesStore

__all__ = [
    "Explained",
    "Formula",
    "Limits",
    "Matrix",
    "Notes",
    "Number",
    "Points",
    "Result",
    "Sample",
    "Scalar",
    "Series",
    "SeriesStore",
    "String",
    "Vector",
    "compile_formula",
    "judged",
    "number_text",
    "result_text",
    "semantics_of",
]
