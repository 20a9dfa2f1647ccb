"""A module of the project as its syntax tree tells it: what it defines, imports and does."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

#: The first word of the modules that belong to the project.
PROJECT = ("suite", "baselines", "claimbench")

#: A module, the name in it (None: the module), and whether attributes of it name things in it.
Target = tuple[str, str | None, bool]


@dataclass(frozen=True, slots=True)
class Piece:
    """One definition: its text, the names it uses, the imports inside it, what it spells out."""

    text: str
    names: tuple[tuple[str, str | None], ...]
    imports: tuple[Target, ...]
    spelled: tuple[str, ...]


@dataclass(slots=True)
class Module:
    """A parsed module.

    Attributes
    ----------
    definitions
        Name -> the top-level statements that bind it.
    imports
        Local name -> what it may stand for; under ``*`` what is imported without a name.
    statements
        What runs at import and binds nothing, and what project code decorates: a registry, say.
    """

    name: str
    package: str
    folder: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, list[Target]] = field(default_factory=dict)
    statements: list[ast.stmt] = field(default_factory=list)
    pieces: dict[str, Piece] = field(default_factory=dict)

    def piece(self, name: str) -> Piece:
        """Return a definition; under an empty name what the module does as it is imported."""
        if name not in self.pieces:
            nodes = list(self.definitions.get(name, ()))
            # What runs at import may matter to anything in the module.
            statements = [node for node in self.statements if not self.is_registration(node)]
            shortened = [*nodes, *(node for node in statements if self.is_taken(node))]
            nodes += statements
            with bare(shortened, self):
                self.pieces[name] = _piece(nodes, self.package)
        return self.pieces[name]

    def add(self, imported: Iterable[tuple[str, Target]]) -> None:
        """Take note of imported names."""
        for name, target in imported:
            self.imports.setdefault(name, []).append(target)

    def is_registration(self, node: ast.stmt) -> bool:
        """Whether the statement is ``experiment.method(contender)``, or calls for such only."""
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call):
            return False
        if isinstance(call.func, ast.Name):
            return all(map(_only_registers, self.definitions.get(call.func.id, [call])))
        return self.registers(call.func)

    def registers(self, decorator: ast.expr) -> bool:
        """Whether a decorator is one of an experiment of this module."""
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if not (isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name)):
            return False
        for node in self.definitions.get(call.value.id, ()):
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.Call) and _last_name(value.func) == "Experiment":
                return True
        return False

    def is_taken(self, node: ast.stmt) -> bool:
        """Whether a definition is handed to project code as it is made, which may keep it."""
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return False
        return any(
            self._is_of_the_project(_origin(decorator)) and not self.registers(decorator)
            for decorator in node.decorator_list
        )

    def _is_of_the_project(self, name: str) -> bool:
        targets = self.imports.get(name, ())
        return name in self.definitions or any(is_project(target[0]) for target in targets)


def is_project(module: str) -> bool:
    """Whether a module is of the project."""
    return module.partition(".")[0] in PROJECT


@cache
def parse(name: str, package: str, folder: str, text: str) -> Module:
    """Return the module of that source; what is parsed once is the same for all who ask."""
    module = Module(name, package, folder)
    for node in ast.parse(text).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module.add(imported(node, package))
        elif isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
            # A name that is imported lazily is announced here.
            for inner in node.body:
                if isinstance(inner, (ast.Import, ast.ImportFrom)):
                    module.add(imported(inner, package))
        elif bound := list(_bound(node, package)):
            for target in bound:
                module.definitions.setdefault(target, []).append(node)
        elif not is_text(node):
            module.statements.append(node)
    taken = {
        id(node): node
        for nodes in module.definitions.values()
        for node in nodes
        if module.is_taken(node)
    }
    module.statements += taken.values()
    return module


def imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Target]]:
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


def imports_in(nodes: Iterable[ast.AST], package: str) -> Iterator[tuple[str, Target]]:
    """Yield what is imported anywhere inside."""
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Import, ast.ImportFrom)):
                yield from imported(inner, package)


@contextmanager
def bare(nodes: Iterable[ast.stmt], module: Module) -> Iterator[None]:
    """Leave out docstrings and the decorators that only register, while inside.

    The nodes themselves are changed and mended: to copy all that a run reaches takes seconds.
    """
    dropped = []
    try:
        for node in {id(node): node for node in nodes}.values():
            for inner in ast.walk(node):
                if not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    continue
                dropped.append((inner, inner.body, inner.decorator_list))
                if ast.get_docstring(inner, clean=False) is not None:
                    inner.body = inner.body[1:] or [ast.Pass()]
                inner.decorator_list = [
                    decorator
                    for decorator in inner.decorator_list
                    if not module.registers(decorator)
                ]
        yield
    finally:
        for inner, body, decorators in reversed(dropped):
            inner.body, inner.decorator_list = body, decorators


def _piece(nodes: Sequence[ast.stmt], package: str) -> Piece:
    used: dict[tuple[str, str | None], None] = {}
    imports: list[Target] = []
    spelled: dict[str, None] = {}
    for root in nodes:
        owners = set()
        for node in ast.walk(root):  # whatever has an attribute comes after the attribute
            if isinstance(node, ast.Name):
                if id(node) not in owners:
                    used[node.id, None] = None
            elif isinstance(node, ast.Attribute):
                if isinstance(node.value, ast.Name):
                    owners.add(id(node.value))
                    used[node.value.id, node.attr] = None
            elif isinstance(node, ast.Constant):
                if isinstance(node.value, str):
                    spelled[node.value] = None
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                # It binds inside a function; what it binds is not worth telling apart.
                imports += [target for _, target in imported(node, package)]
    text = "\n".join(ast.dump(node) for node in nodes)
    return Piece(text, tuple(used), tuple(imports), tuple(spelled))


def is_text(node: ast.stmt) -> bool:
    """Whether a statement is a text and nothing else: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bound(node: ast.stmt, package: str) -> Iterator[str]:
    """Yield the names that a top-level statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    found = False
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield inner.name
        else:
            continue
        found = True
    if found:
        # One that binds by imports alone counts for the whole module, see `Module.statements`.
        yield from (name for name, _ in imports_in([node], package))


def _only_registers(node: ast.AST) -> bool:
    """Whether this is a function that does nothing but call methods of its own parameters."""
    if not isinstance(node, ast.FunctionDef):
        return False
    own = {argument.arg for argument in node.args.args}
    return all(
        isinstance(line, ast.Expr) and (is_text(line) or _origin(line.value) in own)
        for line in node.body
    )


def _origin(node: ast.expr) -> str:
    """Return ``x`` of ``x.a(...)(...).b(...)``."""
    while isinstance(node, (ast.Call, ast.Attribute)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
