"""A second device on one CPU: tensors there hold real values, and refuse to meet those here.

A GPU's rules without a GPU. The device is called ``meta``, a name that torch knows everywhere and
keeps no memory for; its tensors are wrappers around tensors of the CPU, on which all operations
run. As on a GPU, an operation takes tensors of one device, except for scalars of the CPU, indices
of the CPU and copies; and a tensor becomes an array of numpy by way of ``.cpu()`` only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map

THERE = "meta"
_COPIES = {"aten._to_copy", "aten.copy_", "aten.copy"}
_INDEXED = {"aten.index", "aten.index_put", "aten.index_put_", "aten._index_put_impl_"}
_NO_SCALARS = {"aten.cat", "aten.stack"}
#: What makes tensors of plain values; it has a device, and reaches no dispatcher whole.
_IS_CUDA = torch.Tensor.is_cuda.__get__
_MADE = {torch.tensor, torch.as_tensor, torch.asarray}


class Tensor(torch.Tensor):
    """A tensor on the other device."""

    value: torch.Tensor

    @staticmethod
    def __new__(cls, value: torch.Tensor) -> Self:
        assert value.device.type == "cpu", "a tensor of the other device's name holds no values"
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            value.size(),
            strides=value.stride() if value.layout is torch.strided else _contiguous(value),
            storage_offset=value.storage_offset() if value.layout is torch.strided else 0,
            dtype=value.dtype,
            device=THERE,
            requires_grad=False,
        )
        made.value = value
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _on_device(func, args, kwargs or {})


class Generator(torch.Generator):
    """A generator of either device; its numbers are the CPU's."""

    where: torch.device

    def __new__(cls, device: Any = "cpu") -> Self:
        made = super().__new__(cls)
        made.where = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.where


class MixedDevicesError(RuntimeError):
    """What a GPU would say of tensors on two devices."""


class _Functions(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in _MADE and _is_there(kwargs.get("device")):
            del kwargs["device"]
            found = args[0]
            if isinstance(found, torch.Tensor):
                return found.to(THERE, kwargs.get("dtype"))
            return Tensor(func(*args, **kwargs))
        if func is torch.Tensor.new_tensor and isinstance(args[0], Tensor):
            return Tensor(func(args[0].value, *args[1:], **kwargs))
        if func == _IS_CUDA and isinstance(args[0], Tensor):
            return True
        if func is torch.Tensor.tolist and isinstance(args[0], Tensor):
            return args[0].value.tolist()
        if func in {torch.Tensor.numpy, torch.Tensor.__array__} and isinstance(args[0], Tensor):
            raise TypeError("can't convert a tensor of the other device to numpy; use .cpu()")
        return func(*args, **kwargs)


class _Dispatched(TorchDispatchMode):
    def __init__(self, here: Counter[str]) -> None:
        super().__init__()
        self._here = here

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if _is_there(kwargs.get("device")) or _any_there((args, kwargs)):
            return _on_device(func, args, kwargs)
        found = func(*args, **kwargs)
        self._here[str(func.overloadpacket)] += sum(
            one.numel() for one in tree_flatten(found)[0] if isinstance(one, torch.Tensor)
        )
        return found


@contextmanager
def other_device(monkeypatch: Any) -> Iterator[Counter[str]]:
    """Have the other device while inside; yield operation -> elements computed on the CPU."""
    here: Counter[str] = Counter()
    monkeypatch.setattr(torch, "Generator", Generator)
    # Inference mode keeps no account of views, which wrappers need; what it computes is the same.
    monkeypatch.setattr(torch.inference_mode, "__enter__", _without_gradients)
    monkeypatch.setattr(torch.inference_mode, "__exit__", _with_them_again)
    with _Functions(), _Dispatched(here):
        yield here


def _without_gradients(mode: Any) -> None:
    mode.before = torch.is_grad_enabled()
    torch.set_grad_enabled(not mode.mode and mode.before)


def _with_them_again(mode: Any, *_: object) -> None:
    torch.set_grad_enabled(mode.before)


def _is_there(device: Any) -> bool:
    return device is not None and torch.device(device).type == THERE


def _any_there(parts: Any) -> bool:
    return any(isinstance(one, Tensor) for one in tree_flatten(parts)[0])


def _on_device(func: Any, args: Any, kwargs: Any) -> Any:
    name = str(func.overloadpacket)
    _check(name, args, kwargs)
    asked = kwargs.get("device")
    inner = {**kwargs, "device": torch.device("cpu")} if asked is not None else kwargs
    values = tree_map(_value, (args, inner))
    found = func(*values[0], **values[1])
    if asked is not None and not _is_there(asked):
        return found
    if name == "aten.copy_" and not isinstance(args[0], Tensor):
        return args[0]
    found = tree_map(lambda one: Tensor(one) if isinstance(one, torch.Tensor) else one, found)
    return return_and_correct_aliasing(func, args, kwargs, found)


def _check(name: str, args: Any, kwargs: Any) -> None:
    if name in _COPIES:
        return
    if name in _INDEXED:  # its indices may lie anywhere
        args = (args[0], *args[2:])
    tensors = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, torch.Tensor)]
    here = [one for one in tensors if not isinstance(one, Tensor)]
    if len(here) == len(tensors) and name not in _INDEXED:
        return
    if any(one.dim() or name in _NO_SCALARS for one in here):
        shapes = [(tuple(one.shape), isinstance(one, Tensor)) for one in tensors]
        raise MixedDevicesError(f"{name} of tensors on two devices: (shape, there) {shapes}")


def _contiguous(value: torch.Tensor) -> tuple[int, ...]:
    return torch.empty(value.shape, device="meta").stride()


def _value(one: Any) -> Any:
    return one.value if isinstance(one, Tensor) else one
