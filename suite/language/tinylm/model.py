"""A decoder transformer, stacked: K nets of one architecture, computed as one batch of products.

Nets share nothing. Every weight has the net as its leading axis, (K, ...), and every product is
one `baddbmm` over the stack, so that K small runs cost less than one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, one_hot, scaled_dot_product_attention

#: Gets the layer's number and its queries, keys and values, 3 x (K, B, S, heads, width / heads).
Attention = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Architecture:
    """Pre-norm, learned positions, GELU between width and 4 width, untied head without bias.

    Attributes
    ----------
    vocabulary
        V.
    context
        The most tokens that are read.
    width
        d.
    """

    vocabulary: int
    context: int
    width: int = 64
    layers: int = 2
    heads: int = 4

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight of one net; matrices are (in, out), the head (V, d)."""
        d = self.width
        shapes: dict[str, tuple[int, ...]] = {
            "tokens": (self.vocabulary, d),
            "positions": (self.context, d),
        }
        for layer in range(self.layers):
            of_layer = {
                "attention_norm": (2, d),
                "query_key_value": (d, 3 * d),
                "query_key_value_bias": (1, 3 * d),
                "attention_out": (d, d),
                "attention_out_bias": (1, d),
                "mlp_norm": (2, d),
                "mlp_in": (d, 4 * d),
                "mlp_in_bias": (1, 4 * d),
                "mlp_out": (4 * d, d),
                "mlp_out_bias": (1, d),
            }
            shapes |= {f"{layer}.{name}": shape for name, shape in of_layer.items()}
        return shapes | {"norm": (2, d), "head": (self.vocabulary, d)}

    def initial(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the weights of one net at its start.

        Weights are normal with deviation 0.02, those that end in the residual stream divided by
        sqrt(2 layers); biases are 0, gains 1.
        """
        return {name: self._drawn(name, shape, generator) for name, shape in self.shapes().items()}

    def _drawn(self, name: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        if name.endswith("bias"):
            return torch.zeros(shape)
        if name.endswith("norm"):
            return torch.stack((torch.ones(self.width), torch.zeros(self.width)))
        residual = name.endswith("_out")
        deviation = 0.02 / sqrt(2 * self.layers) if residual else 0.02
        return deviation * torch.randn(shape, generator=generator)


class Transformer:
    """K nets.

    Attributes
    ----------
    flat
        (K, weights): all weights of a net in one row.
    parameters
        Name -> (K, ...), leaves that are views of `flat`.
    """

    def __init__(self, architecture: Architecture, nets: Sequence[Mapping[str, Any]], device: Any):
        """Take the weights of each net, name -> array."""
        self.architecture = architecture
        shapes = architecture.shapes()
        rows = [
            torch.cat([torch.as_tensor(net[name]).reshape(-1) for name in shapes]) for net in nets
        ]
        self.flat = torch.stack(rows).to(device)
        self.parameters: dict[str, Tensor] = {}
        first = 0
        for name, shape in shapes.items():
            part = slice(first, first + prod(shape))
            leaf = self.flat[:, part].view(-1, *shape).detach()
            self.parameters[name] = leaf.requires_grad_()
            first = part.stop

    @property
    def K(self) -> int:
        """How many nets there are."""
        return len(self.flat)

    @property
    def device(self) -> torch.device:
        """Of all tensors."""
        return self.flat.device

    @property
    def head(self) -> Tensor:
        """W, (K, V, d): the logits are z = W h."""
        return self.parameters["head"]

    def gradient(self, loss: Tensor) -> Tensor:
        """Return the gradient of each net's loss, (K, weights), of losses (K,).

        Nets share nothing, so that the gradient of the sum holds that of each.
        """
        parts = torch.autograd.grad(loss.sum(), [*self.parameters.values()])
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def net(self, k: int) -> dict[str, Tensor]:
        """Return a copy of the weights of one net, name -> tensor on the CPU."""
        return {name: leaf[k].detach().cpu().clone() for name, leaf in self.parameters.items()}

    def __call__(self, tokens: Tensor, *, last: int | None = None) -> tuple[Tensor, Tensor]:
        """Return logits (K, B, last, V) and final hidden states (K, B, last, d) of `tokens`.

        Parameters
        ----------
        tokens
            (K, B, S).
        last
            At how many positions, counted from the end; by default all.
        """
        hidden = self.hidden(self.embedded(tokens), causal, last=last)
        return self.logits(hidden), hidden

    def embedded(self, tokens: Tensor, *, first: int = 0) -> Tensor:
        """Return (K, B, S, d) of `tokens` (K, B, S) that begin at position `first`."""
        table = self.parameters["tokens"]
        # A product with the table, where indexing would add up its gradient one by one.
        chosen = one_hot(tokens.flatten(1), table.shape[1]).to(table.dtype)
        x = torch.bmm(chosen, table).view(*tokens.shape, -1)
        return x + self.parameters["positions"][:, None, first : first + tokens.shape[-1]]

    def hidden(self, x: Tensor, attention: Attention, *, last: int | None = None) -> Tensor:
        """Return the final hidden states h, (K, B, last, d), of embedded tokens (K, B, S, d)."""
        layers, heads = self.architecture.layers, self.architecture.heads
        for layer in range(layers):
            name = f"{layer}."
            y = self._linear(self._norm(x, name + "attention_norm"), name + "query_key_value")
            q, k, v = y.view(*y.shape[:-1], 3, heads, -1).unbind(-3)
            if last is not None and layer == layers - 1:
                # Nothing is read of the last layer elsewhere.
                q, x = q[:, :, -last:], x[:, :, -last:]
            x = x + self._linear(attention(layer, q, k, v), name + "attention_out")
            y = gelu(self._linear(self._norm(x, name + "mlp_norm"), name + "mlp_in"))
            x = x + self._linear(y, name + "mlp_out")
        return self._norm(x, "norm")

    def logits(self, hidden: Tensor) -> Tensor:
        """Return z = W h, (K, ..., V), of hidden states (K, ..., d)."""
        z = torch.bmm(hidden.flatten(1, -2), self.head.transpose(1, 2))
        return z.view(*hidden.shape[:-1], -1)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        W, b = self.parameters[name], self.parameters[name + "_bias"]
        return torch.baddbmm(b, x.flatten(1, -2), W).view(*x.shape[:-1], -1)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        gain, bias = self.parameters[name].unbind(1)
        unit = layer_norm(x, x.shape[-1:])
        return torch.addcmul(bias[:, None, None], unit, gain[:, None, None])


def causal(_layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return (K, B, Q, d): each query sees the keys up to its own position.

    Parameters
    ----------
    q
        (K, B, Q, heads, d / heads), of the last Q positions.
    k, v
        (K, B, S, heads, d / heads).
    """
    K, Q, S = q.shape[0], q.shape[2], k.shape[2]
    q, k, v = (each.transpose(2, 3).flatten(0, 1) for each in (q, k, v))
    if Q == S:
        found = scaled_dot_product_attention(q, k, v, is_causal=True)
    else:
        seen = torch.ones(Q, S, dtype=torch.bool, device=q.device).tril(S - Q)
        found = scaled_dot_product_attention(q, k, v, attn_mask=seen)
    return found.transpose(1, 2).reshape(K, -1, Q, q.shape[1] * q.shape[3])
