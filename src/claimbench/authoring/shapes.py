"""Shapes as interfaces write them: ``alpha (B, m) float64, dual variables``.

    [name] (dimensions) [kind] [, words]        an array; of a part of the answer, if named
    [name] callable [, words]
    each (dimensions) [kind] [, words]          a sequence of such arrays

A dimension is a number or a name, which has one size wherever it stands; ``*name`` is any number of
dimensions. Words that begin with "counts" mark a counter, which a contender may change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from claimbench.errors import BenchFileError

#: A name to its size, or, with its star, to several.
Sizes = dict[str, int | tuple[int, ...]]

_FORM = re.compile(
    r"(?:(?P<name>[A-Za-z_][\w.]*) )?"
    r"(?:\((?P<dims>[^()]*)\)(?: (?P<kind>float64|float32|float|int|bool|number))?"
    r"|(?P<callable>callable))"
    r"(?:, (?P<words>.+))?"
)
_DIMENSION = re.compile(r"\*?[A-Za-z_]\w*|\d+")
_KINDS = {
    "float64": "float64",
    "float32": "float32",
    "float": "floating point",
    "int": "whole numbers",
    "bool": "true and false",
    "number": "real numbers",
    "": "anything",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What an interface says of one array, or of one part of an answer.

    Attributes
    ----------
    name
        Of the part, which may be dotted; empty for the whole.
    dims
        None for a callable.
    each
        Whether it is a sequence of such arrays.
    """

    text: str
    name: str
    dims: tuple[str, ...] | None
    kind: str
    words: str
    each: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is a counter."""
        return self.words.startswith("counts")

    @property
    def wanted(self) -> str:
        """The shape alone, for messages."""
        if self.dims is None:
            return f"callable: {self.words}" if self.words else "callable"
        comma = "," if len(self.dims) == 1 else ""
        return f"({', '.join(self.dims)}{comma}) {self.kind}".rstrip()


def parse(text: str) -> Shape:
    """Read what an interface says.

    Raises
    ------
    BenchFileError
        When it has another form.
    """
    found = _FORM.fullmatch(text)
    dims = None
    if found is not None and found["dims"] is not None:
        dims = tuple(part.strip() for part in found["dims"].split(",") if part.strip())
    if found is None or not all(map(_DIMENSION.fullmatch, dims or ())):
        raise BenchFileError(
            "an interface says a shape in another form",
            value=text,
            allowed='[name] (dimensions) [kind][, words], such as "alpha (B, m) float64, duals"',
        )
    each = found["name"] == "each"
    return Shape(
        text=text,
        name="" if each else found["name"] or "",
        dims=dims,
        kind=found["kind"] or "",
        words=found["words"] or "",
        each=each,
    )


def size_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a tensor, an array, a number or nested sequences of them."""
    if hasattr(value, "shape"):
        return tuple(int(size) for size in value.shape)
    if isinstance(value, (bool, int, float)):
        return ()
    if isinstance(value, (list, tuple)) and all(isinstance(v, (bool, int, float)) for v in value):
        return (len(value),)
    return None


def kind_of(value: Any) -> str:
    """Return the name of the type of a tensor's or an array's entries: ``float64``."""
    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    return str(dtype).removeprefix("torch.")


def fits(kind: str, wanted: str) -> bool:
    """Return whether entries of a type, ``float64`` say, are of the kind that is wanted."""
    match wanted:
        case "":
            return True
        case "float":
            return kind.startswith(("float", "bfloat"))
        case "int":
            return kind.startswith(("int", "uint"))
        case "number":
            return not kind.startswith(("complex", "object", "str", "<U"))
        case _:
            return kind == wanted


