"""A checkout with one paper, `toy/paper`, whose data two lines of code build."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

from claimbench import data

PAPER = "toy/paper"
NAME = "toy/paper/numbers.npy"
TEXT = "toy/paper/sub/ä b.txt"
BUILDER = """
    import numpy as np

    def build(folder):
        np.save(folder / "numbers.npy", np.arange(6.0).reshape(2, 3))
        (folder / "sub").mkdir()
        (folder / "sub" / "ä b.txt").write_bytes(b"x\\r\\n")
"""


def write_builder(root: Path, source: str, paper: str = PAPER) -> None:
    """Write a paper's data.py."""
    folder = root / "suite" / paper
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claim.toml").write_text("")
    (folder / "data.py").write_text(textwrap.dedent(source))


def toy_checkout(root: Path) -> Path:
    """Make a checkout whose data is neither built nor pinned."""
    (root / "pyproject.toml").write_text("")
    write_builder(root, BUILDER)
    return root


def built_checkout(root: Path) -> Path:
    """Make a checkout whose data is built and pinned."""
    data.build(toy_checkout(root), update=True)
    return root


def flip_last_byte(file: Path) -> None:
    """Damage a file in place."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def sha256(file: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
