"""The digest of a function: all it uses of the project, and no comment."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from toy import edit, imports_of_its_own, make

from claimbench.errors import BenchFileError
from claimbench.evidence.source import Sources

BENCH = '''
"""A bench file that imports in every way there is."""
import baselines.toy.dotted
import baselines.toy.aliased as aliased
from baselines.toy import packaged
from baselines.toy.named import named
from baselines.toy.starred import *
from claimbench import Experiment

LEVEL = 2
SETTINGS = {"level": LEVEL}


def measure(problem, answer):
    """Return the gap."""
    return {"gap": answer}


def problem(T, *, streams, n):
    return T

line = Experiment(problem, measure)
other = Experiment(problem, measure)


class Answer:
    """An answer."""

    def value(self):
        return helper(1)


def helper(x):
    # a comment
    return x + SETTINGS["level"]


@line.method
@other.method(grid={"rate": [1, 2]})
def steep(problem, *, rate=1):
    """Descend."""
    from baselines.toy import inside

    return (
        Answer().value() + named() + packaged.used() + aliased.used() + starred() + inside.f()
        + baselines.toy.dotted.used()
    )


@line.baseline
def flat(problem):
    return 0


other.control(flat)
'''
MODULES = {
    "dotted": "def used():\n    return 1\n",
    "aliased": (
        "def used():\n    return deeper()\n\n"
        "def deeper():\n    return 1\n\n"
        "def unused():\n    return 1\n"
    ),
    "packaged": "def used():\n    return 1\n\ndef unused():\n    return 1\n",
    "named": "from . import chain\n\ndef named():\n    return chain.end\n",
    "chain": "end = 1\n",
    "starred": "from .named import *\n\ndef starred():\n    return 1\n",
    "inside": "def f():\n    return 1\n",
    "stranger": "def f():\n    return 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make(tmp_path, bench_line__py=BENCH)
    (tmp_path / "baselines" / "toy").mkdir()
    for name, text in MODULES.items():
        (tmp_path / "baselines" / "toy" / f"{name}.py").write_text(text)
    return tmp_path


def digest(root: Path, *names: str) -> str:
    with imports_of_its_own(), pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        module = importlib.import_module("suite.toy.line.bench_line")
        return Sources(root).digest(*(getattr(module, name) for name in names or ("steep",)))


def changes(root: Path, file: str, *edits: tuple[str, str], function: str = "steep") -> bool:
    """Return whether an edit changes the function's digest."""
    before = digest(root, function)
    folder = "suite/toy/line" if file == "bench_line" else "baselines/toy"
    edit(root / folder / f"{file}.py", *edits)
    return digest(root, function) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("bench_line", "Answer().value() + named()", "Answer().value() - named()"),
        ("bench_line", "helper(1)", "helper(2)"),
        ("bench_line", "x + SETTINGS", "x - SETTINGS"),
        ("bench_line", "LEVEL = 2", "LEVEL = 3"),
        ("named", "chain.end", "chain.end + 1"),
        ("chain", "end = 1", "end = 2"),
        ("packaged", "def used():\n    return 1", "def used():\n    return 2"),
        ("aliased", "def deeper():\n    return 1", "def deeper():\n    return 2"),
        ("starred", "return 1", "return 2"),
        ("inside", "return 1", "return 2"),
        ("dotted", "return 1", "return 2"),
    ],
)
def test_whatever_the_function_reaches_is_in_its_digest(
    root: Path, file: str, old: str, new: str
) -> None:
    """Through helpers, classes, constants, and imports of every form, also inside functions."""
    assert changes(root, file, (old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("bench_line", "# a comment", "# another"),
        ("bench_line", '"""Descend."""', '"""Descend steeply."""'),
        ("bench_line", '"""An answer."""', ""),
        ("bench_line", "LEVEL = 2", "LEVEL    =   2  # two"),
        ("bench_line", '"""A bench file', '"""One bench file'),
        ("bench_line", '"""Return the gap."""', ""),
        ("bench_line", "return 0", "return 1"),
        ("packaged", "def unused():\n    return 1", "def unused():\n    return 2"),
        ("aliased", "def unused():\n    return 1", "def unused():\n    return 2"),
        ("stranger", "return 1", "return 2"),
    ],
)
def test_what_it_never_reaches_is_not(root: Path, file: str, old: str, new: str) -> None:
    """Comments, docstrings, layout, other contenders, unused functions, other modules."""
    assert not changes(root, file, (old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@other.method(grid", "@other.baseline(grid"),
        ('grid={"rate": [1, 2]}', 'grid={"rate": [1, 2, 3]}'),
        ("@line.method\n", ""),
    ],
)
def test_registering_is_no_part_of_a_contender(root: Path, old: str, new: str) -> None:
    """Role and grid are told by the unit, and a second experiment changes nothing."""
    assert not changes(root, "bench_line", (old, new))


def test_other_decorators_are_part_of_a_function(root: Path) -> None:
    """A cache, say, may change what comes out."""
    assert changes(
        root,
        "bench_line",
        (
            "@line.baseline\ndef flat",
            "from functools import cache\n\n@line.baseline\n@cache\ndef flat",
        ),
        function="flat",
    )


def test_registering_by_a_call_leaves_the_others_alone(root: Path) -> None:
    """`line.method(contender)` at the top of the file reaches no other function."""
    edit(
        root / "suite/toy/line/bench_line.py",
        ("other.control(flat)", "other.control(helper)"),
    )

    assert not changes(root, "bench_line", ("x + SETTINGS", "x - SETTINGS"), function="measure")


@pytest.mark.parametrize(("more", "counts"), [("", False), ("\n    print(x)", True)])
def test_registering_by_a_helper_leaves_the_others_alone(
    root: Path, more: str, *, counts: bool
) -> None:
    """A function that only registers is as good as a call; one that does more is not."""
    helper = f'def all_of(x):\n    """Register."""\n    x.control(where={{}})(helper){more}\n\n'
    edit(
        root / "suite/toy/line/bench_line.py",
        ("other.control(flat)", f"{helper}\nall_of(other)"),
    )
    change = ("x + SETTINGS", "x - SETTINGS")

    assert changes(root, "bench_line", change, function="measure") is counts


def test_statements_at_import_count_for_the_whole_module(root: Path) -> None:
    """What runs at import may matter to anything: `torch.set_default_dtype`, say."""
    assert changes(root, "bench_line", ("LEVEL = 2", "LEVEL = 2\nprint"), function="flat")


def test_the_order_of_functions_does_not_matter(root: Path) -> None:
    """A digest is of a set of functions."""
    assert digest(root, "steep", "flat") == digest(root, "flat", "steep")
    assert digest(root, "steep") != digest(root, "flat")


def test_modules_may_import_one_another(root: Path) -> None:
    """A circle of imports is followed once."""
    toy = root / "baselines" / "toy"
    (toy / "named.py").write_text("from .starred import *\n\ndef named():\n    return nobody\n")

    assert len(digest(root)) == 64


def test_a_function_from_elsewhere_has_no_source(root: Path) -> None:
    """What can't be followed is refused, not keyed by nothing."""
    with pytest.raises(
        BenchFileError, match=r"can't be followed: 'pathlib.Path'; allowed: functions"
    ):
        Sources(root).digest(Path)
    with pytest.raises(BenchFileError, match=r"can't be followed: .*<lambda>"):
        Sources(root).digest(lambda: None)
