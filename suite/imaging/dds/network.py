"""A small U-Net that predicts noise, and its training: the network of prior B."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log, sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, silu

from .schedule import N, abar

#: Groups of the group norms; blocks at each resolution, down and up.
GROUPS, BLOCKS = 8, 2
#: Of Adam, of the exponential moving average of the weights, and images in a step.
LR, EMA, BATCH = 2e-4, 0.999, 64

#: (images, generator) to as many clean images (images, side, side), in about [-1, 1].
Source = Callable[[int, torch.Generator], Tensor]


def embedding(t: Tensor, width: int) -> Tensor:
    """Return sinusoids of times (B,), (B, width)."""
    half = width // 2
    frequencies = torch.exp(-log(10_000) / half * torch.arange(half, device=t.device))
    angles = t[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=1)


class Block(nn.Module):
    """A residual block, shifted by the embedded time."""

    def __init__(self, before: int, after: int, time: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(GROUPS, before), nn.SiLU(), nn.Conv2d(before, after, 3, padding=1)
        )
        self.shift = nn.Linear(time, after)
        self.second = nn.Sequential(
            nn.GroupNorm(GROUPS, after), nn.SiLU(), nn.Conv2d(after, after, 3, padding=1)
        )
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Return (B, after, side, side)."""
        h = self.first(x) + self.shift(time)[:, :, None, None]
        return self.skip(x) + self.second(h)


class UNet(nn.Module):
    """e(x_t, t) of one-channel images (B, side, side).

    Parameters
    ----------
    channels
        At each resolution, the finest first; each halves the side.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.width, time = channels[0], 4 * channels[0]
        self.time = nn.Sequential(nn.Linear(self.width, time), nn.SiLU(), nn.Linear(time, time))
        self.head = nn.Conv2d(1, channels[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before, kept = channels[0], []
        for after in channels:
            blocks = nn.ModuleList()
            for _ in range(BLOCKS):
                blocks.append(Block(before, after, time))
                kept.append(after)
                before = after
            self.down.append(blocks)
        self.middle = Block(before, before, time)
        for after in reversed(channels):
            blocks = nn.ModuleList()
            for _ in range(BLOCKS):
                blocks.append(Block(before + kept.pop(), after, time))
                before = after
            self.up.append(blocks)
        self.tail = nn.Sequential(
            nn.GroupNorm(GROUPS, before), nn.SiLU(), nn.Conv2d(before, 1, 3, padding=1)
        )

    @classmethod
    def hollow(cls, channels: tuple[int, ...]) -> UNet:
        """Return a network without numbers: torch would draw them from its global generator."""
        with torch.device("meta"):
            return cls(channels)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Return the noise in x, (B, side, side), at times t, (B,), between 0 and N - 1."""
        time = silu(self.time(embedding(t, self.width)))
        h = self.head(x.unsqueeze(1))
        kept = []
        for level, blocks in enumerate(self.down):
            h = nn.functional.avg_pool2d(h, 2) if level else h
            for block in blocks:
                h = block(h, time)
                kept.append(h)
        h = self.middle(h, time)
        for level, blocks in enumerate(self.up):
            h = interpolate(h, scale_factor=2.0) if level else h
            for block in blocks:
                h = block(torch.cat((h, kept.pop()), dim=1), time)
        return self.tail(h).squeeze(1)


def untrained(channels: tuple[int, ...], generator: torch.Generator) -> UNet:
    """Return a network on the generator's device, its weights drawn as torch's own would be."""
    network = UNet.hollow(channels).to_empty(device=generator.device)
    for module in network.modules():
        if isinstance(module, nn.GroupNorm):
            module.reset_parameters()
        elif isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=sqrt(5), generator=generator)
            bound = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.bias, -bound, bound, generator=generator)
    return network


def restored(channels: tuple[int, ...], weights: Mapping[str, Tensor]) -> UNet:
    """Return the network of these weights, not to be trained."""
    network = UNet.hollow(channels)
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False)


def trained(
    source: Source, channels: tuple[int, ...], steps: int, seed: int, device: str
) -> dict[str, Tensor]:
    """Return the averaged weights of a network trained on endless fresh images.

    Parameters
    ----------
    source
        Draws on `device`.
    """
    generator = torch.Generator(device).manual_seed(seed)
    network = untrained(channels, generator)
    averaged = {name: own.detach().clone() for name, own in network.state_dict().items()}
    level = torch.as_tensor(abar(), dtype=torch.float32, device=device)
    adam = torch.optim.Adam(network.parameters(), lr=LR)
    for _ in range(steps):
        x0 = source(BATCH, generator)
        t = torch.randint(N, (BATCH,), generator=generator, device=device)
        e = torch.randn(x0.shape, generator=generator, device=device)
        a = level[t][:, None, None]
        loss = (network(a.sqrt() * x0 + (1 - a).sqrt() * e, t) - e).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            for name, own in network.state_dict().items():
                averaged[name].lerp_(own, 1 - EMA)
    return averaged
