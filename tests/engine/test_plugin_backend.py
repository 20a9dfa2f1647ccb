"""The words on the command line about where evidence is made."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import toy

from claimbench.errors import UsageError
from claimbench.plugin import backend
from claimbench.plugin.backend import Cluster


def option(**changes: Any) -> SimpleNamespace:
    """Return what pytest has read, where only `changes` were typed."""
    typed = {"backend": "local", "scheduler": None, "mixed": False, "workers": None}
    typed |= {"candidates": [], **changes}
    return SimpleNamespace(**{f"claimbench_{name}": value for name, value in typed.items()})


DASK = {"backend": "dask", "scheduler": "tcp://here:1"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            {"backend": "daks"},
            r"unknown backend: 'daks'; allowed: local, dask; did you mean 'dask'\?",
        ),
        ({"backend": "dask"}, r"does not say where.*allowed: --scheduler ADDRESS.*--scheduler tcp"),
        ({"scheduler": "tcp://here:1"}, r"--scheduler is for a cluster.*to mend it:.*backend dask"),
        ({"mixed": True}, r"--mixed is for a cluster: '--backend local'; allowed: --backend dask"),
        (
            {**DASK, "candidates": ["a/b=c.py:d"]},
            r"where its file is: 'a/b=c.py:d'.*without --b",
        ),
        ({**DASK, "workers": 2}, r"--workers is for this machine.*dask worker tcp://here:1"),
    ],
)
def test_words_that_do_not_fit_are_refused(typed: dict[str, Any], said: str) -> None:
    """With what is allowed and what to type."""
    with pytest.raises(UsageError, match=said):
        Cluster.of(option(**typed))


def test_without_the_package_the_command_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is collected."""
    monkeypatch.setattr(backend, "find_spec", lambda name: None)

    with pytest.raises(UsageError, match=r"'distributed'.*pip install -e '.\[dask\]'"):
        Cluster.of(option(**DASK))


def test_the_record_s_command_holds_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record names no host, in either way of writing the option."""
    monkeypatch.setattr(backend, "find_spec", lambda name: name)
    cluster = Cluster.of(option(**DASK))

    assert cluster is not None
    assert cluster.nameless("--scheduler=tcp://here:1") == "--scheduler=ADDRESS"
    assert cluster.nameless("tcp://here:1") == "ADDRESS"
    assert Cluster.of(option()) is None


@pytest.mark.exam
def test_a_scheduler_that_is_not_there_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    """With exit code 4 and the command that starts one; no record is written."""
    pytest.importorskip("distributed", reason="pip install -e '.[dask]'")
    root = toy.make(tmp_path)
    words = ("--backend", "dask", "--scheduler", "tcp://127.0.0.1:1")
    done = toy.run(root, "suite", "--benchmark-only", *words)

    assert done.returncode == 4, done.stdout
    assert "no Dask scheduler answers" in done.stdout + done.stderr
    assert "to mend it: dask scheduler" in done.stdout + done.stderr
    assert toy.records(root) == []
