"""Write what was rendered: aside first, then renamed, so that a reader never sees half of it."""

from __future__ import annotations

from pathlib import Path

from claimbench.aside import written
from claimbench.errors import RecordError


def write_text(text: str, file: Path) -> Path:
    """Write a file, making its folder.

    Raises
    ------
    RecordError
        When it can't be written.
    """
    try:
        with written(file) as opened:
            opened.write(text.encode())
    except OSError as error:
        raise RecordError(
            f"{file.name} can't be written ({error.strerror})",
            value=str(file),
            allowed="a file in a folder you may write",
            cure="the same command with --out FOLDER, or another FILE",
        ) from error
    return file
