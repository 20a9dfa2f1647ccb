"""A race: completions trained on in a second, against TRL's GRPOTrainer on the same model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from suite.language.tinylm.arithmetic import Task
from suite.language.tinylm.model import Transformer
from suite.language.tinylm.policy_gradient import grpo_advantage, policy_loss
from suite.language.tinylm.problem_sets import problems
from suite.language.tinylm.training import AdamW, Draws, Recipe, clip_each

from .method import capo_loss
from .problem import Training, training


@dataclass
class Speed:
    """As many completions for everyone: `nets` runs of some steps, or one run of `nets` times more.

    Attributes
    ----------
    calls
        Completions sampled, (1,).
    """

    training: Training
    calls: Tensor

    @property
    def nets(self) -> int:
        """Independent runs."""
        return self.training.n

    @property
    def completions(self) -> int:
        """Of all runs together."""
        made = self.training
        return made.n * made.steps * made.prompts * made.group


def speed(task: str, lr: float, nets: int, *, streams: Any, n: int, **settings: Any) -> Speed:
    """Return the runs of a round; settings are those of `training`."""
    if n != 1:
        raise ValueError(f"a round of the race is one replicate, not {n}")
    made = training(task, [lr], streams=streams, n=n, **settings)
    (number,) = streams.replicates
    runs = replace(streams, replicates=range(number * nets, (number + 1) * nets))
    return Speed(replace(made, streams=runs, n=nets), torch.zeros(1, dtype=torch.float64))


def stacked(problem: Speed) -> Tensor:
    """Train all runs as one stack; return the rewards of their steps."""
    problem.calls += problem.completions
    return problem.training.train(capo_loss(grpo_advantage), checkpoints=()).reward


def plain_loop(problem: Speed) -> Tensor:
    """Train run after run; sample prompt after prompt without a cache, then read all again."""
    problem.calls += problem.completions
    made, rewards = problem.training, []
    recipe = Recipe(lr=made.lr[0], steps=made.steps, prompts=made.prompts, group=made.group)
    pool = problems(made.task, "train", made.device)
    for run in made.streams.replicates:
        draws = Draws(replace(made.streams, replicates=range(run, run + 1)))
        model = Transformer(made.architecture, [made.arrays], made.device)
        adam = AdamW(model)
        for step in range(recipe.steps):
            operands = draws.operands(pool, made.prompts)
            uniforms = draws.uniforms(made.prompts, made.group, made.task.answer)
            tokens, mask = _sampled(model, made.task, operands, uniforms)
            reward = made.task.reward(operands[:, :, None], tokens)
            logp = _logp(model, made.task, operands, tokens)
            gradient = model.gradient(policy_loss(logp, grpo_advantage(reward), mask))
            clip_each(gradient, recipe.clip)
            adam.step(gradient, torch.full_like(gradient[:, 0], made.lr[0] * recipe.factor(step)))
            rewards.append(reward.mean())
    return torch.stack(rewards)


@torch.no_grad()
def _sampled(
    model: Transformer, task: Task, operands: Tensor, uniforms: Tensor
) -> tuple[Tensor, Tensor]:
    """Return tokens and mask, (1, P, G, T), reading all of the text for each token."""
    G, T = uniforms.shape[2:]
    answers = []
    for p, prompt in enumerate(task.prompts(operands)[0]):
        text = prompt.expand(1, G, -1)
        for t in range(T):
            logits, _ = model(text, last=1)
            below = logits[:, :, 0].softmax(dim=-1).cumsum(dim=-1)[..., :-1]
            token = (below <= uniforms[:, p, :, t, None]).sum(dim=-1)
            text = torch.cat((text, token[..., None]), dim=-1)
        answers.append(text[..., task.prompt :])
    tokens = torch.stack(answers, dim=1)
    ended = (tokens == task.eos).cumsum(dim=-1).cumsum(dim=-1) > 1
    return tokens.masked_fill(ended, task.eos), (~ended).float()


def _logp(model: Transformer, task: Task, operands: Tensor, tokens: Tensor) -> Tensor:
    """Return the log-probabilities of `tokens`, (1, P, G, T), by the plain forward pass."""
    prompts = task.prompts(operands)[:, :, None].expand(-1, -1, tokens.shape[2], -1)
    text = torch.cat((prompts, tokens[..., :-1]), dim=-1).flatten(1, 2)
    logits, _ = model(text, last=task.answer)
    logp = logits.log_softmax(dim=-1).view(*tokens.shape, -1)
    return logp.gather(-1, tokens[..., None])[..., 0]


def trl(problem: Speed) -> Tensor:
    """Train one run by TRL, with as many completions in all; its set-up is a part of it."""
    from baselines.language import trl_grpo

    problem.calls += problem.completions
    made = problem.training
    steps = made.steps * problem.nets
    # As many problems as the run takes: the others would only make its set-up longer.
    asked = problems(made.task, "train")[: steps * made.prompts]
    return trl_grpo.grpo(
        trl_grpo.gpt2(
            {name: made.arrays[name] for name in made.architecture.shapes()},
            heads=made.architecture.heads,
            eos=made.task.eos,
        ),
        trl_grpo.Questions(made.task.prompts(asked), made.task.answers(asked)),
        lr=made.lr[0],
        steps=steps,
        prompts=made.prompts,
        group=made.group,
        seed=made.streams.replicates[0],
        device=made.device,
    )


def measure_speed(problem: Speed, reward: Tensor) -> dict[str, Tensor]:
    """Return the mean reward of all completions, (1,), and how many there were."""
    return {
        "reward": reward.double().mean()[None].cpu(),
        "completions": torch.tensor([float(problem.completions)]),
    }
