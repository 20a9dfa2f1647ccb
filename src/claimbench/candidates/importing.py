"""Import a file and its neighbours as a package of their own, and change no other import.

A script imports its neighbours because Python puts its folder first on ``sys.path``. Done here,
that would let a candidate's ``utils.py`` stand for anybody's. So the folder becomes a package with
a private name, and where one of its files says ``import utils`` (and the folder has it) that is
read as ``from . import utils``. Two candidates may have equal names for their neighbours, nothing
that the suite imports can be found in a candidate's folder, and no bytecode is written there.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType, ModuleType

#: Never taken for neighbours, though a candidate may lie in the checkout's own folder.
PROJECT = ("suite", "baselines", "claimbench")
_PREFIX = "claimbench_candidate_"


def import_file(file: Path) -> ModuleType:
    """Import a Python file under a private name, once for each process.

    Whatever it raises is passed on, and nothing is left of it in ``sys.modules``.
    """
    package = _package(file.parent)
    name = f"{package}.{file.stem.replace('.', '_')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file, loader=_Private(name, str(file)))
        if spec is None or spec.loader is None:
            raise ImportError(f"{file.name} is no Python file")
        module = importlib.util.module_from_spec(spec)
        before = set(sys.modules)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            for new in set(sys.modules) - before:
                if new.startswith(f"{package}."):
                    del sys.modules[new]
            raise
    return sys.modules[name]


def forget(folder: Path) -> None:
    """Forget all that was imported from a candidate's folder."""
    package = _name_of(folder)
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


def neighbour(folder: Path, name: str) -> Path | None:
    """Return the file of a module, ``a`` or ``a.b``, that lies in the folder; None if none does."""
    if name.partition(".")[0] in PROJECT:
        return None
    path = folder.joinpath(*name.split("."))
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if file.is_file():
            return file
    return None


def _name_of(folder: Path) -> str:
    return _PREFIX + hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def _package(folder: Path) -> str:
    name = _name_of(folder)
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    return name


class _Finder(MetaPathFinder):
    """Finds what lies below a private package, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a neighbour."""
        del target
        if not fullname.startswith(_PREFIX) or not path:
            return None
        file = neighbour(Path(path[0]), fullname.rpartition(".")[2])
        if file is None:
            return None
        return importlib.util.spec_from_file_location(
            fullname,
            file,
            loader=_Private(fullname, str(file)),
            submodule_search_locations=[str(file.parent)] if file.name == "__init__.py" else None,
        )


class _Private(importlib.machinery.SourceFileLoader):
    """Compiles a file whose imports of neighbours are made relative."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code, compiled anew: bytecode beside the file would be read by others."""
        path = Path(self.get_filename(fullname))
        depth = fullname.count(".") + (path.name == "__init__.py")
        folder = path.parents[depth - 1]
        tree = _Relative(folder, depth).visit(ast.parse(path.read_bytes(), filename=str(path)))
        code: CodeType = compile(
            ast.fix_missing_locations(tree), str(path), "exec", dont_inherit=True
        )
        return code


class _Relative(ast.NodeTransformer):
    """Rewrites absolute imports of neighbours.

    Parameters
    ----------
    folder
        The candidate's folder.
    level
        Dots that lead from the file to it.
    """

    def __init__(self, folder: Path, level: int) -> None:
        self._folder = folder
        self._level = level

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """``from utils import f`` -> ``from .utils import f``."""
        if node.level == 0 and node.module and neighbour(self._folder, _first(node.module)):
            node.level = self._level
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """``import utils`` -> ``from . import utils``."""
        made: list[ast.stmt] = []
        for alias in node.names:
            first, _, rest = alias.name.partition(".")
            if neighbour(self._folder, first) is None:
                made.append(ast.Import([alias]))
            elif rest and alias.asname:  # import a.b as c
                above, _, last = alias.name.rpartition(".")
                made.append(self._from(above, last, alias.asname))
            elif rest:  # import a.b binds a, and sees to it that a.b is there
                above, _, last = alias.name.rpartition(".")
                made.append(self._from(above, last, f"_{last}"))
                made.append(self._from(None, first, None))
            else:
                made.append(self._from(None, first, alias.asname))
        return [ast.copy_location(statement, node) for statement in made]

    def _from(self, module: str | None, name: str, bound: str | None) -> ast.ImportFrom:
        return ast.ImportFrom(module, [ast.alias(name, bound)], self._level)


def _first(name: str) -> str:
    return name.partition(".")[0]
