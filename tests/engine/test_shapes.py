"""Shapes as interfaces write them, against sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from claimbench.authoring.shapes import Sizes, bind, fits, mismatches, numbers, parse, size_of
from claimbench.errors import BenchFileError


@pytest.mark.parametrize(
    ("text", "name", "dims", "kind", "words"),
    [
        ("(B, m) float64", "", ("B", "m"), "float64", ""),
        ("(B,) int, counts calls", "", ("B",), "int", "counts calls"),
        ("alpha (B, 3), duals, in euro", "alpha", ("B", "3"), "", "duals, in euro"),
        ("own.part (rows, *steps) float", "own.part", ("rows", "*steps"), "float", ""),
        ("live () number", "live", (), "number", ""),
        ("policy callable, x to q", "policy", None, "", "x to q"),
        ("each (n,) bool", "", ("n",), "bool", ""),
    ],
)  # fmt: skip
def test_a_shape_is_read(
    text: str, name: str, dims: tuple[str, ...] | None, kind: str, words: str
) -> None:
    """Name, dimensions, kind and words are told apart."""
    shape = parse(text)

    assert (shape.name, shape.dims, shape.kind, shape.words) == (name, dims, kind, words)
    assert shape.counts == words.startswith("counts")
    assert shape.each == text.startswith("each ")


@pytest.mark.parametrize("text", ["B, m", "(B, m) double", "(B m)", "(B-1,)", "", "a b (n,)"])
def test_another_form_is_refused(text: str) -> None:
    """The message shows one that is right."""
    with pytest.raises(BenchFileError, match=r"another form.*alpha \(B, m\) float64"):
        parse(text)


@given(st.lists(st.integers(0, 5), max_size=5), st.data())
def test_a_star_takes_what_the_others_leave(size: list[int], data: st.DataObject) -> None:
    """With k names before the star and l after it, it stands for all but k + l axes."""
    before = data.draw(st.integers(0, len(size)))
    after = data.draw(st.integers(0, len(size) - before))
    dims = (*[f"a{i}" for i in range(before)], "*rest", *[f"b{i}" for i in range(after)])
    sizes: Sizes = {}

    assert bind(dims, tuple(size), sizes)
    assert sizes["*rest"] == tuple(size[before : len(size) - after])
    assert [sizes[f"a{i}"] for i in range(before)] == size[:before]
    assert [sizes[f"b{i}"] for i in range(after)] == size[len(size) - after :]


def test_a_name_has_one_size() -> None:
    """Within one shape and from shape to shape; a mismatch adds nothing."""
    sizes: Sizes = {}

    assert bind(("n", "d"), (2, 3), sizes)
    assert not bind(("d", "k"), (4, 5), sizes)
    assert not bind(("x", "x"), (4, 5), sizes)
    assert not bind(("n", "7"), (2, 6), sizes)
    assert sizes == {"n": 2, "d": 3}
    assert numbers(("n", "k"), sizes) == "(n, k) = (2, k)"
    assert numbers(("k",), sizes) == "(k,)"


@pytest.mark.parametrize(
    ("kind", "wanted", "right"),
    [
        ("float32", "float", True), ("bfloat16", "float", True), ("int64", "float", False),
        ("uint8", "int", True), ("bool", "int", False), ("bool", "number", True),
        ("complex128", "number", False), ("float32", "float64", False), ("complex64", "", True),
    ],
)  # fmt: skip
def test_kinds(kind: str, wanted: str, *, right: bool) -> None:
    """`float` is any precision, `number` anything real; `float64` is no float32."""
    assert fits(kind, wanted) is right


def test_lists_of_arrays_are_looked_at_one_by_one() -> None:
    """The message says which."""
    shape = parse("each (n,) float64")
    items = [torch.zeros(2, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)]

    assert mismatches(shape, items[:1], {"n": 2}, "cpu") == []
    assert mismatches(shape, items, {"n": 2}, "cpu") == [
        "item 1 of the answer has shape (3,); allowed: (n,) = (2,)"
    ]
    assert "a list of arrays" in mismatches(shape, items[0], {}, "cpu")[0]


def test_sizes_of_what_is_no_tensor() -> None:
    """Numbers have none, flat sequences of numbers one, and anything else is no array."""
    assert size_of(3.0) == ()
    assert size_of((1, 2)) == (2,)
    assert size_of(np.zeros((2, 0))) == (2, 0)
    assert size_of("text") is None
    assert size_of([[1], [2]]) is None
