"""claim.toml, read without importing anything, or refused with file, key, value and cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import CLAIM_TOML, edited

from claimbench.claim_file import ClaimFile, read_claim_file
from claimbench.errors import ClaimFileError


def read(folder: Path, *changes: tuple[str, str]) -> ClaimFile:
    path = folder / "claim.toml"
    path.write_text(edited(CLAIM_TOML, *changes))
    return read_claim_file(path)


def test_a_claim_file_holds_what_it_says(tmp_path: Path) -> None:
    """Paper, experiments and claims are read as they stand, defaults filled in."""
    file = read(tmp_path)

    assert file.paper.title == "A straight line"
    assert file.paper.authors == ("A. Author",)
    assert list(file.experiments) == ["line"]
    falls, beats = file.claims
    assert (falls.id, falls.kind, falls.threshold, falls.margin) == ("falls", "rate", -0.8, 0.1)
    assert (falls.against, falls.scale, falls.primary) == ((), "exact", True)
    assert falls.control.contender == "flat"
    assert beats.where == {"T": [2, 4]}
    assert beats.contenders == ("steep", "flat", "flatter")


def test_a_claim_is_found_by_its_id(tmp_path: Path) -> None:
    """An unknown id is answered with those that exist."""
    file = read(tmp_path)

    assert file.claim("falls").id == "falls"
    with pytest.raises(ClaimFileError, match="'fall'; allowed: falls, beats-flat; did you mean"):
        file.claim("fall")


def test_the_method_at_other_settings_may_be_the_control(tmp_path: Path) -> None:
    """A heavier noise may play the control's part."""
    file = read(tmp_path, ('control = "flat"\n', "control = { where = { T = 1 } }\n"))

    assert file.claim("falls").subject_of_control == "steep"
    assert file.claim("falls").contenders == ("steep",)


BROKEN = {
    "unknown kind": (
        [('kind = "rate"', 'kind = "rat"')],
        r"claim\[0\] \(falls\).kind: 'rat'; allowed: superiority, .*did you mean 'rate'",
    ),
    "missing estimand": (
        [('estimand = "growth"\n', "")],
        r"claim\[0\] \(falls\).estimand is missing",
    ),
    "duplicate id": (
        [('id = "beats-flat"', 'id = "falls"')],
        "two claims have one id: 'falls'",
    ),
    "impossible id": (
        [('id = "falls"', 'id = "Falls fast"')],
        "'Falls fast'; allowed: lower-case words",
    ),
    "unknown key": (
        [('unit = "nats"', 'unit = "nats"\nunits = "nats"')],
        r"unknown key claim\[1\] \(beats-flat\).units: 'units'; .*did you mean 'unit'",
    ),
    "unknown table": ([("[paper]", "[papers]")], "unknown key papers.*did you mean 'paper'"),
    "no experiment": (
        [('experiment = "line"\nestimand = "growth"', 'experiment = "lime"\nestimand = "growth"')],
        "experiment is not defined: 'lime'; allowed: line; did you mean 'line'",
    ),
    "missing threshold": ([("threshold = -0.8\n", "")], "threshold is missing; allowed: a number"),
    "threshold of a comparison": (
        [('unit = "nats"', 'unit = "nats"\nthreshold = 1')],
        "threshold has no meaning for kind 'superiority'",
    ),
    "no margin of a comparison": (
        [('margin = 0.1\ncontrol = "flatter"', 'control = "flatter"')],
        "margin: 0.0; allowed: a positive number",
    ),
    "negative margin": (
        [('margin = 0.1\ncontrol = "flat"\n', 'margin = -1\ncontrol = "flat"\n')],
        "margin: -1.0; allowed: zero or more",
    ),
    "control is an opponent": (
        [('control = "flatter"', 'control = "flat"')],
        "control is its claim's own opponent, so its effect is zero.*'flat'",
    ),
    "control is an opponent elsewhere": (
        [('control = "flatter"', 'control = { contender = "flat", where = { T = 1 } }')],
        "control is its claim's own opponent",
    ),
    "control is the method": (
        [('control = "flatter"', 'control = "steep"')],
        "control is the claim's own method: 'steep'",
    ),
    "method is an opponent": (
        [('against = ["flat"]', 'against = ["flat", "steep"]')],
        "against names the claim's own method",
    ),
    "control names nothing": (
        [('control = "flatter"', "control = {}")],
        "control names nothing",
    ),
    "scale without a reason": (
        [('unit = "nats"', 'unit = "nats"\nscale = "proxy"')],
        "scale_reason is missing; allowed: why a proxy scale",
    ),
    "wrong type": (
        [('margin = 0.1\ncontrol = "flat"\n', 'margin = "wide"\ncontrol = "flat"\n')],
        "margin: 'wide'",
    ),
    "year missing": ([("year = 2020\n", "")], "paper.year is missing"),
}


@pytest.mark.parametrize(("changes", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_claim_file_is_refused(
    tmp_path: Path, changes: list[tuple[str, str]], message: str
) -> None:
    """The message names the file, the key, the value and what is allowed."""
    with pytest.raises(ClaimFileError, match=message) as raised:
        read(tmp_path, *changes)
    assert str(tmp_path / "claim.toml") in str(raised.value)


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    """A paper without claim.toml is no traceback."""
    with pytest.raises(ClaimFileError, match=r"can't be read.*write_a_claim"):
        read_claim_file(tmp_path / "claim.toml")


def test_what_is_no_toml_is_said_with_its_line(tmp_path: Path) -> None:
    """A syntax error names file and line."""
    with pytest.raises(ClaimFileError, match=r"claim.toml is no TOML .*line 2"):
        read(tmp_path, ("[paper]", "[paper"))


def test_a_file_without_experiments_is_refused(tmp_path: Path) -> None:
    """There is nothing to run without an experiment."""
    path = tmp_path / "claim.toml"
    path.write_text('[paper]\ntitle = "T"\nauthors = ["A"]\nyear = 2020\n')

    with pytest.raises(ClaimFileError, match=r"no \[experiment.NAME\] table"):
        read_claim_file(path)


def test_one_claim_table_is_told_to_be_a_list(tmp_path: Path) -> None:
    """[claim] for [[claim]] is a common slip with an answer of its own."""
    path = tmp_path / "claim.toml"
    path.write_text(
        edited(CLAIM_TOML, ("[[claim]]", "[claim]")).partition('[claim]\nid = "beats')[0]
    )

    with pytest.raises(ClaimFileError, match=r"claim is no list of tables; allowed: \[\[claim\]\]"):
        read_claim_file(path)
