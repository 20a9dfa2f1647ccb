"""``claimbench new-method``: the naive contender of an interface, written out as a file."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from claimbench.authoring.interface import nested, offered, shaped
from claimbench.authoring.target import Target
from claimbench.errors import BenchFileError, UsageError

#: What the method is called in its file.
OBJECT = "solve"
_WIDTH = 96


def check_free(file: Path) -> None:
    """Refuse a place that is taken, or no place for a Python file.

    Raises
    ------
    UsageError
        Before anything is written.
    """
    if file.suffix != ".py" or not file.stem.isidentifier():
        raise UsageError(
            "a method is a Python file",
            value=str(file),
            allowed="a name of letters, digits and underscores that ends in .py",
        )
    if file.exists():
        raise UsageError(
            "the file is there already, and nothing is overwritten",
            value=str(file),
            allowed="a file that does not exist",
            cure=f"choose another name, or remove {file}",
        )
    if not file.parent.is_dir():
        raise UsageError(
            "the folder does not exist", value=str(file.parent), cure=f"mkdir -p {file.parent}"
        )


def write(file: Path, text: str) -> None:
    """Write a file that must not be there.

    Raises
    ------
    UsageError
        When it is there by now, or can't be written.
    """
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except OSError as error:
        raise UsageError(
            f"{file} can't be written ({error.strerror})",
            allowed="a file that does not exist, in a folder that you may write",
        ) from error


def starting_point(target: Target, file: Path) -> str:
    """Return the text of a file whose function `solve` keeps to the interface."""
    naive = target.interface.naive
    module = sys.modules[naive.__module__]
    tree = ast.parse(inspect.getsource(module))
    source = inspect.getsource(naive)
    written = re.sub(rf"\bdef {naive.__name__}\(", f"def {OBJECT}(", source, count=1)
    imports = "".join(
        f"{line}\n" if line else "\n" for line in _imports(tree, module, ast.parse(source))
    )
    return "\n".join(
        (
            f'r"""A method for {target.place}: a naive one, to begin with.',
            "",
            *_head(target, file),
            '"""',
            "",
            "from __future__ import annotations",
            "",
            imports.rstrip(),
            "",
            *_offer(target),
            "",
            "",
            written,
        )
    )


def _head(target: Target, file: Path) -> Iterator[str]:
    yield "It is judged by"
    for claim in target.claims:
        text = f"{target.paper.files.slug}/{claim.id} ({claim.kind}): {claim.statement}"
        yield from textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="        ")
    if not target.claims:
        yield "    no claim: the report shows what is measured"
    folder = target.paper.files.folder.relative_to(target.paper.files.root).as_posix()
    yield "To check it, and to run it:"
    yield ""
    yield f"    claimbench check {target.place} {file.name}:{OBJECT}"
    yield f"    pytest {folder} --benchmark-only \\"
    yield f"        --candidate {target.place}={file.name}:{OBJECT}"


def _offer(target: Target) -> Iterator[str]:
    """Yield, as comments, what may be used and what must be returned."""
    interface = target.interface
    place = inspect.getmodule(interface.protocol)
    yield from _comment(
        f"What `problem` is, and all that may be used of it ({place.__name__ if place else ''}):"
    )
    yield from _described(interface.problem, "problem")
    yield "#"
    kind = getattr(interface.answer, "__name__", str(interface.answer))
    yield from _comment(f"What is returned, {kind}:")
    yield "#"
    for shape in interface.parts:
        yield from _comment(shape.text, indent=4)
    yield "#"
    yield from _comment(
        "Rows are independent: none may depend on another. Leave the problem's arrays as they are."
        " For random numbers take a keyword, `*, streams`, and draw from streams.numpy(),"
        " streams.torch() or streams.each(): the global streams, the threads and torch's defaults"
        " are not yours."
    )


