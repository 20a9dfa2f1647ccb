"""The source that makes a piece of evidence: a function and all it uses of the project.

Two texts that differ only in comments, docstrings or layout have one digest, and so have two
revisions that differ in a function which this one never reaches. Third-party packages are not
followed: their versions are part of the key.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimbench.errors import BenchFileError

#: The first word of the modules that belong to the project.
PROJECT = ("suite", "baselines", "claimbench")
_ENGINE = Path(__file__).resolve().parents[1]


#: A module, the name in it (None: the module), and whether attributes of it name things in it.
_Target = tuple[str, str | None, bool]


@dataclass(slots=True)
class _Module:
    name: str
    package: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    #: Local name -> what it may stand for; under ``*`` what is imported without a name.
    imports: dict[str, list[_Target]] = field(default_factory=dict)
    statements: list[ast.stmt] = field(default_factory=list)

    def add(self, imported: Iterable[tuple[str, _Target]]) -> None:
        for name, target in imported:
            self.imports.setdefault(name, []).append(target)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One definition: its text, the names it uses, the imports inside it."""

    text: str
    names: tuple[tuple[str, str | None], ...]
    imports: tuple[_Target, ...]


class Sources:
    """Digests of functions of one checkout; each file is parsed once.

    Parameters
    ----------
    root
        The checkout that ``suite`` and ``baselines`` are imported from.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, _Module | None] = {}
        self._pieces: dict[tuple[str, str], _Piece] = {}
        self._digests: dict[tuple[Callable[..., Any] | None, ...], str] = {}

    def digest(self, *functions: Callable[..., Any] | None) -> str:
        """Return the digest of these functions and all project code that they reach.

        Raises
        ------
        BenchFileError
            When a function is not defined at the top of a module of the project.
        """
        if functions not in self._digests:
            self._digests[functions] = self._digest(functions)
        return self._digests[functions]

    def _digest(self, functions: tuple[Callable[..., Any] | None, ...]) -> str:
        seen: dict[tuple[str, str], str] = {}
        for function in functions:
            if function is not None:
                module = self._module(function.__module__)
                if module is None or function.__qualname__ not in module.definitions:
                    raise BenchFileError(
                        "the source of a function can't be followed",
                        value=f"{function.__module__}.{function.__qualname__}",
                        allowed="functions and classes defined at the top of a module of"
                        f" {', '.join(PROJECT)}",
                    )
                self._visit(function.__module__, function.__qualname__, seen)
        lines = (f"{module}:{name}:{text}" for (module, name), text in sorted(seen.items()))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _visit(self, module_name: str, name: str, seen: dict[tuple[str, str], str]) -> None:
        module = self._module(module_name)
        if module is None or (module_name, name) in seen:
            return
        if name not in module.definitions:
            seen[module_name, name] = ""  # modules may import one another
            self._reach(module, name, None, seen)
            return
        piece = self._piece(module, name)
        seen[module_name, name] = piece.text
        for used, attribute in piece.names:
            if used in module.definitions:
                self._visit(module_name, used, seen)
            else:
                self._reach(module, used, attribute, seen)
        for target in piece.imports:
            self._follow(target, None, seen)

    def _piece(self, module: _Module, name: str) -> _Piece:
        if (module.name, name) not in self._pieces:
            nodes = [self._bare(node, module) for node in module.definitions[name]]
            # What runs at import may matter to anything in the module.
            nodes += [node for node in module.statements if not self._is_registration(node, module)]
            self._pieces[module.name, name] = _Piece(
                text="\n".join(ast.dump(node) for node in nodes),
                names=tuple(dict.fromkeys(_names(nodes))),
                # An import inside a function binds there; what it binds is not worth telling apart.
                imports=tuple(
                    target
                    for node in nodes
                    for inner in ast.walk(node)
                    if isinstance(inner, (ast.Import, ast.ImportFrom))
                    for _, target in _imported(inner, module.package)
                ),
            )
        return self._pieces[module.name, name]

    def _reach(
        self, module: _Module, name: str, attribute: str | None, seen: dict[tuple[str, str], str]
    ) -> None:
        """Follow a name that the module imports, or that it may have by ``import *``."""
        for target in module.imports.get(name, ()):
            self._follow(target, attribute, seen)
        if name not in module.imports:
            for origin, _, _ in module.imports.get("*", ()):
                self._follow((origin, name, True), None, seen)

    def _follow(
        self, target: _Target, attribute: str | None, seen: dict[tuple[str, str], str]
    ) -> None:
        module_name, name, names_attributes = target
        if module_name.partition(".")[0] not in PROJECT:
            return
        if name == "*":
            name = None
        if name is not None and self._module(f"{module_name}.{name}") is not None:
            module_name, name = f"{module_name}.{name}", None  # from package import module
        module = self._module(module_name)
        if module is None:
            return
        wanted = name or (attribute if names_attributes else None)
        if wanted is not None:
            self._visit(module_name, wanted, seen)
        else:
            for definition in module.definitions:
                self._visit(module_name, definition, seen)

    def _bare(self, node: ast.stmt, module: _Module) -> ast.stmt:
        """Drop docstrings and the decorators that only register with an experiment."""
        copied = ast.parse(ast.unparse(node)).body[0]
        for inner in ast.walk(copied):
            if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                if ast.get_docstring(inner, clean=False) is not None:
                    inner.body = inner.body[1:] or [ast.Pass()]
                inner.decorator_list = [
                    decorator
                    for decorator in inner.decorator_list
                    if not self._registers(decorator, module)
                ]
        return copied

    def _is_registration(self, node: ast.stmt, module: _Module) -> bool:
        """Whether the statement is ``experiment.method(contender)``, or calls for such only."""
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call):
            return False
        if isinstance(call.func, ast.Name):
            return all(map(_only_registers, module.definitions.get(call.func.id, [call])))
        return self._registers(call.func, module)

    @staticmethod
    def _registers(decorator: ast.expr, module: _Module) -> bool:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if not (isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name)):
            return False
        for node in module.definitions.get(call.value.id, ()):
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.Call) and _last_name(value.func) == "Experiment":
                return True
        return False

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            self._modules[name] = self._parse(name)
        return self._modules[name]

    def _parse(self, name: str) -> _Module | None:
        first, *rest = name.split(".")
        if first not in PROJECT:
            return None
        base = _ENGINE if first == "claimbench" else self._root / first
        path = base.joinpath(*rest)
        if path.with_suffix(".py").is_file() and rest:
            file, package = path.with_suffix(".py"), name.rpartition(".")[0]
        elif (path / "__init__.py").is_file():
            file, package = path / "__init__.py", name
        else:
            return None
        module = _Module(name, package)
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                module.add(_imported(node, package))
            elif isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
                # A name that is imported lazily is announced here.
                for inner in node.body:
                    if isinstance(inner, (ast.Import, ast.ImportFrom)):
                        module.add(_imported(inner, package))
            elif bound := list(_bound(node)):
                for target in bound:
                    module.definitions.setdefault(target, []).append(node)
            elif not _is_text(node):
                module.statements.append(node)
        return module


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of the numeric packages that evidence depends on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, _Target]]:
    """Yield local name and target, for each name that an import statement binds."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            first, _, rest = alias.name.partition(".")
            # ``import a.b`` binds a, whose attribute b is a module: all of that is followed.
            yield alias.asname or first, (alias.name, None, bool(alias.asname) or not rest)
        return
    parts = package.split(".") if package else []
    above = parts[: len(parts) - node.level + 1] if node.level else []
    origin = ".".join((*above, *((node.module,) if node.module else ())))
    for alias in node.names:
        yield alias.asname or alias.name, (origin, alias.name, True)


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
            yield inner.name


def _only_registers(node: ast.AST) -> bool:
    """Whether this is a function that does nothing but call methods of its own parameters."""
    if not isinstance(node, ast.FunctionDef):
        return False
    own = {argument.arg for argument in node.args.args}
    return all(
        isinstance(line, ast.Expr) and (_is_text(line) or _origin(line.value) in own)
        for line in node.body
    )


def _origin(node: ast.expr) -> str:
    """Return ``x`` of ``x.a(...)(...).b(...)``."""
    while isinstance(node, (ast.Call, ast.Attribute)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")


def _names(nodes: list[ast.stmt]) -> Iterator[tuple[str, str | None]]:
    """Yield every name used, with the attribute taken of it where there is one."""
    for root in nodes:
        attributes = set()
        for node in ast.walk(root):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                attributes.add(id(node.value))
                yield node.value.id, node.attr
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and id(node) not in attributes:
                yield node.id, None


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
