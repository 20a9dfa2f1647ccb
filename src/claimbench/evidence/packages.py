"""Versions of the packages that evidence is computed with."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version


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
    # Most packages are called like their module; to ask all others takes a while.
    found = _version(module)
    if found is not None:
        return found
    names = sorted({one.metadata["Name"] for one in distributions() if _provides(one, module)})
    return ", ".join(f"{name} {_version(name)}" for name in names) or "not installed"


def _provides(one: Distribution, module: str) -> bool:
    """Whether a distribution says that it has this module at its top, or lists code of it.

    As `importlib.metadata.packages_distributions` has it, which parses all that is installed.
    """
    declared = (one.read_text("top_level.txt") or "").split()
    if declared:
        return module in declared
    lines = (one.read_text("RECORD") or "").splitlines()
    files = (line.rpartition(",")[0].rpartition(",")[0].strip('"') for line in lines)
    return any(
        file.partition("/")[0].partition(".")[0] == module and file.endswith((".py", ".so", ".pyd"))
        for file in files
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
