"""Supervised training from scratch to a model that is right about half of the time.

Policy-gradient papers start from such a model. It is trained once and kept: ``streams.kept``.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .arithmetic import TASKS, Task
from .model import Architecture, Transformer
from .problem_sets import problems
from .sampling import greedy_accuracy, sampled_accuracy
from .training import AdamW, clip_each


def pretrain(
    task: str = "addition",
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    seed: int = 0,
    *,
    lr: float = 3e-3,
    batch: int = 128,
    clip: float = 1.0,
    enough: float = 0.45,
    first_check: int = 150,
    every: int = 25,
    most: int = 2000,
    device: str = "cpu",
) -> dict[str, Tensor]:
    """Return the weights of one net, trained by Adam on the answers of training problems.

    Deviation: nets wider than 64 have the rate lr * 64 / width. At 3e-3 a net of width 256 with 6
    layers stood at a loss of 1.8 on `carries` after 100 steps, at 7.5e-4 at 0.5 (batches of 16).

    Parameters
    ----------
    lr
        At width 64 and below; constant.
    enough
        Training ends when the sampled accuracy on the validation problems is at least this,
        checked after `first_check` steps and then after every `every`.
    most
        Training ends after so many steps in any case.

    Returns
    -------
    dict
        Name -> weights of one net, and ``sampled_accuracy`` (validation), ``greedy_accuracy``
        (test) and ``steps``, each a number.
    """
    chosen = TASKS[task]
    model = fresh(chosen, (torch.Generator().manual_seed(seed),), width, layers, heads, device)
    pool, validation, test = (
        problems(chosen, part, device) for part in ("train", "validation", "test")
    )
    adam, rate = AdamW(model), torch.full((1,), lr * min(1, 64 / width), device=device)
    random = np.random.default_rng([seed, 1])
    sampled = torch.zeros(1)
    for step in range(1, most + 1):
        drawn = torch.from_numpy(random.integers(len(pool), size=batch)).to(device)
        gradient = model.gradient(answer_loss(model, chosen, pool[drawn][None]))
        clip_each(gradient, clip)
        adam.step(gradient, rate)
        if step >= first_check and (step - first_check) % every == 0:
            uniforms = random.random((len(validation), chosen.answer), dtype="float32")
            sampled = sampled_accuracy(
                model, chosen, validation, torch.from_numpy(uniforms).to(device)
            )
            if sampled >= enough:
                break
    numbers = {
        "sampled_accuracy": sampled[0],
        "greedy_accuracy": greedy_accuracy(model, chosen, test)[0],
        "steps": torch.tensor(step),
    }
    return model.net(0) | numbers


def fresh(
    task: Task,
    generators: tuple[torch.Generator, ...],
    width: int,
    layers: int,
    heads: int,
    device: str,
) -> Transformer:
    """Return nets at their start, one for each generator, as large as the task asks."""
    architecture = architecture_of(task, width, layers, heads)
    return Transformer(architecture, [architecture.initial(each) for each in generators], device)


def architecture_of(task: Task, width: int, layers: int, heads: int) -> Architecture:
    """Return the architecture that reads a prompt and its answer, save the last token."""
    return Architecture(task.vocabulary, task.prompt + task.answer - 1, width, layers, heads)


def answer_loss(model: Transformer, task: Task, operands: Tensor) -> Tensor:
    """Return each net's mean cross-entropy, (K,), over the tokens of the right answers.

    Parameters
    ----------
    operands
        (K, B, m).
    """
    answers = task.answers(operands)
    tokens = torch.cat((task.prompts(operands), answers[..., :-1]), dim=-1)
    logits, _ = model(tokens, last=task.answer)
    logp = logits.log_softmax(dim=-1).gather(-1, answers[..., None])[..., 0]
    return -logp.mean(dim=(1, 2))
