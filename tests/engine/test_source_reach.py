"""What a function reaches in ways that are easily overlooked; running it is the oracle.

Each case is a bench file with its neighbours and an edit of one of them. The function is run before
and after: where its answer changes, the digest must.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from toy import imports_of_its_own

from claimbench.evidence.source import Sources

BENCH = "suite/toy/line/bench_line.py"
#: Name -> (bench file, other files, file that is edited, old text, new text).
REACHED: dict[str, tuple[str, dict[str, str], str, str, str]] = {
    "constant of a sibling": (
        "from .values import LEVEL\n\ndef steep():\n    return LEVEL\n",
        {"suite/toy/line/values.py": "LEVEL = 1\n"},
        "suite/toy/line/values.py", "LEVEL = 1", "LEVEL = 2",
    ),
    "constant made of another module's": (
        "from .values import LEVEL\n\ndef steep():\n    return LEVEL\n",
        {
            "suite/toy/line/values.py": "from .base import BASE\nLEVEL = [BASE, 2 * BASE]\n",
            "suite/toy/line/base.py": "BASE = 1\n",
        },
        "suite/toy/line/base.py", "1", "2",
    ),
    "decorator": (
        "from .wrap import twice\n\n@twice\ndef steep():\n    return 1\n",
        {
            "suite/toy/line/wrap.py": "import functools\n\ndef twice(function):\n"
            "    @functools.wraps(function)\n    def wrapped():\n        return 2 * function()\n"
            "    return wrapped\n"
        },
        "suite/toy/line/wrap.py", "2 * function", "3 * function",
    ),
    "class attribute": (
        "from .kinds import Line\n\ndef steep():\n    return Line().rate\n",
        {"suite/toy/line/kinds.py": "class Line:\n    rate = 1\n"},
        "suite/toy/line/kinds.py", "rate = 1", "rate = 2",
    ),
    "base class elsewhere": (
        "from .kinds import Line\n\ndef steep():\n    return Line().rate()\n",
        {
            "suite/toy/line/kinds.py": "from . import bases\n\nclass Line(bases.Base):\n    pass\n",
            "suite/toy/line/bases.py": "class Base:\n    def rate(self):\n        return 1\n",
        },
        "suite/toy/line/bases.py", "return 1", "return 2",
    ),
    "attribute set on a class": (
        "from .kinds import Line\n\ndef steep():\n    return Line().rate\n",
        {"suite/toy/line/kinds.py": "class Line:\n    pass\n\nLine.rate = 1\n"},
        "suite/toy/line/kinds.py", "rate = 1", "rate = 2",
    ),
    "field default": (
        "from .kinds import Line\n\ndef steep():\n    return Line().rate\n",
        {
            "suite/toy/line/kinds.py": "from dataclasses import dataclass, field\n"
            "from .values import LEVEL\n\n@dataclass\nclass Line:\n"
            "    rate: int = field(default_factory=lambda: LEVEL)\n",
            "suite/toy/line/values.py": "LEVEL = 1\n",
        },
        "suite/toy/line/values.py", "LEVEL = 1", "LEVEL = 2",
    ),
    "import under another name": (
        "import baselines.toy.plain as other\n\ndef steep():\n    return other.f()\n",
        {"baselines/toy/plain.py": "def f():\n    return 1\n"},
        "baselines/toy/plain.py", "return 1", "return 2",
    ),
    "folder under another name": (
        ("import baselines.toy.plain\nimport baselines.toy as toy\n\n"
        "def steep():\n    return toy.plain.f()\n"),
        {"baselines/toy/plain.py": "def f():\n    return 1\n"},
        "baselines/toy/plain.py", "return 1", "return 2",
    ),
    "folder from a folder": (
        ("import baselines.toy.plain\nfrom baselines import toy\n\n"
        "def steep():\n    return toy.plain.f()\n"),
        {"baselines/toy/plain.py": "def f():\n    return 1\n"},
        "baselines/toy/plain.py", "return 1", "return 2",
    ),
    "re-export through a package": (
        "from baselines.pack import f\n\ndef steep():\n    return f()\n",
        {
            "baselines/pack/__init__.py": "from .inner import g as f\n",
            "baselines/pack/inner.py": "def g():\n    return 1\n",
        },
        "baselines/pack/inner.py", "return 1", "return 2",
    ),
    "star through a package": (
        "from baselines.pack import *\n\ndef steep():\n    return g()\n",
        {
            "baselines/pack/__init__.py": "from .inner import *\n",
            "baselines/pack/inner.py": "def g():\n    return 1\n",
        },
        "baselines/pack/inner.py", "return 1", "return 2",
    ),
    "default argument": (
        "from .helpers import f\n\ndef steep(step=f):\n    return step()\n",
        {"suite/toy/line/helpers.py": "def f():\n    return 1\n"},
        "suite/toy/line/helpers.py", "return 1", "return 2",
    ),
    "default argument of a helper": (
        "from .helpers import g\n\ndef steep():\n    return g()\n",
        {"suite/toy/line/helpers.py": "def f():\n    return 1\n\ndef g(x=f):\n    return x()\n"},
        "suite/toy/line/helpers.py", "return 1", "return 2",
    ),
    "table of functions": (
        "from .helpers import TABLE\n\ndef steep():\n    return TABLE['f']()\n",
        {"suite/toy/line/helpers.py": "def f():\n    return 1\n\nTABLE = {'f': f}\n"},
        "suite/toy/line/helpers.py", "return 1", "return 2",
    ),
    "partial": (
        "from .helpers import HALF\n\ndef steep():\n    return HALF()\n",
        {
            "suite/toy/line/helpers.py": "from functools import partial\n\n"
            "def f(x):\n    return 1 + x\n\nHALF = partial(f, 2)\n"
        },
        "suite/toy/line/helpers.py", "1 + x", "2 + x",
    ),
    "registry": (
        "from .registry import KNOWN\n\ndef steep():\n    return KNOWN['f']()\n",
        {
            "suite/toy/line/registry.py": "KNOWN = {}\n\ndef known(f):\n"
            "    KNOWN[f.__name__] = f\n    return f\n\n@known\ndef f():\n    return 1\n"
        },
        "suite/toy/line/registry.py", "return 1", "return 2",
    ),
    "dispatch on types": (
        "from .dispatch import size\n\ndef steep():\n    return size(1)\n",
        {
            "suite/toy/line/dispatch.py": "from functools import singledispatch\n\n"
            "@singledispatch\ndef size(x):\n    return 0\n\n"
            "@size.register\ndef _of_int(x: int):\n    return 1\n"
        },
        "suite/toy/line/dispatch.py", "return 1", "return 2",
    ),
    "imported, then bound anew": (
        "from .helpers import f, twice\n\nf = twice(f)\n\ndef steep():\n    return f()\n",
        {
            "suite/toy/line/helpers.py": "def f():\n    return 1\n\n"
            "def twice(g):\n    return lambda: 2 * g()\n"
        },
        "suite/toy/line/helpers.py", "return 1", "return 2",
    ),
    "imported under a condition": (
        ("import sys\nif sys.version_info > (3,):\n    from .helpers import f\n    NEW = True\n\n"
        "def steep():\n    return f()\n"),
        {"suite/toy/line/helpers.py": "def f():\n    return 1\n"},
        "suite/toy/line/helpers.py", "return 1", "return 2",
    ),
    "imported or else": (
        ("try:\n    from no_such_package import f\nexcept ImportError:\n"
        "    from .helpers import f\n\n"
        "def steep():\n    return f()\n"),
        {"suite/toy/line/helpers.py": "def f():\n    return 1\n"},
        "suite/toy/line/helpers.py", "return 1", "return 2",
    ),
    "imported by name": (
        ("import importlib\n\ndef steep():\n"
        "    return importlib.import_module('baselines.toy.plain').f()\n"),
        {"baselines/toy/plain.py": "def f():\n    return 1\n"},
        "baselines/toy/plain.py", "return 1", "return 2",
    ),
    "attribute by name": (
        "from . import helpers\n\ndef steep():\n    return getattr(helpers, 'f')()\n",
        {"suite/toy/line/helpers.py": "def f():\n    return 1\n"},
        "suite/toy/line/helpers.py", "return 1", "return 2",
    ),
    "what a sibling does as it is imported": (
        "from . import setup\nfrom .state import LEVEL\n\ndef steep():\n    return sum(LEVEL)\n",
        {
            "suite/toy/line/setup.py": "from . import state\n\nstate.LEVEL.append(1)\n",
            "suite/toy/line/state.py": "LEVEL = []\n",
        },
        "suite/toy/line/setup.py", "append(1)", "append(2)",
    ),
    "what a package does as it is imported": (
        "from .state import LEVEL\n\ndef steep():\n    return sum(LEVEL)\n",
        {
            "suite/toy/line/__init__.py": "from .state import LEVEL\n\nLEVEL.append(1)\n",
            "suite/toy/line/state.py": "LEVEL = []\n",
        },
        "suite/toy/line/__init__.py", "append(1)", "append(2)",
    ),
    "shared substrate": (
        "from ..shared.model import f\n\ndef steep():\n    return f()\n",
        {"suite/toy/shared/model.py": "from .parts import g\n\ndef f():\n    return g()\n",
         "suite/toy/shared/parts.py": "def g():\n    return 1\n"},
        "suite/toy/shared/parts.py", "return 1", "return 2",
    ),
    "file beside the module": (
        ("from pathlib import Path\n\n"
        "def steep():\n    return Path(__file__).with_name('table.csv').read_text()\n"),
        {"suite/toy/line/table.csv": "1\n"},
        "suite/toy/line/table.csv", "1", "2",
    ),
    "file whose name is put together": (
        ("from pathlib import Path\n\nHERE = Path(__file__).parent\n\n"
        "def steep(name='table'):\n    return (HERE / 'tables' / f'{name}.csv').read_text()\n"),
        {"suite/toy/line/tables/table.csv": "1\n"},
        "suite/toy/line/tables/table.csv", "1", "2",
    ),
    "file from the root": (
        ("def steep():\n    with open('suite/toy/line/table.csv') as file:\n"
        "        return file.read()\n"),
        {"suite/toy/line/table.csv": "1\n"},
        "suite/toy/line/table.csv", "1", "2",
    ),
}  # fmt: skip
NOT_REACHED: dict[str, tuple[str, dict[str, str], str, str, str]] = {
    "another constant": (
        "from .values import LEVEL\n\ndef steep():\n    return LEVEL\n",
        {"suite/toy/line/values.py": "LEVEL = 1\nOTHER = 1\n"},
        "suite/toy/line/values.py", "OTHER = 1", "OTHER = 2",
    ),
    "a comment in a sibling": (
        "from .values import LEVEL\n\ndef steep():\n    return LEVEL\n",
        {"suite/toy/line/values.py": "LEVEL = 1\n"},
        "suite/toy/line/values.py", "LEVEL = 1", "LEVEL = 1  # the level",
    ),
    "a module that nobody imports": (
        "def steep():\n    return 1\n",
        {"suite/toy/line/other.py": "print(1)\n"},
        "suite/toy/line/other.py", "1", "2",
    ),
    "a figure": (
        "def steep():\n    return 1\n",
        {"suite/toy/line/figures.py": "def f():\n    return 1\n"},
        "suite/toy/line/figures.py", "return 1", "return 2",
    ),
    "another file beside the module": (
        ("from pathlib import Path\n\ndef steep():\n"
        "    return Path('suite/toy/line/a.csv').read_text()\n"),
        {"suite/toy/line/a.csv": "1\n", "suite/toy/line/b.csv": "1\n"},
        "suite/toy/line/b.csv", "1", "2",
    ),
    "the rule, beside a module that looks around": (
        ("from pathlib import Path\n\n"
        "def steep():\n    return Path(__file__).with_name('a.csv').read_text()\n"),
        {"suite/toy/line/a.csv": "1\n", "suite/toy/line/claim.toml": "margin = 1\n"},
        "suite/toy/line/claim.toml", "1", "2",
    ),
    "a word that is no file": (
        "def steep():\n    return 'table'\n",
        {"suite/toy/line/table.csv": "1\n"},
        "suite/toy/line/table.csv", "1", "2",
    ),
}  # fmt: skip


def run(root: Path) -> tuple[str, Any]:
    """Return the digest of the function and its answer."""
    with imports_of_its_own(), pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        patch.chdir(root)
        steep = importlib.import_module("suite.toy.line.bench_line").steep
        return Sources(root).digest(steep), steep()


def both(root: Path, case: tuple[str, dict[str, str], str, str, str]) -> list[tuple[str, Any]]:
    """Return digest and answer before and after the edit."""
    bench, files, edited, old, new = case
    for name, text in {**files, BENCH: bench}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    found = [run(root)]
    text = (root / edited).read_text()
    assert old in text
    (root / edited).write_text(text.replace(old, new))
    for compiled in root.rglob("*.pyc"):  # the edit is of the same second and of the same length
        compiled.unlink()
    return [*found, run(root)]


@pytest.mark.parametrize("case", REACHED.values(), ids=REACHED)
def test_what_changes_the_answer_changes_the_digest(
    tmp_path: Path, case: tuple[str, dict[str, str], str, str, str]
) -> None:
    """Whatever way the edited line is reached."""
    (before, first), (after, second) = both(tmp_path, case)

    assert first != second  # else the case would say nothing
    assert before != after


@pytest.mark.parametrize("case", NOT_REACHED.values(), ids=NOT_REACHED)
def test_what_can_not_change_the_answer_leaves_the_digest(
    tmp_path: Path, case: tuple[str, dict[str, str], str, str, str]
) -> None:
    """So that a rerun computes only what changed."""
    (before, first), (after, second) = both(tmp_path, case)

    assert first == second
    assert before == after


def test_data_sets_are_another_part_of_the_key(tmp_path: Path) -> None:
    """Named in a source, they are not hashed a second time."""
    bench = "def steep():\n    return len('datasets/toy.csv')\n"

    (before, _), (after, _) = both(
        tmp_path, (bench, {"datasets/toy.csv": "1\n"}, "datasets/toy.csv", "1", "2")
    )

    assert before == after


def test_packages_of_others_are_told_by_their_first_words(tmp_path: Path) -> None:
    """Those that the function reaches, through modules of the project, and no other."""
    files = {
        BENCH: "import json\nfrom .helpers import f\n\ndef steep():\n    return f()\n",
        "suite/toy/line/helpers.py": "import numpy.linalg as la\nimport scipy.special\n"
        "import pandas\n\ndef f():\n    from pyarrow import table\n"
        "    return la.norm([1]), scipy.special, table\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    with imports_of_its_own(), pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        steep = importlib.import_module("suite.toy.line.bench_line").steep
        assert Sources(tmp_path).packages(steep) == {"numpy", "scipy", "pyarrow"}
