"""The documentation's code is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import toy

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"\*\*`(?P<path>[^`]+)`\*\*\n\n```\w+\n(?P<text>.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The claim of docs/write_a_claim.md in a checkout of its own."""
    root = tmp_path_factory.mktemp("docs")
    for block in BLOCK.finditer((DOCS / "write_a_claim.md").read_text()):
        path = root / block["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["text"])
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (root / "baselines").mkdir()
    (root / "baselines" / "pins.toml").touch()
    return root


def test_the_example_of_write_a_claim_is_reproduced_and_its_control_is_not(checkout):
    """The four files of docs/write_a_claim.md run as written and give the verdict it promises."""
    done = toy.bench(checkout)

    assert done.returncode == 0, done.stdout
    [record] = toy.records(checkout)
    [claim] = record["claims"]
    assert claim["id"] == "nesterov/inverse-square"
    assert claim["verdict"] == "reproduced"
    assert claim["control"]["verdict"] == "not reproduced"
    assert re.search(r"nesterov/inverse-square \*?\s+reproduced", done.stdout)


def test_dropping_the_momentum_of_the_example_changes_its_verdict(checkout):
    """The method of docs/write_a_claim.md without its key line no longer meets the claim."""
    method = checkout / "suite" / "optimization" / "nesterov" / "method.py"
    method.write_text(method.read_text().replace("(previous_t - 1) / t * (x - previous)", "0 * x"))
    done = toy.bench(checkout)

    assert done.returncode == 0, done.stdout
    assert toy.records(checkout)[-1]["claims"][0]["verdict"] == "not reproduced"
