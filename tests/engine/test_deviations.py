"""What a paper's sources mark as departures from the paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimbench.checkout import PaperFiles
from claimbench.deviations import deviations, marked


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"""Do.\n\nDeviation: half as\nbig. It\n  helps.\n\nEnd."""', ["half as big. It helps."]),
        ('f = 1\n"""Do. Deviation: 1e-3,\n    not 1e-4."""\nx = 1', ["1e-3, not 1e-4."]),
        ("# All. Deviation: 500\n# steps.\nx = 1\n", ["500 steps."]),
        ("#: A constant. Deviation: ours\n#: is 1.\nx = 1\n", ["ours is 1."]),
        ("# Deviation: one.\n\n# Deviation: two.\n", ["one.", "two."]),
        ("x = 1  # no deviation: none\n", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_run_to_the_end_of_their_paragraph(text: str, told: list[str]) -> None:
    """In docstrings to an empty line or the closing quotes, in comments to the last of them."""
    assert list(marked(text)) == told


def test_shared_code_and_opponents_are_asked_too(tmp_path: Path) -> None:
    """The paper's files come first; siblings count where they are imported and are no papers."""
    for name, text in {
        "suite/d/p/claim.toml": "# Deviation: fewer steps.\n",
        "suite/d/p/method.py": 'from ..shared.nets import net\n\n"""Deviation: smaller."""\n',
        "suite/d/shared/nets.py": "# Deviation: narrow.\n",
        "suite/d/unused/nets.py": "# Deviation: of nobody.\n",
        "suite/d/other/claim.toml": "",
        "suite/d/other/method.py": "# Deviation: another paper's.\n",
        "baselines/d/p.py": "# Deviation: slower.\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert list(deviations(PaperFiles(tmp_path, "d", "p"))) == [
        ("suite/d/p/claim.toml", "fewer steps."),
        ("suite/d/p/method.py", "smaller."),
        ("suite/d/shared/nets.py", "narrow."),
        ("baselines/d/p.py", "slower."),
    ]
