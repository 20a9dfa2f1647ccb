"""Pins: where each comparator comes from, and whether the one installed is the one pinned.

``baselines/pins.toml`` has one table for each pin. A comparator of a third party names its
packages with their versions; one of our own names the equation it implements.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, get_args

from claimbench.errors import PinError

#: The `extra` of an opponent that claimbench itself is built on: torch's own optimisers, say.
CORE = "core"

Source = Literal["package", "ours"]
SOURCES: tuple[Source, ...] = get_args(Source)

_TEXT = ("source", "paper", "call", "settings", "equation", "extra", "licence")
_NEEDED: dict[Source, tuple[str, ...]] = {
    "package": ("source", "paper", "call", "settings", "packages", "extra", "licence"),
    "ours": ("source", "paper", "equation", "settings"),
}


@dataclass(frozen=True, slots=True)
class Pin:
    """One comparator.

    Attributes
    ----------
    source
        ``package`` (a third party's code) or ``ours``.
    paper
        Where the comparator was published.
    settings
        What is fixed, what is tuned over which grid, and the budget of one solve.
    call
        The function of the package that is called; empty for our own.
    equation
        The equation of the paper that our own implements; empty for a package's.
    packages
        Package -> version; empty for our own.
    extra
        The optional dependencies of claimbench that install the packages, or `CORE`.
    licence
        SPDX identifiers of the packages, in their order.
    """

    name: str
    source: Source
    paper: str
    settings: str
    call: str
    equation: str
    packages: Mapping[str, str]
    extra: str
    licence: str


def read_pins(path: Path) -> dict[str, Pin]:
    """Read and validate ``pins.toml``: name -> pin.

    Raises
    ------
    PinError
        When the file is missing or no TOML, or a pin lacks a key, has one too many, or a value
        of the wrong kind.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PinError(
            f"the pins can't be read ({error.strerror})",
            value=str(path),
            cure="git checkout baselines/pins.toml",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise PinError(f"{path} is no TOML ({error})", cure="edit the line it names") from error
    return {name: _pin(path, name, table) for name, table in tables.items()}


def _pin(path: Path, name: str, table: Any) -> Pin:
    if not isinstance(table, dict):
        raise PinError(f"{path}: {name}", value=table, allowed="a table, [name]")
    source = table.get("source")
    if source not in SOURCES:
        raise PinError(f"{path}: {name}.source", value=source, allowed=SOURCES)
    needed = _NEEDED[source]
    for key in table:
        if key not in needed:
            raise PinError(f"{path}: {name} has an unknown key", value=key, allowed=needed)
    for key in needed:
        if key not in table:
            raise PinError(f"{path}: {name} lacks a key", value=key, allowed=needed)
    text = {key: table.get(key, "") for key in _TEXT}
    for key, value in text.items():
        if not isinstance(value, str) or (key in needed and not value.strip()):
            raise PinError(f"{path}: {name}.{key}", value=value, allowed="some text")
    packages = table.get("packages", {})
    if not isinstance(packages, dict) or not all(isinstance(v, str) for v in packages.values()):
        raise PinError(
            f"{path}: {name}.packages", value=packages, allowed='{ package = "version" }'
        )
    if source == "package" and not packages:
        raise PinError(f"{path}: {name}.packages", value=packages, allowed="at least one package")
    return Pin(name=name, packages=packages, **text)


def is_pinned(found: str | None, pinned: str) -> bool:
    """Tell whether a version is the pinned one.

    A build's label (``+cpu``, ``+cu130``) is no part of a release: it counts only where the pin
    names one.
    """
    if found is None:
        return False
    return found == pinned or ("+" not in pinned and found.partition("+")[0] == pinned)


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, without importing it, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check(pins: Mapping[str, Pin]) -> dict[str, dict[str, Any]]:
    """Return, for each pin, where it comes from and whether what is installed is what is pinned.

    Returns
    -------
    dict
        Name -> the pin's texts, ``match``, and ``packages``: package -> ``pinned``, ``installed``
        (null when it is not) and ``match``. A comparator of our own always matches.
    """
    checked: dict[str, dict[str, Any]] = {}
    for name, pin in pins.items():
        packages = {
            package: {"pinned": pinned, "installed": found, "match": is_pinned(found, pinned)}
            for package, pinned in pin.packages.items()
            for found in [installed_version(package)]
        }
        match = all(package["match"] for package in packages.values())
        texts = {key: getattr(pin, key) for key in _NEEDED[pin.source] if key != "packages"}
        checked[name] = {**texts, "match": match, "packages": packages}
    return checked


def state(pin: Pin) -> tuple[dict[str, str], str | None]:
    """Return the installed versions of a pin's packages, and why it can't run (or None).

    Another version than the pinned one runs, and is a mismatch in the record.
    """
    installed = {package: installed_version(package) for package in pin.packages}
    missing = [package for package, found in installed.items() if found is None]
    if missing:
        return (
            {},
            f"{' and '.join(missing)} not installed; to mend it: {install_command(pin.extra)}",
        )
    return {package: found for package, found in installed.items() if found is not None}, None


def install_command(*extras: str) -> str:
    """Return the command, run in the checkout, that installs the packages of these pins' extras."""
    names = ",".join(dict.fromkeys(extra for extra in extras if extra != CORE))
    return f"pip install -e '.[{names}]'" if names else "pip install -e ."
