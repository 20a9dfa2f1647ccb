"""What no source file of the project may do: keep time, draw from a global stream, unpickle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCK = "src/claimbench/evidence/clock.py"
# What looks after the global streams: they are put back after a candidate, who may do with them as
# it likes, and looked at after a method that is checked.
STREAMS = {"src/claimbench/candidates/isolation.py", "src/claimbench/authoring/surroundings.py"}
# About 300; a list of cases may run on.
MOST_LINES = {"src": 310, "suite": 310, "baselines": 310, "tests": 400}
# File -> why it may be longer. The list is best empty.
LONGER = {
    "tests/engine/reporting.py": "a made-up run, written out",
}

CLOCKS = {"time", "timeit"}
NOW = re.compile(r"(datetime|date)\.(now|utcnow|today)$")
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
# What numpy.random offers besides its global stream.
SEEDED = {
    "BitGenerator", "Generator", "MT19937", "PCG64", "PCG64DXSM", "Philox", "RandomState",
    "SFC64", "SeedSequence", "default_rng",
}  # fmt: skip
# What torch draws from its global stream unless it is given a generator.
DRAWN = {
    "bernoulli", "multinomial", "normal", "poisson", "rand", "randint", "randn", "randperm",
}  # fmt: skip
GLOBAL_SEEDS = {"manual_seed", "seed", "set_rng_state", "seed_all", "manual_seed_all"}


def sources(*folders: str) -> list[str]:
    return sorted(
        file.relative_to(ROOT).as_posix()
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
    )


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` of nested attributes, or an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def offences(text: str, *, clock: bool = False, streams: bool = False) -> Iterator[str]:
    """Yield what a source must not do, each as `line: what`."""
    for node in ast.walk(ast.parse(text)):
        for name in imported(node):
            top = name.partition(".")[0]
            if top in CLOCKS and not clock:
                yield f"{node.lineno}: imports the clock {top}"
            if top in PICKLES:
                yield f"{node.lineno}: imports {top}"
            stream = top == "random" or name.startswith(("numpy.random.", "torch.random."))
            if stream and name.rpartition(".")[2] not in SEEDED and not streams:
                yield f"{node.lineno}: imports a global stream, {name}"
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if NOW.search(name) and not clock:
                yield f"{node.lineno}: reads the clock, {name}"
            numpy = name.startswith(("np.random.", "numpy.random.")) and not streams
            if numpy and node.attr not in SEEDED:
                yield f"{node.lineno}: draws from a global stream, {name}"
            if name.startswith("torch.") and node.attr in GLOBAL_SEEDS and not streams:
                yield f"{node.lineno}: seeds a global stream, {name}"
            if name in {"torch.load", "torch.save"}:
                yield f"{node.lineno}: {name} pickles"
            if name.startswith("torch.cuda.") and node.attr == "Event" and not clock:
                yield f"{node.lineno}: keeps time, {name}"
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            keywords = {word.arg: word.value for word in node.keywords}
            drawn = name.startswith("torch.") and name.removeprefix("torch.") in DRAWN
            if drawn and "generator" not in keywords:
                yield f"{node.lineno}: {name} without a generator"
            allow = keywords.get("allow_pickle")
            if isinstance(allow, ast.Constant) and allow.value:
                yield f"{node.lineno}: allow_pickle"


@pytest.mark.parametrize("source", sources("src", "suite", "baselines"))
def test_no_clock_no_global_stream_no_pickle(source: str) -> None:
    """One file of the project keeps time; none draws from a global stream or unpickles."""
    text = (ROOT / source).read_text(encoding="utf-8")

    assert list(offences(text, clock=source == CLOCK, streams=source in STREAMS)) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from time import perf_counter",
        "datetime.datetime.now()",
        "t = datetime.now(UTC)",
        "date.today()",
        "import pickle",
        "import joblib",
        "import random",
        "from random import shuffle",
        "from numpy.random import rand",
        "np.random.seed(0)",
        "x = numpy.random.randn(3)",
        "torch.manual_seed(0)",
        "torch.cuda.manual_seed_all(0)",
        "torch.randn(3)",
        "torch.load('f')",
        "np.load('f', allow_pickle=True)",
        "start = torch.cuda.Event(enable_timing=True)",
    ],
)
def test_an_offence_is_seen(text: str) -> None:
    """The check above can fail: it sees each of the ways it forbids."""
    assert len(list(offences(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from numpy.random import Generator, default_rng",
        "np.random.default_rng(3).normal()",
        "np.random.RandomState(0).randn(3)",
        "torch.randn(3, generator=g)",
        "g = torch.Generator().manual_seed(0)",
        "np.save('f', x, allow_pickle=False)",
        "from .problem import random",
        "import timing",
        "from datetime import datetime\ndatetime.strptime(text, '%Y')",
        "clock.now()",
    ],
)
def test_what_is_allowed_is_not_an_offence(text: str) -> None:
    """Seeded streams and plain files are fine."""
    assert list(offences(text)) == []


@pytest.mark.parametrize("source", sources("src", "suite", "baselines", "tests"))
def test_a_file_stays_short(source: str) -> None:
    """A file holds one concept, so it fits in about 300 lines, or its reason is written down."""
    lines = len((ROOT / source).read_text(encoding="utf-8").splitlines())

    assert lines <= MOST_LINES[source.partition("/")[0]] or source in LONGER


@pytest.mark.parametrize("source", sources("suite"))
def test_a_paper_reads_its_own_data_only(source: str) -> None:
    """The key of a paper's evidence holds the hash of its own data, and of no other paper's."""
    domain, slug = Path(source).parts[1:3]
    text = (ROOT / source).read_text(encoding="utf-8")
    papers = {
        claim_toml.parent.relative_to(ROOT / "suite").as_posix()
        for claim_toml in (ROOT / "suite").glob("*/*/claim.toml")
    }
    strings = {
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    others = papers - {f"{domain}/{slug}"}

    assert not {s for s in strings for other in others if s.startswith((other, f"{other}/"))}
