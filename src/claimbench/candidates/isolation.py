"""Keep what a candidate does to its process and its problem from everybody else.

The suite's own contenders draw from no global stream and leave their problem alone: the tests see
to that. A candidate may do as it likes, so a worker

- puts back, after each call, the global streams of Python, numpy and torch, torch's default type,
  device and switches, numpy's error state, the warning filters, the environment, the current folder
  and the import path; before the call the streams are seeded from the candidate's own, so that one
  that draws from them repeats;
- calls it failed when it leaves another number of threads, or other cores, than contenders have;
- calls it failed when the arrays of its problem have changed, by then or by the time its answer
  has been measured, and mends them: papers share them between units.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl
import torch
from torch import nn

from claimbench.errors import ContenderError

Arrays = np.ndarray[Any, Any] | torch.Tensor


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the state of the process: how it is read and put back."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


def _set_environment(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


def _set_path(entries: list[str]) -> None:
    sys.path[:] = entries


def _set_device(device: torch.device) -> None:
    # Without a default device torch does not look for one at every call.
    torch.set_default_device(None if device == torch.device("cpu") else device)


#: Put back where it differs.
_PARTS = (
    _Part(torch.get_default_dtype, torch.set_default_dtype),
    _Part(torch.get_default_device, _set_device),
    _Part(torch.is_grad_enabled, torch.set_grad_enabled),
    _Part(torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    _Part(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    _Part(np.geterr, lambda state: np.seterr(**state)),
    _Part(os.getcwd, os.chdir),
    _Part(lambda: dict(os.environ), _set_environment),
    _Part(lambda: list(sys.path), _set_path),
    _Part(sys.getrecursionlimit, sys.setrecursionlimit),
    _Part(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
)


@contextmanager
def apart(entropy: int, *, strict: bool = True) -> Iterator[None]:
    """Run a candidate's code; put the state of the process back afterwards.

    Parameters
    ----------
    entropy
        What the global streams start from inside.
    strict
        Whether other threads and cores are an error; they are put back in any case.

    Raises
    ------
    ContenderError
        At the end, when the code has changed the number of threads or the cores to run on.
    """
    threads, cores = _threads(), _cores()
    before = [part.read() for part in _PARTS]
    streams = _streams()
    try:
        with warnings.catch_warnings():
            _seed(entropy)
            yield
    finally:
        _set_streams(streams)
        for part, value in zip(_PARTS, before, strict=True):
            if part.read() != value:
                part.write(value)
        # A library that was loaded meanwhile has no number of before: it must have one thread.
        found = {name: n for name, n in _threads().items() if n != threads.get(name, 1)}
        there = _cores()
        if found:
            _set_threads(threads)
        if there != cores:
            os.sched_setaffinity(0, cores)
    if strict and found:
        raise ContenderError(
            "it changed the number of threads of its process",
            value=found,
            allowed="one thread, as every contender has: more change last bits and seconds",
            cure="take out torch.set_num_threads, threadpool_limits and their like",
        )
    if strict and there != cores:
        raise ContenderError(
            "it moved its process to other cores", value=sorted(there), allowed=sorted(cores)
        )


class Inputs:
    """The arrays of a problem as a candidate met them.

    Followed are public attributes, in lists, tuples, mappings and the paper's own objects. An
    attribute with an underscore is the problem's own memory, and zeros in one dimension are a
    counter: these may change.

    Parameters
    ----------
    problem
        As the factory made it.
    """

    def __init__(self, problem: Any) -> None:
        self._problem = problem
        self._kept = {
            name: (array, _copy(array))
            for name, array in _arrays(problem)
            if not (array.ndim <= 1 and not array.any())
        }

    def changed(self) -> list[str]:
        """Return the arrays that differ from what they were, and mend them."""
        names = []
        now = dict(_arrays(self._problem))
        for name, (array, copy) in self._kept.items():
            if not _equal(array, copy):
                names.append(name)
                _overwrite(array, copy)
            elif name in now and now[name] is not array and not _equal(now[name], copy):
                names.append(name)
        return names

    def check(self, when: str) -> None:
        """Refuse a change.

        Raises
        ------
        ContenderError
            Naming the arrays.
        """
        names = self.changed()
        if names:
            raise ContenderError(
                f"it changed its problem in place {when}",
                value=", ".join(names),
                allowed="to read the problem's arrays; its answer may hold copies of them",
                cure="work on x.clone() (torch) or x.copy() (numpy); x += 1 changes x itself",
            )


def _arrays(
    value: Any, name: str = "problem", seen: set[int] | None = None
) -> Iterator[tuple[str, Arrays]]:
    """Yield every array that a problem shows, with the way to it."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "O":
            yield name, value
    elif isinstance(value, torch.Tensor):
        if value.layout == torch.strided:
            yield name, value
    elif isinstance(value, nn.Module):
        for key, parameter in value.named_parameters():
            yield f"{name}.{key}", parameter
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _arrays(item, f"{name}[{key!r}]", seen)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for key, item in zip(value._fields, value, strict=True):
            yield from _arrays(item, f"{name}.{key}", seen)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _arrays(item, f"{name}[{index}]", seen)
    elif type(value).__module__.partition(".")[0] in {"suite", "baselines"}:
        slots = [key for kind in type(value).__mro__ for key in getattr(kind, "__slots__", ())]
        own = {key: getattr(value, key) for key in slots if hasattr(value, key)}
        own |= getattr(value, "__dict__", {})
        for key, item in own.items():
            if not key.startswith("_"):
                yield from _arrays(item, f"{name}.{key}", seen)


