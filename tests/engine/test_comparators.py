"""The pins against the code: every baseline has one, and it says what is called and tuned."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from claimbench.checkout import import_bench, papers
from claimbench.experiment import Contender, Experiment
from claimbench.pins import Pin, read_pins

ROOT = Path(__file__).parents[2]
PINS = read_pins(ROOT / "baselines" / "pins.toml")

NUMBER = r"\d+(?:\.\d+)?"
#: `name over a, b and c`: what the engine tunes, as the settings of a pin have it.
GRID = re.compile(rf"(\w+) over ((?:{NUMBER}, )*{NUMBER} and {NUMBER})")


def contenders() -> Iterator[tuple[str, Contender]]:
    """Yield every contender of every bench file with its place."""
    for files in papers(ROOT):
        for name, value in vars(import_bench(files)).items():
            if isinstance(value, Experiment):
                for contender in value.contenders.values():
                    yield f"{files.id}::{name}[{contender.name}]", contender


@pytest.fixture(scope="module")
def found() -> list[tuple[str, Contender]]:
    return list(contenders())


def in_code(pin: Pin, found: list[tuple[str, Contender]]) -> set[tuple[str, tuple[float, ...]]]:
    """Return the grids of whoever has this pin: hyper-parameter and values."""
    return {
        (name, tuple(float(value) for value in values))
        for _, contender in found
        if contender.pin == pin.name
        for name, values in contender.grid.items()
    }


def in_words(pin: Pin) -> set[tuple[str, tuple[float, ...]]]:
    """Return the grids that the pin's settings name."""
    return {
        (name.lower(), tuple(float(value) for value in re.split(", | and ", values)))
        for name, values in GRID.findall(pin.settings)
    }


def names_used() -> set[str]:
    """Return every name and attribute in the code of the opponents and of the suite."""
    files = chain((ROOT / "baselines").rglob("*.py"), (ROOT / "suite").rglob("*.py"))
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.name.rpartition(".")[2])
    return found


def test_every_baseline_is_pinned(found: list[tuple[str, Contender]]) -> None:
    """Whoever stands beside a method says where it comes from, or which equation it is."""
    unpinned = {one.name for _, one in found if one.role == "baseline" and one.pin is None}

    assert len(found) > 100
    assert not unpinned
    assert {one.pin for _, one in found if one.pin} == set(PINS)


def test_grids_are_those_of_the_code(found: list[tuple[str, Contender]]) -> None:
    """What a pin says is tuned, and over which values, is what the engine tunes; no more."""
    told = {name: in_words(pin) for name, pin in PINS.items()}

    assert told == {name: in_code(pin, found) for name, pin in PINS.items()}
    assert sum(map(len, told.values())) > 20


def test_a_package_is_called_as_its_pin_says() -> None:
    """Each function that a pin names is one that the code uses."""
    used = names_used()
    for pin in PINS.values():
        calls = re.findall(r"[a-zA-Z_]\w*(?:\.\w+)+", pin.call)
        assert bool(calls) == (pin.source == "package"), pin.name
        assert {call.rpartition(".")[2] for call in calls} <= used, pin.name
