"""The source that makes a piece of evidence: a function and all it uses of the project.

Two texts that differ only in comments, docstrings or layout have one digest, and so have two
revisions that differ in a function which this one never reaches. Third-party packages are not
followed: their versions are part of the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from os.path import isfile, join
from pathlib import Path
from typing import Any

from claimbench.errors import BenchFileError
from claimbench.evidence import parsing
from claimbench.evidence.parsing import PROJECT, Module, Target

_ENGINE = Path(__file__).resolve().parents[1]
#: Names by which a module finds its own folder.
_PLACES = {"__file__", "__package__", "__path__", "__spec__"}
#: What lies in a paper's folder and makes no evidence: code is followed, the rest is to be read.
_NO_INPUT = {".py", ".pyc", ".md"}
#: Characters of a text that may be the name of a file.
_LONGEST = 200

Function = Callable[..., Any] | None


@dataclass(slots=True)
class _Reach:
    """What was reached so far.

    Attributes
    ----------
    texts
        (module, name) -> text.
    loaded
        Modules that are imported on the way.
    packages
        First words of the modules of others.
    files
        What may be read at run time, below the checkout.
    """

    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    def join(self, other: _Reach) -> None:
        """Take in what another reached."""
        self.texts |= other.texts
        self.loaded |= other.loaded
        self.packages |= other.packages
        self.files |= other.files


class Sources:
    """Digests of functions of one checkout; each file is parsed once.

    Parameters
    ----------
    root
        The checkout that ``suite`` and ``baselines`` are imported from.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, Module | None] = {}
        self._spelled: dict[tuple[str, str], tuple[list[Target], list[str]]] = {}
        self._imported: dict[str, set[str]] = {}
        self._own: dict[Callable[..., Any], _Reach] = {}
        self._reached: dict[tuple[Function, ...], _Reach] = {}
        self._digests: dict[tuple[Function, ...], str] = {}

    def digest(self, *functions: Function) -> str:
        """Return the digest of these functions and all project code that they reach.

        Raises
        ------
        BenchFileError
            When a function is not defined at the top of a module of the project.
        """
        if functions not in self._digests:
            reach = self._reach_of(functions)
            lines = [
                f"{module}:{name}:{text}" for (module, name), text in sorted(reach.texts.items())
            ]
            lines += [
                f"{file}:{hashlib.sha256((self._root / file).read_bytes()).hexdigest()}"
                for file in sorted(reach.files)
            ]
            self._digests[functions] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return self._digests[functions]

    def packages(self, *functions: Function) -> set[str]:
        """Return the modules of others, by first words, that these functions reach."""
        return self._reach_of(functions).packages

    def _reach_of(self, functions: tuple[Function, ...]) -> _Reach:
        if functions not in self._reached:
            reach = _Reach()
            for function in functions:
                if function is not None:
                    reach.join(self._reach_of_one(function))
            self._take_imports(reach)
            self._reached[functions] = reach
        return self._reached[functions]

    def _reach_of_one(self, function: Callable[..., Any]) -> _Reach:
        """Return what one function reaches: contenders of an experiment share the rest."""
        if function not in self._own:
            module = self._module(function.__module__)
            if module is None or function.__qualname__ not in module.definitions:
                raise BenchFileError(
                    "the source of a function can't be followed",
                    value=f"{function.__module__}.{function.__qualname__}",
                    allowed="functions and classes defined at the top of a module of"
                    f" {', '.join(PROJECT)}",
                )
            reach = self._own[function] = _Reach()
            self._visit(function.__module__, function.__qualname__, reach)
        return self._own[function]

    def _visit(self, module_name: str, name: str, reach: _Reach) -> None:
        module = self._module(module_name)
        if module is None or (module_name, name) in reach.texts:
            return
        self._load(module_name, reach)
        if name not in module.definitions:
            reach.texts[module_name, name] = ""  # modules may import one another
            self._import(module, name, None, reach)
            return
        self._take(module, name, reach)

    def _take(self, module: Module, name: str, reach: _Reach) -> None:
        piece, (modules, files) = module.piece(name), self._named(module, name)
        reach.texts[module.name, name] = piece.text
        for used, attribute in piece.names:
            if used in module.definitions:
                self._visit(module.name, used, reach)
            # A name may be imported and then bound anew: `solve = cached(solve)`.
            if used in module.imports or used not in module.definitions:
                self._import(module, used, attribute, reach)
        for target in (*piece.imports, *modules):
            self._follow(target, None, reach)
        reach.files.update(files)

    def _take_imports(self, reach: _Reach) -> None:
        """Take what runs as modules are imported of which nothing else was reached."""
        while True:
            taken = {module for module, _ in reach.texts}
            left = sorted(name for name in reach.loaded - taken if self._acts(name))
            if not left:
                return
            module = self._module(left[0])
            assert module is not None
            self._take(module, "", reach)

    def _acts(self, name: str) -> bool:
        module = self._module(name)
        return module is not None and any(
            not module.is_registration(node) for node in module.statements
        )

    def _load(self, name: str, reach: _Reach) -> None:
        """Take note of a module that is imported, and of those that it imports."""
        if name not in reach.loaded:
            if name not in self._imported:
                self._imported[name] = set()
                self._import_all(name, self._imported[name])
            reach.loaded |= self._imported[name]

    def _import_all(self, name: str, loaded: set[str]) -> None:
        first, _, rest = name.partition(".")
        if name in loaded or first == "claimbench" or first not in PROJECT:
            return
        loaded.add(name)
        if rest:
            self._import_all(name.rpartition(".")[0], loaded)  # a package before its modules
        module = self._module(name)
        if module is None:
            return
        for targets in module.imports.values():
            for origin, imported, _ in targets:
                self._import_all(origin, loaded)
                if imported is not None:
                    self._import_all(f"{origin}.{imported}", loaded)

    def _named(self, module: Module, name: str) -> tuple[list[Target], list[str]]:
        """Return the modules and the files that a piece spells out."""
        if (module.name, name) not in self._spelled:
            piece = module.piece(name)
            modules: list[Target] = [
                (text, None, False) for text in piece.spelled if self._is_spelled(text)
            ]
            files = self._files(module, piece.spelled, dict(piece.names))
            self._spelled[module.name, name] = modules, files
        return self._spelled[module.name, name]

    def _import(self, module: Module, name: str, attribute: str | None, reach: _Reach) -> None:
        """Follow a name that the module imports, or that it may have by ``import *``."""
        for target in module.imports.get(name, ()):
            self._follow(target, attribute, reach)
        if name not in module.imports:
            for origin, _, _ in module.imports.get("*", ()):
                self._follow((origin, name, True), None, reach)

    def _follow(self, target: Target, attribute: str | None, reach: _Reach) -> None:
        module_name, name, names_attributes = target
        if not parsing.is_project(module_name):
            reach.packages.add(module_name.partition(".")[0])
            return
        if name == "*":
            name = None
        if name is not None and self._is_module(f"{module_name}.{name}"):
            module_name, name = f"{module_name}.{name}", None  # from package import module
        if name is None and names_attributes and attribute is not None:
            if self._is_module(f"{module_name}.{attribute}"):
                self._all(f"{module_name}.{attribute}", reach)  # package.module.function
            if self._module(module_name) is not None:
                self._visit(module_name, attribute, reach)
        elif name is not None:
            self._visit(module_name, name, reach)
        else:
            self._all(module_name, reach)

    def _all(self, module_name: str, reach: _Reach) -> None:
        """Visit everything in a module; of a folder that is none, everything below it."""
        module = self._module(module_name)
        if module is not None:
            self._load(module_name, reach)
            for definition in module.definitions:
                self._visit(module_name, definition, reach)
            return
        for path in sorted(self._path(module_name).glob("*")):
            if path.suffix == ".py" or path.is_dir():
                self._all(f"{module_name}.{path.stem}", reach)

    def _files(self, module: Module, spelled: Iterable[str], used: Container[str]) -> list[str]:
        """Return the files that are spelled out, and all beside a module that asks for its place.

        Of ``suite/`` and ``baselines/`` only: the content of data sets is another part of the key,
        and what a run itself writes is no source.
        """
        if module.name.startswith("claimbench"):  # that reads data sets, whose hash is in the key
            return []
        root, folder = self._root.resolve(), Path(module.folder)
        found = {
            Path(path).resolve()
            for text in spelled
            if 0 < len(text) < _LONGEST and text.isprintable()
            # Thousands are asked about: to make a path of each takes longer than to look.
            for path in (join(folder, text), join(root, text))  # noqa: PTH118
            if isfile(path)  # noqa: PTH113
        }
        if any(name in used for name in _PLACES):
            found |= {
                path.resolve()
                for path in folder.rglob("*")
                if path.suffix not in _NO_INPUT and path.name != "claim.toml" and path.is_file()
            }
        code = (root / "suite", root / "baselines")
        return [path.relative_to(root).as_posix() for path in found if set(code) & {*path.parents}]

    def _is_spelled(self, text: str) -> bool:
        """Whether a text is the dotted name of a module of the project, to be imported by it."""
        words = text.split(".")
        dotted = len(words) > 1 and all(map(str.isidentifier, words))
        return dotted and parsing.is_project(text) and self._is_module(text)

    def _is_module(self, name: str) -> bool:
        return self._module(name) is not None or self._path(name).is_dir()

    def _path(self, name: str) -> Path:
        first, *rest = name.split(".")
        return (_ENGINE if first == "claimbench" else self._root / first).joinpath(*rest)

    def _module(self, name: str) -> Module | None:
        if name not in self._modules:
            self._modules[name] = self._parse(name)
        return self._modules[name]

    def _parse(self, name: str) -> Module | None:
        if not parsing.is_project(name):
            return None
        path = self._path(name)
        if path.with_suffix(".py").is_file() and "." in name:
            file, package = path.with_suffix(".py"), name.rpartition(".")[0]
        elif (path / "__init__.py").is_file():
            file, package = path / "__init__.py", name
        else:
            return None
        return parsing.parse(name, package, str(file.parent), file.read_text(encoding="utf-8"))
