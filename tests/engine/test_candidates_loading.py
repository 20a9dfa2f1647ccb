"""A candidate's file: imported beside its neighbours, checked, digested; nobody else notices."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy import environment

from claimbench.candidates import loading
from claimbench.candidates.importing import neighbour
from claimbench.candidates.loading import grid_of, load, wants_streams
from claimbench.candidates.source import origin
from claimbench.candidates.spec import Spec, parse
from claimbench.errors import CandidateError

SOLVE = "def solve(problem):\n    return problem\n"


def spec(folder: Path, text: str = SOLVE, target: str = "mine.py:solve", **files: str) -> Spec:
    """Write a candidate's folder and return its spec; two underscores stand for the dot."""
    for name, content in {"mine.py": text, **files}.items():
        path = folder / name.replace("__py", ".py").replace("___", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return parse(f"toy/line={target}", folder)


def digest(made: Spec) -> str:
    return origin(made, Path("/nowhere")).digest


def test_a_candidate_is_any_callable(tmp_path: Path) -> None:
    """A function, or an object that can be called; with its private streams if it takes them."""
    text = (
        SOLVE
        + "class Fast:\n    def __call__(self, problem, *, streams):\n        return 2\n"
        + "fast = Fast()\n"
    )
    fast = spec(tmp_path, text, "mine.py:fast")

    assert load(spec(tmp_path, text))(3) == 3
    assert load(fast)(3, streams=None) == 2
    assert wants_streams(load(fast), {}, fast)
    assert not wants_streams(load(spec(tmp_path, text)), {}, fast)


def test_neighbours_are_imported_as_by_a_script(tmp_path: Path) -> None:
    """Absolute and relative, modules and packages, at the top and inside a function."""
    made = spec(
        tmp_path,
        "import near\nimport pack.deep as deep\nimport pack.deep, math\nfrom near import ONE\n"
        "def solve(problem):\n    from pack import TWO\n    import later as late\n"
        "    return [near.ONE, ONE, TWO, deep.THREE, pack.deep.THREE, late.FOUR, math.pi > 3]\n",
        near__py="ONE = 1\n",
        later__py="from near import ONE\nFOUR = 4 * ONE\n",
        pack_____init____py="from near import ONE\nTWO = 2 * ONE\n",
        pack___deep__py="from . import TWO\nfrom .. import near\nTHREE = TWO + near.ONE\n",
    )

    assert load(made)(None) == [1, 1, 2, 3, 3, 4, True]


def test_the_imports_of_others_do_not_change(tmp_path: Path) -> None:
    """No path, no module under its own name, no bytecode; two folders may have equal neighbours."""
    before = list(sys.path)
    one = spec(
        tmp_path / "one", "import near\ndef solve(p):\n    return near.X\n", near__py="X = 1"
    )
    two = spec(
        tmp_path / "two", "import near\ndef solve(p):\n    return near.X\n", near__py="X = 2"
    )

    assert (load(one)(0), load(two)(0)) == (1, 2)
    assert sys.path == before
    assert not {"near", "mine"} & set(sys.modules)
    assert not list(tmp_path.rglob("__pycache__"))
    with pytest.raises(ModuleNotFoundError):
        __import__("near")


def test_the_project_is_nobody_s_neighbour(tmp_path: Path) -> None:
    """A candidate that lies in the checkout's own folder gets the suite that runs."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "__init__.py").touch()
    (tmp_path / "near.py").touch()

    assert neighbour(tmp_path, "suite") is None
    assert neighbour(tmp_path, "near") == tmp_path / "near.py"


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        (SOLVE, "other.py:solve", "file of a candidate is missing: 'other.py'; allowed: mine.py"),
        ("x = 1\ny = 1 / 0\n", "mine.py:solve", "(ZeroDivisionError: division by zero; mine.py, "),
        ("def solve(:\n", "mine.py:solve", "(SyntaxError: "),
        ("import sys\nsys.exit('no')\n", "mine.py:solve", "mine.py can't be imported (SystemExit:"),
        ("import no_such_thing\n", "mine.py:solve", "to mend it: a candidate may import what is i"),
        (SOLVE, "mine.py:slove", "no such callable: 'slove'; allowed: solve; did you mean 'so"),
        ("solve = 3\nfast = print\n" + SOLVE.replace("solve", "other"), "mine.py:solve",
         "can't be called: 'mine.py:solve is of type int'; allowed: "),
        ("class solve:\n    pass\n", "mine.py:solve", "is a class: called with a problem it"),
        ("async def solve(problem):\n    pass\n", "mine.py:solve", "coroutine or a generator"),
        ("def solve(problem):\n    yield 1\n", "mine.py:solve", "coroutine or a generator"),
        ("def solve():\n    pass\n", "mine.py:solve", "can't be called with a problem: 'solve()'"),
        ("def solve(problem, rate):\n    pass\n", "mine.py:solve", "allowed: (problem), and as k"),
        ("solve = max\n", "mine.py:solve", "does not tell how it is called: 'mine.py:solve'"),
        (SOLVE + "solve.grid = 3\n", "mine.py:solve", "grid of candidate mine: 3; allowed: a map"),
        (SOLVE + "solve.grid = {'a': []}\n", "mine.py:solve", "grid of candidate mine at 'a': []"),
        (SOLVE + "solve.grid = {'a': [float('nan')]}\n", "mine.py:solve", "at 'a': [nan]"),
        (SOLVE + "solve.grid = {'a': [1]}\n", "mine.py:solve", "can't be called with a problem"),
    ],
)  # fmt: skip
def test_what_is_no_candidate_is_refused(
    tmp_path: Path, text: str, target: str, words: str
) -> None:
    """What is wrong, where, and what there is instead."""
    made = spec(tmp_path, text, target)

    with pytest.raises(CandidateError) as caught:
        load(made)

    assert words in str(caught.value)


def test_the_line_that_raised_is_named_in_a_neighbour_too(tmp_path: Path) -> None:
    """The last step inside the candidate's folder; and a second try is a try afresh."""
    made = spec(tmp_path, "import near\n" + SOLVE, near__py="\n\nraise ValueError('no')\n")

    with pytest.raises(CandidateError, match=r"ValueError: no; near\.py, line 3"):
        load(made)
    (tmp_path / "near.py").write_text("X = 1\n")
    assert load(made)(7) == 7


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """Where there are no files to choose from, the path that was looked at is told."""
    with pytest.raises(CandidateError, match="relative paths are against the current folder"):
        load(parse("toy/line=nowhere/mine.py:solve", tmp_path))


def test_a_grid_holds_plain_values(tmp_path: Path) -> None:
    """Arrays of numpy become lists, for the key of the evidence is JSON."""
    text = "import numpy as np\ndef solve(problem, *, rate=1.0):\n    pass\n"
    made = spec(tmp_path, text + "solve.grid = {'rate': np.array([0.5, 1.0])}\n")

    assert grid_of(load(made), made) == {"rate": (0.5, 1.0)}
    assert type(grid_of(load(made), made)["rate"][0]) is float


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"text": "import near\n# a word\ndef solve(problem):\n\n    return near.X\n"}, True),
        ({"text": "import near\ndef solve(problem):\n    return near.X + 1\n"}, False),
        ({"near__py": "from far import X  # said\n"}, True),
        ({"near__py": "from far import Y as X\n"}, False),
        ({"far__py": "X = Y = 2\n"}, False),
        ({"lazy__py": "Z = 1\n"}, False),
        ({"stranger__py": "Z = 1\n"}, True),
    ],
)
def test_the_digest_covers_what_is_reached(
    tmp_path: Path, change: dict[str, str], same: object
) -> None:
    """The file and what it imports from its folder, in functions too; comments and others not."""
    files = {
        "text": "import near\ndef solve(problem):\n    return near.X\n",
        "near__py": "from far import X\n",
        "far__py": "X = Y = 1\ndef f():\n    import lazy\n",
        "lazy__py": "Z = 0\n",
    }
    before = digest(spec(tmp_path, **files))
    after = digest(spec(tmp_path, **{**files, **change}))

    assert (before == after) is same


