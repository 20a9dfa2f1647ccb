"""What ``--candidate`` says: whose method, in which experiment, and where its code lies."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from claimbench.errors import CandidateError

FORM = "PAPER[:EXPERIMENT]=FILE.py:OBJECT[:NAME], or PAPER[:EXPERIMENT]=ENTRY_POINT[:NAME]"
EXAMPLE = "--candidate optimization/sparse_ot:sweep=my_solver.py:solve"

_FILE = re.compile(r"(?P<file>.*\.py)(?::(?P<object>[^:]*))?(?::(?P<name>[^:]*))?")
_ENTRY_POINT = re.compile(r"(?P<entry>[^:]+)(?::(?P<name>[^:]*))?")
# It names a folder of the evidence store and a pytest item, and stands in the report.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")


@dataclass(frozen=True, slots=True)
class Spec:
    """One ``--candidate``.

    Attributes
    ----------
    paper
        ``<domain>/<slug>``.
    experiment
        None for every experiment of the paper, which must then have one interface.
    file
        Absolute; None for an entry point.
    entry_point
        Its name in the group ``claimbench.candidates``; empty for a file.
    object
        The callable in the file; empty for an entry point.
    name
        What the contender is called: the file's or the entry point's name, unless one is given.
    """

    paper: str
    experiment: str | None
    file: Path | None
    entry_point: str
    object: str
    name: str

    @property
    def target(self) -> str:
        """What `parse_target` reads again, in any folder of this machine."""
        if self.file is None:
            return f"{self.entry_point}:{self.name}"
        return f"{self.file}:{self.object}:{self.name}"

    @property
    def shown(self) -> str:
        """The target without a path: what a message or a record may show."""
        return self.entry_point if self.file is None else f"{self.file.name}:{self.object}"


def parse(text: str, root: Path) -> Spec:
    """Read one ``--candidate``; nothing is opened or imported.

    Parameters
    ----------
    text
        ``PAPER[:EXPERIMENT]=FILE.py:OBJECT[:NAME]``, or the name of an entry point for the file.
    root
        The folder that a relative path is against.

    Raises
    ------
    CandidateError
        When the text has another form.
    """
    place, equals, target = text.partition("=")
    paper, colon, experiment = place.partition(":")
    if not equals or not paper or (colon and not experiment):
        raise CandidateError(
            "--candidate has another form", value=text, allowed=FORM, cure=f"pytest ... {EXAMPLE}"
        )
    return parse_target(target, root, paper=paper, experiment=experiment or None)


def parse_target(
    target: str, root: Path, *, paper: str = "", experiment: str | None = None
) -> Spec:
    """Read what stands after the ``=``: ``FILE.py:OBJECT[:NAME]`` or ``ENTRY_POINT[:NAME]``.

    Raises
    ------
    CandidateError
        When the text has another form, or makes no name for a contender.
    """
    if found := _FILE.fullmatch(target):
        if not (found["object"] or "").isidentifier():
            raise CandidateError(
                "--candidate names no object of its file",
                value=target,
                allowed=FORM,
                cure=f"name the function: {found['file']}:solve",
            )
        file = root / Path(found["file"]).expanduser()
        name = _name(found["name"], file.stem, target)
        return Spec(paper, experiment, file.absolute(), "", found["object"], name)
    if found := _ENTRY_POINT.fullmatch(target):
        if (root / f"{found['entry']}.py").is_file():
            raise CandidateError(
                "--candidate names a file without its .py",
                value=target,
                allowed=FORM,
                cure=f"{found['entry']}.py:{found['name'] or 'OBJECT'}",
            )
        name = _name(found["name"], found["entry"], target)
        return Spec(paper, experiment, None, found["entry"], "", name)
    raise CandidateError(
        "--candidate names neither a file nor an entry point",
        value=target,
        allowed=FORM,
        cure=f"pytest ... {EXAMPLE}",
    )


def check_papers(specs: Iterable[Spec], papers: Collection[str]) -> None:
    """Refuse a candidate of a paper that the suite has not.

    Raises
    ------
    CandidateError
        Listing the papers, with the one that may have been meant.
    """
    for spec in specs:
        if spec.paper not in papers:
            # A slug alone is too short for difflib to see its paper.
            meant = [paper for paper in papers if paper.rpartition("/")[2] == spec.paper]
            raise CandidateError(
                "--candidate names a paper that the suite has not",
                value=spec.paper,
                allowed=papers,
                cure=f"write {meant[0]}" if meant else None,
            )


def parse_all(texts: Sequence[str], root: Path) -> tuple[Spec, ...]:
    """Read all ``--candidate`` of a command line.

    Raises
    ------
    CandidateError
        As `parse`; or when one is given twice.
    """
    specs = tuple(parse(text, root) for text in texts)
    for index, spec in enumerate(specs):
        if spec in specs[:index]:
            raise CandidateError(
                "--candidate is given twice", value=texts[index], allowed="each candidate once"
            )
    return specs


def _name(given: str | None, stem: str, target: str) -> str:
    name = re.sub(r"[-.]", "_", stem) if given is None else given
    if not _NAME.fullmatch(name):
        raise CandidateError(
            "--candidate makes no name for a contender",
            value=name,
            allowed="a letter, then letters, digits and underscores, 60 at most",
            cure=f"give it one of its own, after a colon: {target.removesuffix(f':{name}')}:mine",
        )
    return name
