"""Claims that mean nothing unless another one holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import CLAIM_TOML, bound, edited, evidence, judged, make

from claimbench.errors import ClaimFileError
from claimbench.record import ClaimRecord

BEATS = 'id = "beats-flat"\n'
REQUIRES = (BEATS, f'{BEATS}requires = ["falls"]\n')
#: A threshold that the slope of -1 does not meet.
UNMET = ("threshold = -0.8", "threshold = -2.0")


def records(root: Path, *changes: tuple[str, str]) -> dict[str, ClaimRecord]:
    paper = bound(make(root, claim__toml=edited(CLAIM_TOML, *changes)))
    return judged(paper, evidence(root, paper))


def test_a_requirement_that_holds_changes_nothing(tmp_path: Path) -> None:
    """The verdict is the claim's own, and the record names what it rests on."""
    plain = records(tmp_path / "plain")["line/beats-flat"]
    found = records(tmp_path / "a", REQUIRES)
    record = found["line/beats-flat"]

    assert (record.verdict, record.reason) == ("reproduced", plain.reason)
    assert record.requires == ["line/falls"]
    assert record.p_value == plain.p_value


def test_an_unmet_requirement_leaves_the_claim_open(tmp_path: Path) -> None:
    """Inconclusive, with the reason first and the effect still shown; it enters no correction."""
    found = records(tmp_path, REQUIRES, UNMET)
    record = found["line/beats-flat"]

    assert found["line/falls"].verdict == "not reproduced"
    assert record.verdict == "inconclusive"
    words = "Means nothing unless line/falls holds, which is not reproduced. "
    assert record.reason.startswith(words)
    assert record.effect is not None
    assert record.p_value is None


def test_selecting_a_claim_selects_what_it_requires(tmp_path: Path) -> None:
    """`-k beats-flat` runs the contenders of `falls` too."""
    paper = bound(make(tmp_path, claim__toml=edited(CLAIM_TOML, REQUIRES)))

    for name in ("steep", "flat"):
        assert "beats-flat" in [claim.id for claim in paper.claims_needing("line", name)]
    assert [claim.id for claim in paper.claims_needing("line", "flatter")] == ["beats-flat"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((BEATS, f'{BEATS}requires = ["rises"]\n'), "requires: 'rises'; allowed: falls"),
        ((BEATS, f'{BEATS}requires = ["beats-flat"]\n'), "requires: 'beats-flat'; allowed: falls"),
    ],
)
def test_unknown_and_circular_requirements_are_refused(
    tmp_path: Path, changes: tuple[str, str], words: str
) -> None:
    """A claim requires claims of its file that require nothing themselves."""
    with pytest.raises(ClaimFileError, match=words):
        bound(make(tmp_path, claim__toml=edited(CLAIM_TOML, changes)))
