"""Errors come out of a worker process as they went in."""

import pickle

import pytest

from dialer.errors import FlowError, FormulaSyntaxError, InputError


@pytest.mark.parametrize(
    "error",
    [
        FlowError("flow.yaml:3", "no trunk", "add one"),
        FormulaSyntaxError("unexpected )", 7, "a number", "remove it"),
        FormulaSyntaxError("it ends too soon"),
    ],
)
def test_an_error_is_the_same_on_the_other_side(error: InputError) -> None:
    came = pickle.loads(pickle.dumps(error))
    assert type(came) is type(error)
    assert (str(came), vars(came)) == (str(error), vars(error))
