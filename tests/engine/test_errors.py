"""Every error says what was wrong, the value found, what is allowed and what mends it."""

from __future__ import annotations

import pickle

import pytest

from claimbench import errors
from claimbench.errors import CandidateError, ClaimbenchError, ClaimFileError, UsageError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ClaimbenchError)
]


def test_a_message_holds_its_four_parts_in_order() -> None:
    """What was wrong, the value found, what is allowed, what mends it."""
    error = ClaimFileError("the kind is unknown", value="rat", allowed=("rate", "bound"), cure="ed")

    assert str(error) == (
        "the kind is unknown: 'rat'; allowed: rate, bound; did you mean 'rate'?; to mend it: ed"
    )


def test_parts_that_are_not_there_leave_no_trace() -> None:
    """A message of one part is that part."""
    assert str(ClaimFileError("claim.toml is empty")) == "claim.toml is empty"


def test_an_allowed_phrase_is_not_taken_for_names() -> None:
    """A phrase is shown as it is, and nothing near it is proposed."""
    assert str(ClaimFileError("n", value=0, allowed="1")) == "n: 0; allowed: 1"


def test_nothing_to_choose_from_is_said() -> None:
    """An empty choice is no empty string."""
    assert str(ClaimFileError("pin", value="x", allowed=[])) == (
        "pin: 'x'; allowed: nothing: none exist"
    )


def test_a_generator_of_names_is_kept() -> None:
    """The names allowed can be read after the message was made."""
    error = ClaimFileError("name", value="b", allowed=(name for name in "ac"))

    assert error.allowed == ["a", "c"]
    assert "allowed: a, c" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_way_from_a_worker(kind: type[ClaimbenchError]) -> None:
    """Unpickled, an error has its type, its parts and its message."""
    error = kind("what", value=(1, 2), allowed=["x", "y"], cure="do it")

    found = pickle.loads(pickle.dumps(error))

    assert type(found) is kind
    assert str(found) == str(error)
    assert (found.value, found.allowed, found.cure) == ((1, 2), ["x", "y"], "do it")


def test_only_a_word_of_the_command_line_has_exit_code_four() -> None:
    """Usage is 4, as pytest's; all else is 2."""
    assert {kind for kind in KINDS if kind.exit_code == 4} == {UsageError, CandidateError}
    assert {kind.exit_code for kind in KINDS} == {2, 4}
