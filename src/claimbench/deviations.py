"""Where a paper's code departs from the paper: the sentences that its sources mark.

A comment or docstring says ``Deviation:`` and then, up to the next empty line, what is done
otherwise and what comes of it. They are gathered when a record is made, so that its report needs
no sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from claimbench.checkout import PaperFiles

_MARK = "Deviation:"
_SIBLING = re.compile(r"^\s*(?:from|import) +(?:\.\.|suite\.\w+\.)(\w+)", re.MULTILINE)


def deviations(files: PaperFiles) -> Iterator[tuple[str, str]]:
    """Yield (file below the checkout, sentence) of a paper's own code, then of its opponents'.

    Its own code is its folder and what it imports of code that its domain shares.
    """
    own = sorted([*files.folder.glob("*.py"), files.claim_toml])
    sources = {path: path.read_text(encoding="utf-8") for path in own if path.is_file()}
    named = {name for text in sources.values() for name in _SIBLING.findall(text)}
    beside = (files.folder.parent / name for name in sorted(named - {files.slug}))
    shared = [folder for folder in beside if not (folder / "claim.toml").exists()]
    others = [path for folder in shared for path in sorted(folder.glob("*.py"))]
    pins = files.root / "baselines" / files.domain / f"{files.slug}.py"
    others += [pins] if pins.is_file() else []
    sources |= {path: path.read_text(encoding="utf-8") for path in others}
    for path, text in sources.items():
        for sentence in marked(text):
            yield path.relative_to(files.root).as_posix(), sentence


def marked(text: str) -> Iterator[str]:
    """Yield what a source says after each ``Deviation:``, on one line."""
    for before, after in pairwise(text.split(_MARK)):
        line = before.rpartition("\n")[2]
        in_comment = "#" in line
        words: list[str] = []
        for index, row in enumerate(after.split("\n")):
            if index and in_comment and not row.lstrip().startswith("#"):
                break
            shown, end, _ = row.partition('"""')
            shown = shown.strip().lstrip("#:" if in_comment else "").strip()
            if index and not shown:
                break
            words.append(shown)
            if end:
                break
        sentence = " ".join(" ".join(words).split())
        if sentence:
            yield sentence
