"""``--until-decided`` as a user meets it: the terminal, the record, the report, what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from toy import CLAIM_TOML, bench, edited, make
from toy import records as records_of

from claimbench.errors import UsageError
from claimbench.plugin.options import Options


def test_the_session_tells_what_was_looked_at(tmp_path: Path) -> None:
    """The terminal says how many replicates were enough, record and report how claims stand."""
    root = make(
        tmp_path,
        claim__toml=edited(CLAIM_TOML, ("replicates = 6\nblock = 3", "replicates = 10\nblock = 5")),
    )
    first = bench(root, "--until-decided")
    (record,) = records_of(root)

    assert first.returncode == 0, first.stdout
    assert "at most, for experiments may end early" in first.stdout
    assert (
        "until decided: 1 of 1 experiments that were looked at ended early; 5 of 10 replicates,"
        " each interval at 98.75%" in first.stdout
    )
    assert record["until_decided"] is True
    assert record["complete"] is True
    assert [claim["look"] for claim in record["claims"]] == 2 * [
        {"number": 1, "sizes": [5, 10], "ended": "decided", "reason": ""}
    ]
    assert record["papers"][0]["experiments"]["line"]["replicates"] == 10
    (report,) = (root / "reports").rglob("*.html")
    assert "Look 1 of 2, at 5 of 10 replicates." in report.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"profile": "smoke"},
            "--until-decided at a profile that judges nothing: 'smoke'; allowed: standard or full;",
        ),
        ({"gate": True}, "--until-decided with --gate; allowed: one of them: accepted results"),
    ],
)
def test_where_nothing_could_be_decided_it_is_refused(words: dict[str, Any], message: str) -> None:
    """With what is allowed, and the command."""
    given = {
        "profile": "standard", "workers": 1, "replicates": None, "gate": False,
        "until_decided": True, "device": "cpu", **words,
    }  # fmt: skip
    option = SimpleNamespace(**{f"claimbench_{name}": value for name, value in given.items()})
    with pytest.raises(UsageError) as raised:
        Options.of(SimpleNamespace(option=option))  # type: ignore[arg-type]

    assert str(raised.value).startswith(message)
    assert "to mend it: pytest suite --benchmark-only" in str(raised.value)