def test_the_digest_covers_the_project_s_code_it_uses(tmp_path: Path) -> None:
    """A candidate built on a paper's own method changes with it."""
    method = tmp_path / "suite" / "toy" / "line" / "method.py"
    method.parent.mkdir(parents=True)
    method.write_text("RATE = 1\n")
    made = spec(tmp_path / "mine", "from suite.toy.line import method\n" + SOLVE)
    before = origin(made, tmp_path).digest
    method.write_text("RATE = 2\n")

    assert origin(made, tmp_path).digest != before


def test_the_digest_does_not_know_the_folder(tmp_path: Path) -> None:
    """Moved to another folder, its evidence is still its own; no path is told."""
    one, two = spec(tmp_path / "one"), spec(tmp_path / "two")

    assert digest(one) == digest(two)
    assert origin(one, tmp_path).facts == {
        "file": "mine.py", "object": "solve", "digest": digest(one)
    }  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package as pip leaves it: its folder, and its distribution's."""
    info = tmp_path / "their_solvers-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-solvers\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(
        "[claimbench.candidates]\ntheirs = theirs.solvers:solve\nbroken = theirs.solvers:nothing\n"
    )
    package = tmp_path / "theirs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "solvers.py").write_text(SOLVE)
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
        del sys.modules[name]


def test_an_entry_point_of_an_installed_package_is_a_candidate(installed: Path) -> None:
    """Known by its name, its distribution's version and every file of its package."""
    made = parse("toy/line=theirs", installed)
    before = origin(made, installed)

    assert load(made)(5) == 5
    assert {**before.facts, "digest": ""} == {
        "entry_point": "theirs", "object": "theirs.solvers:solve", "digest": "",
        "distribution": "their-solvers", "version": "2.1",
    }  # fmt: skip
    (installed / "other.py").write_text("X = 1\n")
    assert origin(made, installed).digest != before.digest


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("thiers", "offers such a candidate: 'thiers'; allowed: broken, theirs; did you mean 'the"),
        ("broken", "broken (theirs.solvers:nothing) can't be imported (AttributeError:"),
    ],
)
def test_an_entry_point_that_is_none_is_refused(installed: Path, name: str, words: str) -> None:
    """With those that are offered."""
    with pytest.raises(CandidateError) as caught:
        load(parse(f"toy/line={name}", installed))

    assert words in str(caught.value)


def test_an_entry_point_offered_twice_is_refused(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of the two runs would depend on the path."""
    other = tmp_path / "more" / "other-1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (other / "entry_points.txt").write_text("[claimbench.candidates]\ntheirs = x:y\n")
    monkeypatch.syspath_prepend(tmp_path / "more")

    with pytest.raises(CandidateError, match="two installed packages offer"):
        load(parse("toy/line=theirs", installed))


def test_nothing_is_offered_where_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group is named, for whoever writes a package."""
    monkeypatch.setattr(loading, "GROUP", "claimbench.nobody")

    with pytest.raises(CandidateError, match=r"entry points of the group claimbench\.nobody"):
        load(parse("toy/line=theirs", Path("/")))


def test_torch_is_not_imported_before_it_is_needed() -> None:
    """Options are checked, and candidates known, without it: it takes a second."""
    code = (
        "import sys, claimbench.plugin, claimbench.candidates.joining; "
        "sys.exit('torch' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)
