"""The digest of a candidate: its files, as far as its evidence depends on them.

Of a file: itself and all modules that it imports, and they in turn, from its own folder and from
the project, each as a whole (comments and layout aside). Imports are found in the text, those
inside functions too; what is imported by a computed name, and data files, are not followed. Of an
entry point: every Python file of its package, and the distribution's version.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from claimbench.candidates import loading
from claimbench.candidates.importing import PROJECT, neighbour
from claimbench.candidates.spec import Spec
from claimbench.errors import CandidateError
from claimbench.experiment import Origin

_ENGINE = Path(__file__).resolve().parents[1]
#: The engine's files that stand around a candidate's call.
_AROUND = ("importing", "isolation", "stranger")


def origin(spec: Spec, root: Path) -> Origin:
    """Return where a candidate comes from, with the digest of its source.

    Parameters
    ----------
    root
        The checkout, whose modules a candidate may import.
    """
    if spec.file is not None:
        digest = _digest(_followed(spec.file, root))
        facts = {"file": spec.file.name, "object": spec.object}
    else:
        found = loading.entry_point(spec)
        files = {str(path): _text(path) for path in _package_files(found.module)}
        digest = _digest(files)
        facts = {"entry_point": spec.entry_point, "object": found.value}
        if found.dist is not None:
            facts |= {"distribution": found.dist.name, "version": found.dist.version}
            digest = hashlib.sha256(f"{digest}{found.dist.version}".encode()).hexdigest()
    return Origin(spec.target, digest, {**facts, "digest": digest})


def _followed(file: Path, root: Path) -> dict[str, str]:
    """Return every file that a candidate's file reaches, by name, without comments."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, Path, str]] = [(file.name, file, "")]
    while waiting:
        name, path, package = waiting.pop()
        if name in found:
            continue
        found[name] = _text(path)
        for module in _imports(ast.parse(path.read_bytes()), package):
            waiting += _located(module, file.parent, root)
    return found


def _located(module: str, folder: Path, root: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield name, file and package of a module with the packages above it, where it is followed."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        path = _project_file(name, root) if parts[0] in PROJECT else neighbour(folder, name)
        if path is not None:
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            yield name, path, package


def _project_file(module: str, root: Path) -> Path | None:
    first, *rest = module.split(".")
    path = (_ENGINE if first == "claimbench" else root / first).joinpath(*rest)
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if file.is_file():
            return file
    return None


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Yield the names of all modules that a file may import, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package else []
            above = parts[: len(parts) - node.level + 1] if node.level else []
            within = (*above, *((node.module,) if node.module else ()))
            # What is imported from a package may be a module of it.
            yield from (".".join((*within, alias.name)) for alias in node.names)


def _package_files(module: str) -> list[Path]:
    top = module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        if spec is None or not spec.submodule_search_locations:
            raise CandidateError("the package of a candidate has no source", value=top)
        folders = [Path(place) for place in spec.submodule_search_locations]
        return sorted(path for folder in folders for path in folder.rglob("*.py"))
    found = Path(spec.origin)
    if spec.submodule_search_locations is None:
        return [found]
    return sorted(found.parent.rglob("*.py"))


def _digest(files: dict[str, str]) -> str:
    """Return the digest of files, and of the engine's code that stands around a candidate."""
    texts = [f"{name}:{text}" for name, text in sorted(files.items())]
    return hashlib.sha256("\n".join([*texts, _engine()]).encode()).hexdigest()


@cache
def _engine() -> str:
    return "".join(_text(Path(__file__).with_name(f"{name}.py")) for name in _AROUND)


def _text(path: Path) -> str:
    """Return a file without comments and layout; one that is no Python as it is."""
    content = path.read_bytes()
    try:
        return ast.dump(ast.parse(content))
    except (SyntaxError, ValueError):
        return hashlib.sha256(content).hexdigest()
