"""The files that may have made a result worse: changed since it was accepted, and in its reach."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from claimbench.checkout import PaperFiles, revision
from claimbench.gate.accepted import Accepted
from claimbench.gate.finding import Finding
from claimbench.gate.gate import Gate
from claimbench.record import Record

_DIFF = ("diff", "--name-only", "--relative", "-z", "--end-of-options")
#: What every paper's results depend on.
_EVERYBODY_S = ("src/claimbench/", "requirements.lock", "pyproject.toml")


def with_likely_files(found: Gate, record: Record, accepted: Accepted, root: Path) -> Gate:
    """Return the gate, in which each finding that regressed names the files that may have done it.

    Nothing is named where git can't tell what has changed.
    """
    changes: dict[str, tuple[str, ...]] = {}

    def named(one: Finding) -> Finding:
        since = _since(one, accepted)
        if one.state != "regressed" or not since:
            return one
        if since not in changes:
            changes[since] = tuple(changed(root, since, record))
        return replace(one, files=likely(root, one.paper, changes[since]))

    return Gate(tuple(named(one) for one in found.findings), found.notes)


def _since(one: Finding, accepted: Accepted) -> str:
    """Return the revision that the finding's result was accepted at; empty if it is not known."""
    if one.name in accepted.claims:
        return accepted.claims[one.name].revision
    place = (one.paper, one.experiment)  # a ratio of seconds, which belongs to claims of a race
    near = [a for a in accepted.claims.values() if (a.claim.paper, a.claim.experiment) == place]
    return max(near, key=lambda one: one.created).revision if near else ""


def changed(root: Path, since: str, record: Record) -> Iterable[str]:
    """Return the files that differ between a revision and what the record is of.

    Files that git does not track count where the record is of the working tree as it was, with
    uncommitted changes.
    """
    commit, _ = revision(root)
    if not (record.dirty and commit == record.revision):
        return _git(root, *_DIFF, since, record.revision)
    tracked = _git(root, *_DIFF, since)
    others = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return [*tracked, *others] if tracked else ()


def likely(root: Path, paper: str, files: Iterable[str]) -> tuple[str, ...]:
    """Return those of the files that a paper's results depend on, the best guess first.

    The paper's method, what else of its folder and of the checkout the bench file imports, the
    rest of its folder, opponents, and at last the engine and the versions of packages.
    """
    domain, _, slug = paper.partition("/")
    folder = f"suite/{domain}/{slug}/"
    bench = PaperFiles(root, domain, slug).bench
    reached = set(_reached(root, bench)) if bench.is_file() else set()

    def rank(file: str) -> int | None:
        tests = [
            file == f"{folder}method.py",
            file.startswith(folder) and file in reached,
            file in reached,
            file.startswith(folder),
            file.startswith("baselines/") and not file.startswith("baselines/accepted/"),
            file.startswith(_EVERYBODY_S),
        ]
        return tests.index(True) if True in tests else None

    ranked = [(place, file) for file in files if (place := rank(file)) is not None]
    return tuple(file for _, file in sorted(set(ranked)))


def _reached(root: Path, file: Path) -> Iterator[str]:
    """Yield the file and all files of ``suite`` and ``baselines`` that it imports, however far."""
    seen: dict[Path, None] = {}
    ahead = [file]
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen[path] = None
        yield path.relative_to(root).as_posix()
        package = ".".join(path.relative_to(root).parent.parts)
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError:
            continue
        for name in _imported(tree, package):
            if name.startswith(("suite.", "baselines.")):
                target = root.joinpath(*name.split("."))
                places = (target.with_suffix(".py"), target / "__init__.py")
                ahead += [place for place in places if place.is_file()]


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield the dotted name of whatever a source of `package` may import, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            origin = ".".join((*above, *((node.module,) if node.module else ())))
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _git(root: Path, *words: str) -> list[str]:
    try:
        done = subprocess.run(  # noqa: S603  fixed words and revisions from records, no shell
            ["git", "-C", str(root), *words],  # noqa: S607  git is found as the user finds it
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return []
    return done.stdout.rstrip("\0").split("\0") if done.returncode == 0 and done.stdout else []
