"""The templates and the style that all pages share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent


def environment() -> Environment:
    """Return the environment of the pages: everything that enters one is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        autoescape=True,
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def style(*names: str) -> Any:
    """Return style sheets of this folder as they stand."""
    from markupsafe import Markup

    sheets = [(_FOLDER / name).read_text(encoding="utf-8") for name in names]
    return Markup("".join(sheets))  # noqa: S704  our own files