def _copy(array: Arrays) -> Arrays:
    return array.detach().clone() if isinstance(array, torch.Tensor) else array.copy()


def _equal(array: Arrays, copy: Arrays) -> bool:
    """Whether two arrays are equal, NaN to NaN."""
    if isinstance(array, torch.Tensor):
        if not isinstance(copy, torch.Tensor) or array.shape != copy.shape:
            return False
        if array.dtype != copy.dtype:
            return False
        same = array.detach() == copy
        if copy.is_floating_point() or copy.is_complex():
            same |= array.detach().isnan() & copy.isnan()
        return bool(same.all())
    if isinstance(copy, torch.Tensor) or array.shape != copy.shape or array.dtype != copy.dtype:
        return False
    return bool(np.array_equal(array, copy, equal_nan=array.dtype.kind in "fc"))


def _overwrite(array: Arrays, copy: Arrays) -> None:
    if isinstance(array, torch.Tensor):
        if isinstance(copy, torch.Tensor) and array.shape == copy.shape:
            with torch.no_grad():
                array.copy_(copy)
    elif array.shape == copy.shape:
        array.flags.writeable = True
        array[...] = copy


def _streams() -> tuple[Any, ...]:
    in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch leaves it bare
    gpu = torch.cuda.get_rng_state_all() if in_use else None
    numpy = np.random.get_state()  # noqa: NPY002  kept for others
    return random.getstate(), numpy, torch.get_rng_state(), gpu


def _set_streams(states: tuple[Any, ...]) -> None:
    python, numpy, host, gpu = states
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002  put back for others
    torch.set_rng_state(host)
    if gpu is not None:
        torch.cuda.set_rng_state_all(gpu)


def _seed(entropy: int) -> None:
    random.seed(entropy)
    np.random.seed(entropy % 2**32)  # noqa: NPY002  a candidate may draw from it
    torch.manual_seed(entropy)


def _threads() -> dict[str, int]:
    """Return the threads of torch and of each library of linear algebra, by its file's name."""
    return {"torch": torch.get_num_threads()} | {
        Path(library.filepath).name: library.num_threads or 1
        for library in threadpoolctl.ThreadpoolController().lib_controllers
    }


def _set_threads(threads: dict[str, int]) -> None:
    torch.set_num_threads(threads["torch"])
    for library in threadpoolctl.ThreadpoolController().lib_controllers:
        library.set_num_threads(threads.get(Path(library.filepath).name, 1))


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
