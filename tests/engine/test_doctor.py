"""``claimbench doctor``: what is installed, pinned, missing; device; data; claims."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from toy import CLAIM_TOML, PIN, edited, make

from claimbench.cli import main
from claimbench.cli.doctor import Finding, examine


def found(root: Path) -> dict[str, Finding]:
    return {one.subject: one for one in examine(root)}


def test_a_healthy_checkout_is_all_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0; versions, machine, data and each paper's claims are told."""
    monkeypatch.chdir(make(tmp_path))

    assert main(["doctor"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok") for line in lines[1:])
    assert any(f"torch     {version('torch')}" in line for line in lines)
    assert any("toy/line" in line and "2 claims" in line for line in lines)


def test_a_missing_peer_is_told_with_its_cure(tmp_path: Path) -> None:
    """Which package, what was pinned, and the command that installs it."""
    root = make(tmp_path)
    (root / "baselines" / "pins.toml").write_text(PIN)

    peer = found(root)["no-such-package-here"]

    assert not peer.healthy
    assert peer.state == "not installed, pinned 1.0: contenders such as absent-peer"
    assert peer.cure == "pip install -e '.[peers]'"


def test_another_version_than_the_pinned_one_is_told(tmp_path: Path) -> None:
    """It runs, and is a mismatch."""
    root = make(tmp_path)
    (root / "baselines" / "pins.toml").write_text(PIN.replace("no-such-package-here", "numpy"))

    assert found(root)["numpy"].state.startswith(version("numpy"))
    assert [one for one in examine(root) if one.subject == "numpy" and not one.healthy]


def test_whatever_is_broken_is_one_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pins, data and claims; exit 2, and all of it as JSON for scripts."""
    root = make(tmp_path, claim__toml=edited(CLAIM_TOML, ('kind = "rate"', 'kind = "rat"')))
    (root / "baselines" / "pins.toml").write_text("[")
    (root / "datasets").mkdir()
    (root / "datasets" / "stranger.npy").touch()
    monkeypatch.chdir(root)

    assert main(["doctor", "--json"]) == 2

    broken = {
        one["subject"]: one["state"]
        for one in json.loads(capsys.readouterr().out)
        if not one["healthy"]
    }
    assert set(broken) == {"pins", "datasets", "toy/line"}
    assert "is no TOML" in broken["pins"]
    assert "stranger.npy is not pinned" in broken["datasets"]
    assert "did you mean 'rate'?" in broken["toy/line"]


def test_a_broken_listing_of_the_data_is_a_finding(tmp_path: Path) -> None:
    """The doctor does not fall ill himself."""
    root = make(tmp_path)
    (root / "datasets.dvc").write_text("outs: 3")

    assert not found(root)["datasets"].healthy
