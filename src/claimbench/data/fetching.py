"""Fetch data sets from a DVC remote: what is missing, and what is damaged."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from claimbench.data.listing import FOLDER, read_data_pins
from claimbench.data.loading import check
from claimbench.data.remote import pull
from claimbench.errors import DataError


def fetch(root: Path) -> None:
    """Fetch what is missing or changed.

    DVC overwrites no file that it has no copy of, and a damaged file is one: it is put aside, and
    back where the pull fails.

    Raises
    ------
    DataError
        As `pull` does.
    """
    changed = [
        name
        for name, pin in read_data_pins(root).files.items()
        if (root / FOLDER / name).is_file() and check(root, name, pin) is not None
    ]
    scratch = root / "build"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="changed-") as aside:
        places = [
            (root / FOLDER / name, Path(aside) / str(number)) for number, name in enumerate(changed)
        ]
        for file, kept in places:
            shutil.move(file, kept)
        try:
            pull(root)
        except DataError:
            for file, kept in places:
                file.parent.mkdir(parents=True, exist_ok=True)  # DVC removes empty folders
                shutil.move(kept, file)
            raise