def bind(dims: tuple[str, ...], found: tuple[int, ...], sizes: Sizes) -> bool:
    """Return whether sizes meet dimensions, and add what they tell of names yet unknown."""
    new: Sizes = {}
    starred = [i for i, name in enumerate(dims) if name.startswith("*")]
    if starred:
        at, after = starred[0], len(dims) - starred[0] - 1
        if len(found) < len(dims) - 1:
            return False
        middle = found[at : len(found) - after]
        if sizes.get(dims[at], middle) != middle:
            return False
        new[dims[at]] = middle
        dims = dims[:at] + dims[at + 1 :]
        found = found[:at] + found[len(found) - after :]
    if len(dims) != len(found):
        return False
    for name, size in zip(dims, found, strict=True):
        wanted = int(name) if name.isdigit() else sizes.get(name, new.get(name, size))
        if wanted != size:
            return False
        if not name.isdigit():
            new[name] = size
    sizes.update(new)
    return True


def numbers(dims: tuple[str, ...], sizes: Sizes) -> str:
    """Return dimensions with the sizes that are known: ``(B, m) = (2, 20)``."""
    comma = "," if len(dims) == 1 else ""
    named = f"({', '.join(dims)}{comma})"
    known: list[str] = []
    for name in dims:
        size = sizes.get(name, name)
        known += [str(one) for one in size] if isinstance(size, tuple) else [str(size)]
    sized = f"({', '.join(known)}{',' if len(known) == 1 else ''})"
    return named if named == sized else f"{named} = {sized}"


def mismatches(shape: Shape, value: Any, sizes: Sizes, device: str | None) -> list[str]:
    """Return what is wrong with a value: its type, shape, entries' type, device, NaN or inf.

    Parameters
    ----------
    sizes
        Of the problem's dimensions; what the value tells of others is added.
    device
        Where the problem's tensors lie, ``cpu`` or ``cuda``; None if it is not known.
    """
    label = shape.name or "the answer"
    if shape.dims is None:
        found = f"{type(value).__name__}"
        return [] if callable(value) else [f"{label} is of type {found}; allowed: {shape.wanted}"]
    if shape.each:
        if not isinstance(value, (list, tuple)) or not len(value):
            kind = type(value).__name__
            return [f"{label} is of type {kind}; allowed: a list of arrays {shape.wanted}"]
        return [
            problem.replace("the answer", f"item {i} of the answer", 1)
            for i, item in enumerate(value)
            for problem in _of_array(shape, item, "the answer", sizes, device)
        ]
    return _of_array(shape, value, label, sizes, device)


def _of_array(shape: Shape, value: Any, label: str, sizes: Sizes, device: str | None) -> list[str]:
    assert shape.dims is not None
    size = size_of(value)
    if size is None:
        kind, wanted = type(value).__name__, numbers(shape.dims, sizes)
        return [f"{label} is of type {kind}; allowed: a tensor or an array of shape {wanted}"]
    wrong = []
    wanted = numbers(shape.dims, sizes)
    if not bind(shape.dims, size, sizes):
        wrong.append(f"{label} has shape {size}; allowed: {wanted}")
    kind = kind_of(value)
    if not fits(kind, shape.kind):
        wrong.append(f"{label} has dtype {kind}; allowed: {_KINDS[shape.kind]}")
    where = getattr(getattr(value, "device", None), "type", None)
    if device is not None and where not in {None, device, "cpu"}:
        wrong.append(f"{label} lies on {where}; allowed: {device}, where the problem's tensors are")
    elif device not in {None, "cpu"} and where == "cpu":
        wrong.append(f"{label} lies on cpu; allowed: {device}, where the problem's tensors are")
    lost = not_finite(value)
    if lost:
        wrong.append(f"{label} has {lost} NaN or infinite entries; allowed: finite numbers")
    return wrong


def not_finite(value: Any) -> int:
    """Return how many entries are NaN or infinite."""
    array = host(value)
    return 0 if array.dtype.kind not in "fc" else int((~np.isfinite(array)).sum())


def host(value: Any) -> Any:
    """Return a tensor of any device, an array or a number as an array."""
    if hasattr(value, "detach"):
        if value.is_meta:  # it has a shape and no numbers
            return np.zeros(tuple(value.shape))
        value = value.detach().cpu()
        # numpy has no such type.
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    return np.asarray(value)
