"""A training problem that is small, and easy enough for an untrained net to earn rewards."""

import dataclasses

import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.language.capo.problem import QUANTILES, Training
from suite.language.tinylm.arithmetic import ADDITION, Task
from suite.language.tinylm.supervised import architecture_of


@dataclasses.dataclass(frozen=True)
class FirstTokenLow(Task):
    """Right is whatever begins with a token below 7: half of what an untrained net says."""

    def reward(self, operands, tokens):
        """Return 1.0 where it does."""
        return (tokens[..., 0] < 7).float() + 0 * operands[..., 0]


EASY = FirstTokenLow(
    **{part.name: getattr(ADDITION, part.name) for part in dataclasses.fields(Task)}
)


def made(lr=(0.01,), n=2, steps=4, experiment="addition", **settings):
    """Return a tiny training problem; thresholds differ by rate and quantile."""
    architecture = architecture_of(EASY, 8, 1, 2)
    net = architecture.initial(torch.Generator().manual_seed(0))
    thresholds = {
        f"{model}_{symbol}": torch.outer(
            torch.arange(1.0, len(lr) + 1), torch.tensor(QUANTILES) * scale
        ).double()
        for model in ("adam", "sgd")
        for symbol, scale in (("F", 1e-4), ("H", 1e-2))
    }
    return Training(
        **{
            "task": EASY, "architecture": architecture, "lr": lr, "conservative": 1e-3,
            "steps": steps, "prompts": 3, "group": 4,
            "arrays": net | thresholds | {"greedy_accuracy": torch.tensor(0.5)},
            "streams": Streams("language/capo", experiment, 0, range(n)), "n": n,
            **settings,
        }
    )  # fmt: skip


@pytest.fixture
def tiny():
    """Return the function that makes tiny training problems."""
    return made
