"""Small nets that the tests of the substrate share."""

import torch

from claimbench.evidence.streams import Streams
from suite.language.tinylm.arithmetic import ADDITION
from suite.language.tinylm.model import Transformer
from suite.language.tinylm.supervised import architecture_of


def weights(seed, task=ADDITION, width=16, layers=2, heads=2, scale=8.0):
    """Return one net's weights, large enough that its distributions are far from uniform."""
    generator = torch.Generator().manual_seed(seed)
    architecture = architecture_of(task, width, layers, heads)
    drawn = architecture.initial(generator)
    return {
        name: scale * tensor + 0.1 * torch.randn(tensor.shape, generator=generator)
        if not name.endswith("norm")
        else tensor + 0.3 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in drawn.items()
    }


def stack(*seeds, task=ADDITION, width=16, layers=2, heads=2, scale=8.0):
    architecture = architecture_of(task, width, layers, heads)
    made = [weights(seed, task, width, layers, heads, scale) for seed in seeds]
    return Transformer(architecture, made, "cpu")


def streams(n=2, **settings):
    return Streams("language/test", "toy", 0, range(n), **settings)