def _described(protocol: type[Any], label: str) -> Iterator[str]:
    yield "#"
    for line in inspect.cleandoc(protocol.__doc__ or "").splitlines():
        yield f"#     {line}".rstrip()
    yield "#"
    shapes = shaped(protocol)
    for name in offered(protocol):
        found = inspect.getattr_static(protocol, name, None)
        if name in shapes:
            yield from _comment(f"{label}.{name}: {shapes[name].wanted}", indent=4)
        elif inspect.isfunction(found):
            call = str(inspect.signature(found)).replace("(self, ", "(").replace("(self)", "()")
            said = (inspect.getdoc(found) or "").partition("\n")[0]
            yield from _comment(f"{label}.{name}{_plain(call)}: {said}", indent=4)
    for name, inner in nested(protocol).items():
        yield "#"
        yield from _comment(f"{label}.{name}:", indent=4)
        yield from _described(inner, f"{label}.{name}")


def _plain(call: str) -> str:
    """Return a signature without its annotations' quotes."""
    return call.replace("'", "")


def _comment(text: str, indent: int = 0) -> list[str]:
    lead = "# " + " " * indent
    return textwrap.wrap(
        text, _WIDTH, initial_indent=lead, subsequent_indent=lead + "    " * bool(indent)
    )


def _imports(tree: ast.Module, module: ModuleType, source: ast.Module) -> Iterator[str]:
    """Yield the imports that the function needs, as a file outside of the package writes them."""
    used = {node.id for node in ast.walk(source) if isinstance(node, ast.Name)}
    package = module.__name__.rpartition(".")[0]
    own = {name for node in tree.body for name in _defined(node)}
    plain: list[str] = []
    ours: dict[str, list[str]] = {}
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        for alias in node.names:
            if (alias.asname or alias.name).partition(".")[0] not in used:
                continue
            said = alias.name + (f" as {alias.asname}" if alias.asname else "")
            if isinstance(node, ast.Import):
                plain.append(f"import {said}")
                continue
            origin = _origin(node, package)
            if origin.startswith(("suite.", "baselines.")):
                ours.setdefault(origin, []).append(said)
            else:
                plain.append(f"from {origin} import {said}")
    needed = sorted((own & used) - {getattr(source.body[0], "name", "")})
    if needed:
        ours.setdefault(module.__name__, []).extend(needed)
    unknown = [name for name in used if name in vars(module) and name not in own]
    bound = {line.split()[-1] for line in plain} | {
        said.split()[-1] for names in ours.values() for said in names
    }
    missing = sorted(set(unknown) - bound)
    if missing:
        raise BenchFileError(
            f"{module.__name__}: the naive contender uses a name that a file of its own could not"
            " import",
            value=missing,
            allowed="names that the module imports, or its functions and classes",
        )
    yield from _grouped(plain)
    if plain:
        yield ""
    for origin in sorted(ours):
        yield f"from {origin} import {', '.join(sorted(ours[origin]))}"
    if ours:
        yield ""


def _origin(node: ast.ImportFrom, package: str) -> str:
    """Return the module that is imported from, as a file outside of the package names it."""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join((*above, *((node.module,) if node.module else ())))


def _defined(node: ast.stmt) -> Iterator[str]:
    """Yield what a statement of the module defines, imports aside."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _grouped(plain: list[str]) -> Iterator[str]:
    """Yield imports as ruff sorts them: the standard library, then the rest."""
    known = sys.stdlib_module_names
    standard = [line for line in plain if line.split()[1].partition(".")[0] in known]
    others = [line for line in plain if line not in standard]
    yield from _sorted(standard)
    if standard and others:
        yield ""
    yield from _sorted(others)


def _sorted(lines: list[str]) -> list[str]:
    merged: dict[str, list[str]] = {}
    whole = sorted(line for line in lines if line.startswith("import "))
    for line in lines:
        if line.startswith("from "):
            origin, _, name = line.partition(" import ")
            merged.setdefault(origin, []).append(name)
    return whole + [f"{name} import {', '.join(sorted(merged[name]))}" for name in sorted(merged)]
