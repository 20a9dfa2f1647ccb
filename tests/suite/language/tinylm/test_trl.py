"""The losses are those of TRL's GRPOTrainer on the same tensors (extra `trl`)."""

import os
import warnings
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from suite.language.tinylm import policy_gradient as pg

pytestmark = pytest.mark.exam  # importing TRL takes 7 s


@pytest.fixture(scope="module")
def trainer():
    pytest.importorskip("trl")
    os.environ["HF_HUB_OFFLINE"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        from trl import GRPOTrainer
    return GRPOTrainer


def tensors(seed=0, B=6, T=5):
    """Return log-probabilities, older ones, those of a reference, advantages and a ragged mask."""
    generator = torch.Generator().manual_seed(seed)
    logp, old, reference = (
        -torch.rand(B, T, generator=generator, dtype=torch.float64) for _ in range(3)
    )
    A = torch.randn(B, generator=generator, dtype=torch.float64)
    mask = (torch.arange(T) < torch.tensor([5, 1, 3, 4, 2, 5])[:, None]).double()
    return logp.requires_grad_(), old, reference, A, mask


def theirs(trainer, loss_type, beta, logp, old, reference, A, mask):
    """Return TRL's loss, asked with our log-probabilities in place of a model's."""
    same = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *_, **__: (logp, torch.zeros_like(logp), None),
        accelerator=SimpleNamespace(
            gather=lambda x: x, reduce=lambda x, **_: x, gather_for_metrics=lambda x: x
        ),
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False),
        model=SimpleNamespace(training=True),
        beta=beta,
        loss_type=loss_type,
        epsilon_low=0.2,
        epsilon_high=0.2,
        max_completion_length=logp.shape[1],
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level="token",
        current_gradient_accumulation_steps=1,
        use_vllm=False,
        aux_loss_enabled=False,
        _entropy_bonus_enabled=False,
        _metrics={"train": defaultdict(list)},
    )
    ids = torch.zeros_like(mask, dtype=torch.int64)
    inputs = {
        "prompt_ids": ids,
        "prompt_mask": ids,
        "completion_ids": ids,
        "completion_mask": mask,
        "advantages": A,
        "old_per_token_logps": old,
        "ref_per_token_logps": reference,
    }
    return trainer._compute_loss(same, None, inputs)


@pytest.mark.parametrize("beta", [0.0, 0.04])
@pytest.mark.parametrize("off_policy", [False, True])
@pytest.mark.parametrize(
    ("loss_type", "aggregate"),
    [
        ("grpo", pg.mean_of_sentences),
        ("dr_grpo", pg.mean_over_length),
        ("bnpo", pg.mean_of_tokens),
    ],
)
def test_losses_are_trls(trainer, loss_type, aggregate, off_policy, beta):
    """Value and gradient agree to 1e-6, on and off policy, with and without the KL penalty."""
    logp, old, reference, A, mask = tensors()
    old = old if off_policy else None
    expected = theirs(trainer, loss_type, beta, logp, old, reference, A, mask)
    (expected_gradient,) = torch.autograd.grad(expected, logp)
    one = logp[:, None]  # groups do not matter to a loss: six prompts, one completion each
    found = pg.policy_loss(
        one,
        A[:, None],
        mask[:, None],
        old_logp=None if old is None else old[:, None],
        kl=pg.kl_k3(one, reference[:, None]) if beta else None,
        beta=beta,
        aggregate=aggregate,
    )
    (gradient,) = torch.autograd.grad(found, logp)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-6, atol=1e-12)
