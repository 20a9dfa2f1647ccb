"""Files that the project writes and reads again: each says which schema it has."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from claimbench.errors import RecordError

T = TypeVar("T")


def strict_json(text: str) -> Any:
    """Return what JSON text holds; Python's own reader takes NaN and Infinity for numbers.

    Raises
    ------
    ValueError
        When the text is no JSON.
    """

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number of JSON")

    return json.loads(text, parse_constant=refuse)


def of_schema(adapter: TypeAdapter[T], data: Any, schema: int, path: Path, cure: str) -> T:
    """Return what a file of the project held, as `adapter`'s class.

    Raises
    ------
    RecordError
        When it has another schema or a wrong value, which the message names.
    """
    found = data.get("schema") if isinstance(data, dict) else None
    if found != schema:
        raise RecordError(
            f"{path} has a schema this version does not read",
            value=found,
            allowed=f"schema {schema}",
            cure=cure,
        )
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecordError(
            f"{path}: {where}: {first['msg']}", value=first["input"], cure=cure
        ) from error


def finite(number: float | None) -> float | None:
    """Return `number`, or None where JSON has no word for it (infinite, NaN)."""
    return None if number is None or not math.isfinite(number) else float(number)


def plain(value: object) -> object:
    """Return a value as JSON has it: numbers that are not finite are null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return finite(value)
    return value
