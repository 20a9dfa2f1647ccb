"""Pins: what is read from pins.toml, and what is said of the packages installed."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from claimbench.errors import PinError
from claimbench.pins import (
    CORE,
    Pin,
    check,
    install_command,
    installed_version,
    is_pinned,
    read_pins,
    state,
)

ROOT = Path(__file__).parents[2]
PACKAGE = """
[peer]
source = "package"
packages = { pytest = "VERSION" }
extra = "peers"
licence = "MIT"
paper = "Someone, 2020"
call = "pytest.main"
settings = "Nothing to tune."
""".replace("VERSION", importlib.metadata.version("pytest"))
OURS = """
[rule]
source = "ours"
paper = "Someone, 2020"
equation = "(3)"
settings = "Nothing to tune."
"""


def read(folder: Path, text: str) -> dict[str, Pin]:
    file = folder / "pins.toml"
    file.write_text(text)
    return read_pins(file)


def test_both_kinds_of_pin_are_read(tmp_path: Path) -> None:
    """A package's pin has its packages, our own has its equation."""
    pins = read(tmp_path, PACKAGE + OURS)

    assert list(pins) == ["peer", "rule"]
    assert pins["peer"].packages == {"pytest": importlib.metadata.version("pytest")}
    assert pins["rule"].equation == "(3)"
    assert pins["rule"].packages == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            PACKAGE.replace('"package"', '"theirs"'),
            r"peer.source: 'theirs'; allowed: package, ours",
        ),
        (PACKAGE.replace("licence", "license"), r"peer has an unknown key: 'license'.*licence"),
        (PACKAGE.replace('call = "pytest.main"', ""), r"peer lacks a key: 'call'"),
        (PACKAGE.replace('"pytest.main"', '""'), r"peer.call: ''; allowed: some text"),
        (PACKAGE.replace('"pytest.main"', "3"), r"peer.call: 3; allowed: some text"),
        (PACKAGE + 'equation = "(1)"', r"unknown key: 'equation'"),
        (OURS + 'call = "f"', r"rule has an unknown key: 'call'"),
        (OURS.replace('equation = "(3)"', ""), r"rule lacks a key: 'equation'"),
        ("peer = 3", r"peer: 3; allowed: a table"),
        ("[peer", r"is no TOML"),
        (PACKAGE.replace("{ pytest", "{ a = 1, pytest"), r"peer.packages: .*package = \"version\""),
        (
            PACKAGE.replace(f'{{ pytest = "{importlib.metadata.version("pytest")}" }}', "{}"),
            r"peer.packages: \{\}; allowed: at least one package",
        ),
    ],
)
def test_a_malformed_pin_names_file_key_value_and_what_is_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    """Every way to write a pin wrongly has an error of its own, with the file's path."""
    with pytest.raises(PinError, match=message) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "pins.toml") in str(caught.value)


def test_a_missing_file_is_an_error_with_a_cure(tmp_path: Path) -> None:
    """Without pins.toml nothing is pinned, and the error says how to get it back."""
    with pytest.raises(PinError, match=r"can't be read.*git checkout baselines/pins.toml"):
        read_pins(tmp_path / "pins.toml")


def test_a_matching_package_matches(tmp_path: Path) -> None:
    """The installed version is read from the package's metadata."""
    pins = read(tmp_path, PACKAGE + OURS)
    found = importlib.metadata.version("pytest")

    checked = check(pins)
    assert checked["peer"] == {
        "source": "package",
        "paper": "Someone, 2020",
        "call": "pytest.main",
        "settings": "Nothing to tune.",
        "extra": "peers",
        "licence": "MIT",
        "match": True,
        "packages": {"pytest": {"pinned": found, "installed": found, "match": True}},
    }
    assert checked["rule"]["match"] is True
    assert checked["rule"]["equation"] == "(3)"
    assert checked["rule"]["packages"] == {}
    assert state(pins["peer"]) == ({"pytest": found}, None)
    assert state(pins["rule"]) == ({}, None)


def test_another_version_is_a_mismatch_that_runs(tmp_path: Path) -> None:
    """A version that is not the pinned one is recorded as such, and does not stop the contender."""
    found = importlib.metadata.version("pytest")
    pins = read(tmp_path, PACKAGE.replace(found, "0.0.1"))

    assert check(pins)["peer"]["match"] is False
    assert check(pins)["peer"]["packages"]["pytest"]["pinned"] == "0.0.1"
    assert state(pins["peer"]) == ({"pytest": found}, None)


def test_a_missing_package_says_how_to_install_it(tmp_path: Path) -> None:
    """An absent peer is unavailable, with the command that installs it."""
    pins = read(tmp_path, PACKAGE.replace("{ pytest", '{ no-such-peer = "1.0", pytest'))

    installed, why = state(pins["peer"])
    assert installed == {}
    assert why == "no-such-peer not installed; to mend it: pip install -e '.[peers]'"
    assert installed_version("no-such-peer") is None
    assert check(pins)["peer"]["packages"]["no-such-peer"]["installed"] is None
    assert check(pins)["peer"]["match"] is False


class TestTheProjectsPins:
    """baselines/pins.toml itself."""

    pins = read_pins(ROOT / "baselines" / "pins.toml")

    def test_they_agree_with_the_dependencies(self) -> None:
        """What a pin names is what its extra, or the core, installs at the same version."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        offers = {CORE: project["dependencies"], **project["optional-dependencies"]}
        for pin in self.pins.values():
            for package, version in pin.packages.items():
                assert f"{package}=={version}" in offers[pin.extra]

    def test_the_command_that_installs_a_pin_names_its_extra(self) -> None:
        """The core needs no extra; every other package does."""
        for pin in self.pins.values():
            if pin.packages:
                extra = "" if pin.extra == CORE else f"[{pin.extra}]"
                assert install_command(pin.extra).strip("'").endswith(f".{extra}")

    def test_one_command_installs_the_pins_of_several_extras(self) -> None:
        """Each extra once, and the core for nothing else."""
        assert install_command("peers", CORE, "imaging", "peers") == (
            "pip install -e '.[peers,imaging]'"
        )
        assert install_command(CORE) == "pip install -e ."

    def test_every_installed_peer_is_the_pinned_one(self) -> None:
        """The environment of the tests holds the pinned opponents, or none."""
        for pin in self.pins.values():
            for package, version in pin.packages.items():
                found = installed_version(package)
                assert found is None or is_pinned(found, version)

    @pytest.mark.parametrize(
        ("found", "pinned", "same"),
        [
            ("2.13.0", "2.13.0", True),
            ("2.13.0+cpu", "2.13.0", True),
            ("2.13.0+cpu", "2.13.0+cpu", True),
            ("2.13.0", "2.13.0+cpu", False),
            ("2.13.0+cu130", "2.13.0+cpu", False),
            ("2.13.1", "2.13.0", False),
            ("2.13.0.post1", "2.13.0", False),
            (None, "2.13.0", False),
        ],
    )
    def test_a_build_label_counts_where_the_pin_names_one(
        self, *, found: str | None, pinned: str, same: bool
    ) -> None:
        """One release for CPU and for GPU is one version, unless the pin tells them apart."""
        assert is_pinned(found, pinned) is same

    def test_one_licence_for_each_package(self) -> None:
        """A pin of several packages states a licence for each."""
        for pin in self.pins.values():
            if pin.packages:
                assert len(pin.licence.split(", ")) == len(pin.packages), pin.name
