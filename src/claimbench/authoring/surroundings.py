"""What a process has only one of: global random streams, threads, and torch's defaults.

The one file that touches the global streams: to see whether somebody else did.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def surroundings() -> dict[str, Any]:
    """Return the state of what a process has only one of, by name; equal values are equal states.

    Of the environment there are the names alone: values may be secret.
    """
    import torch

    numpy_state: Any = np.random.get_state(legacy=True)  # noqa: NPY002  it is the global one
    return {
        "torch's global random stream": _digest(torch.get_rng_state().numpy().tobytes()),
        "numpy's global random stream": _digest(repr(numpy_state).encode(), numpy_state[1]),
        "Python's global random stream": _digest(repr(random.getstate()).encode()),
        "torch's number of threads": torch.get_num_threads(),
        "torch's default dtype": str(torch.get_default_dtype()),
        "torch's default device": str(torch.get_default_device()),
        "whether torch records gradients": torch.is_grad_enabled(),
        "whether torch is to be deterministic": torch.are_deterministic_algorithms_enabled(),
        "numpy's handling of floating point errors": tuple(sorted(np.geterr().items())),
        "the current folder": os.getcwd(),  # noqa: PTH109  compared, not used as a path
        "the names in the environment": tuple(sorted(os.environ)),
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what differs, in words."""
    return [
        f"{name}: {_shown(before[name])} before, {_shown(after[name])} after"
        if isinstance(before[name], (int, str)) and "stream" not in name
        else name
        for name in before
        if before[name] != after[name]
    ]


@contextmanager
def kept() -> Iterator[None]:
    """Put back, at the end, what a method may have changed; the environment is left as it is."""
    import torch

    numpy_state = np.random.get_state(legacy=True)  # noqa: NPY002  it is the global one
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    grad, errors, folder = torch.is_grad_enabled(), np.geterr(), os.getcwd()  # noqa: PTH109
    deterministic = torch.are_deterministic_algorithms_enabled()
    device = torch.get_default_device()
    try:
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_grad_enabled(grad)
        torch.use_deterministic_algorithms(deterministic)
        np.seterr(**errors)
        os.chdir(folder)


def seed_globals(seed: int) -> None:
    """Seed the global streams, so that who draws from them is seen to."""
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  it is the global one
    random.seed(seed)


def one_thread() -> None:
    """Compute as a worker does."""
    import torch

    torch.set_num_threads(1)


def _digest(text: bytes, array: Any = None) -> str:
    own = hashlib.sha256(text)
    if array is not None:
        own.update(np.asarray(array).tobytes())
    return own.hexdigest()


def _shown(value: Any) -> str:
    return str(value)
