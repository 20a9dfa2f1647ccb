"""``claimbench new-paper``: the files of a claim, as a sketch that runs and judges nothing."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path

from claimbench.checkout import PaperFiles, papers
from claimbench.errors import UsageError
from claimbench.pins import read_pins

_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: They stand together in import lines.
_LONGEST = {"domain": 16, "paper": 24}


def scaffold(domain: str, slug: str, root: Path) -> list[Path]:
    """Write the files of a new paper and return them; nothing is overwritten.

    Parameters
    ----------
    domain, slug
        ``suite/<domain>/<slug>``; the domain may be new.
    root
        The checkout.

    Raises
    ------
    UsageError
        When a name is no module's, or is taken. Nothing is written then.
    """
    _check_name("domain", domain)
    _check_name("paper", slug)
    known = {own.slug: own.id for own in papers(root)}
    if slug in known:
        raise UsageError(
            "there is a paper of this name, and claims are known by it",
            value=known[slug],
            allowed=f"a name other than {', '.join(known)}",
        )
    pin = f"{slug.replace('_', '-')}-gradient-descent"
    pins = root / "baselines" / "pins.toml"
    if pin in read_pins(pins):
        raise UsageError("there is a pin of this name", value=pin, allowed="another name")
    own = PaperFiles(root, domain, slug)
    made = {
        own.claim_toml: "claim.toml",
        own.folder / "problem.py": "problem.py",
        own.folder / "method.py": "method.py",
        own.bench: "bench.py",
        root / "baselines" / domain / f"{slug}.py": "baseline.py",
        root / "tests" / "suite" / domain / slug / "test_bench.py": "test_bench.py",
        root / "tests" / "exam" / "mutants" / f"{slug}.toml": "mutants.toml",
    }
    taken = [path for path in (own.folder, *made) if path.exists()]
    if taken:
        raise UsageError(
            "files of this name are there already, and nothing is overwritten",
            value=[path.relative_to(root).as_posix() for path in taken],
            allowed="a name that is free",
        )
    words = {"@DOMAIN@": domain, "@SLUG@": slug, "@PIN@": pin}
    try:
        for path, template in made.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_filled(template, words), encoding="utf-8")
        with pins.open("a", encoding="utf-8") as file:
            file.write(_filled("pins.toml", words))
    except OSError as error:
        raise UsageError(
            f"the files can't be written ({error.strerror})",
            value=str(root),
            allowed="a checkout that you may write",
        ) from error
    return [*made, pins]


def _check_name(what: str, name: str) -> None:
    longest = _LONGEST[what]
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > longest:
        raise UsageError(
            f"the {what}'s name is a folder and a module",
            value=name,
            allowed=f"a lower-case letter, then letters, digits and underscores, {longest} at most,"
            " and no word of Python's",
            cure=f"claimbench new-paper {'DOMAIN' if what == 'paper' else 'optimization'}"
            f" {'heavy_ball' if what == 'paper' else 'SLUG'}",
        )


def _filled(template: str, words: dict[str, str]) -> str:
    text = (files(__package__) / "templates" / f"{template}.txt").read_text(encoding="utf-8")
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
