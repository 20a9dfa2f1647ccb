"""The race against TRL: everyone trains the same model on as many completions."""

import warnings

import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.language.capo import speed
from suite.language.tinylm.model import Transformer
from suite.language.tinylm.training import Draws

TINY = {"width": 16, "layers": 1, "pretraining": 5, "steps": 2, "prompts": 3, "group": 4}


def problem(number=0, nets=2):
    streams = Streams("language/capo", "speed", 0, range(number, number + 1))
    return speed.speed("addition", 1e-3, nets, streams=streams, n=1, **TINY)


@pytest.mark.parametrize("contender", [speed.stacked, speed.plain_loop])
def test_completions_are_counted(contender):
    """Two nets, two steps, twelve completions each: 48, counted and measured."""
    made = problem()
    measured = speed.measure_speed(made, contender(made))
    assert made.calls.tolist() == [48]
    assert measured["completions"].tolist() == [48]
    assert measured["reward"].shape == (1,)


def test_runs_of_a_round_and_rounds_differ():
    """Each run draws problems of its own, and so does each round."""
    pool = torch.arange(1000)[:, None]
    first, second = (Draws(problem(number).training.streams).operands(pool, 5) for number in (0, 1))
    drawn = torch.cat((first, second)).flatten(1)
    assert drawn.shape == (4, 5)
    assert len(drawn.unique(dim=0)) == 4


def test_the_plain_loop_trains_the_same_runs(tiny):
    """It draws the same tokens and earns the same rewards as the stack, step by step."""
    made = speed.Speed(tiny(n=3, steps=6), torch.zeros(1, dtype=torch.float64))
    stacked, looped = speed.stacked(made), speed.plain_loop(made)
    assert 0.2 < float(stacked.mean()) < 1
    torch.testing.assert_close(looped.view(3, 6), stacked)


@pytest.mark.exam  # importing TRL takes 7 s
def test_trl_trains_the_same_model():
    """The GPT-2 that TRL gets computes the logits of our net, and its run is as long as ours."""
    pytest.importorskip("trl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        from baselines.language import trl_grpo

        made = problem(nets=2)
        architecture, arrays = made.training.architecture, made.training.arrays
        net = {name: arrays[name] for name in architecture.shapes()}
        theirs = trl_grpo.gpt2(net, heads=architecture.heads, eos=13)
        tokens = torch.randint(14, (5, 10), generator=torch.Generator().manual_seed(0))
        found = theirs(tokens).logits
        ours, _ = Transformer(architecture, [net], "cpu")(tokens[None])
        torch.testing.assert_close(found, ours[0], rtol=1e-5, atol=1e-6)
        rewards = speed.trl(made)
    assert rewards.shape == (4,)
    assert made.calls.tolist() == [48]


def test_a_round_is_one_replicate():
    """The engine races one replicate at a time; anything else is refused."""
    streams = Streams("language/capo", "speed", 0, range(2))
    with pytest.raises(ValueError, match="one replicate, not 2"):
        speed.speed("addition", 1e-3, 2, streams=streams, n=2, **TINY)
