"""Versions of the packages that evidence is computed with."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of the numeric packages that evidence depends on."""
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    return found | {package: _version(package) or "not installed" for package in packages}


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the version of what provides each module, Python's own left out.

    Parameters
    ----------
    modules
        First words of imported modules, such as ``sklearn``.
    """
    return {
        module: _provided(module) for module in modules if module not in sys.stdlib_module_names
    }


@cache
def _provided(module: str) -> str:
    # Most packages are called like their module; to ask for all others takes a second.
    found = _version(module)
    if found is not None:
        return found
    names = sorted(set(_distributions().get(module, ())))
    return ", ".join(f"{name} {_version(name)}" for name in names) or "not installed"


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
