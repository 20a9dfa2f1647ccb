"""Pieces of a module: what they say, without docstrings and registering decorators."""

from __future__ import annotations

import ast

from claimbench.evidence.parsing import Module, parse

TEXT = '''
"""The module."""
from claimbench import Experiment
from suite.toy.shared import registry
from numpy import exp as power

line = Experiment(problem, measure)

@registry.add
@line.method(pin="p")
async def taken(x):
    """Said first."""
    "said second"
    def inner(y):
        """Inside."""
        return power(y).shape
    return inner(x)

class Held:
    """A class."""

    @line.control
    @property
    def value(self):
        """Nothing else."""
'''
BARE = """
@registry.add
async def taken(x):
    "said second"
    def inner(y):
        return power(y).shape
    return inner(x)
"""
HELD = """
class Held:
    @property
    def value(self):
        pass
"""


def module() -> Module:
    return parse.__wrapped__("suite.toy.line.bench", "suite.toy.line", "", TEXT)


def dumped(text: str) -> str:
    return ast.dump(ast.parse(text).body[0])


def test_a_piece_says_what_its_definition_does() -> None:
    """What project code takes as it is made runs at import: it is in every piece."""
    pieces = module()

    assert pieces.piece("taken").text == f"{dumped(BARE)}\n{dumped(BARE)}"
    assert pieces.piece("Held").text == f"{dumped(HELD)}\n{dumped(BARE)}"
    assert pieces.piece("").text == dumped(BARE)


def test_a_piece_names_what_it_uses() -> None:
    """With the attribute taken of a name; of a call's result none is."""
    piece = module().piece("Held")

    assert set(piece.names) == {
        ("property", None), ("registry", "add"), ("power", None), ("inner", None), ("x", None),
        ("y", None),
    }  # fmt: skip
    assert piece.spelled == ("said second",)
    assert piece.imports == ()


def test_asking_for_a_piece_changes_no_module() -> None:
    """Whatever is left out of a piece is there again for the next."""
    asked, untouched = module(), module()
    for name in ("taken", "Held", ""):
        asked.piece(name)

    for name, nodes in untouched.definitions.items():
        assert [ast.dump(node) for node in asked.definitions[name]] == list(map(ast.dump, nodes))
