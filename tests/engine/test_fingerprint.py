"""The machine as far as it decides bits and seconds."""

from __future__ import annotations

import getpass
import json
import os
import platform
from pathlib import Path

import pytest

from claimbench.errors import UsageError
from claimbench.evidence.packages import versions
from claimbench.fingerprint import check_device, fingerprint, fingerprint_id


def test_the_fingerprint_tells_what_decides_bits() -> None:
    """CPU, cores, threads, BLAS and the versions of the numeric libraries."""
    found = fingerprint()

    assert {"cpu", "cores", "threads", "blas", "python", "numpy", "scipy", "torch"} <= set(found)
    assert found["threads"] == 1
    assert found["torch"].startswith("2.")
    assert found["gpu"] is None


def test_the_fingerprint_names_no_host_and_no_path() -> None:
    """Records are published."""
    text = json.dumps(fingerprint())

    assert platform.node() not in text
    assert os.sep + "home" not in text
    assert str(Path.cwd()) not in text
    assert f"/{getpass.getuser()}" not in text


def test_one_machine_has_one_number() -> None:
    """Twelve digits, the same each time."""
    assert fingerprint_id() == fingerprint_id()
    assert len(fingerprint_id()) == 12


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cpu0", ""])
def test_an_unknown_device_is_refused(device: str) -> None:
    """With the devices that there are words for."""
    with pytest.raises(UsageError, match=r"unknown device.*allowed: cpu, cuda, cuda:N"):
        check_device(device)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that are, and the command that shows what torch sees."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)

    check_device("cpu")
    check_device("cuda")
    check_device("cuda:0")
    with pytest.raises(UsageError, match=r"no such device: 'cuda:1'; allowed: cpu, cuda:0.*doctor"):
        check_device("cuda:1")


def test_a_package_that_is_not_there_has_no_version() -> None:
    """Absence is told, not hidden."""
    assert versions("no-such-package-here")["no-such-package-here"] == "not installed"
