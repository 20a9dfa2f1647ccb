"""TRL's GRPOTrainer on a GPT-2 of given weights: the same model, batch and recipe.

Imported by whoever calls it: TRL takes seconds to load, and may not be there.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Nothing here is downloaded, and it must not try.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from datasets.utils.logging import disable_progress_bar
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, PrinterCallback
from transformers.utils import logging
from trl import GRPOConfig, GRPOTrainer

from datasets import Dataset

#: What a block's weights are called here and there; matrices are (in, out) in both.
BLOCK = {
    "attention_norm": "ln_1",
    "query_key_value": "attn.c_attn",
    "attention_out": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp_in": "mlp.c_fc",
    "mlp_out": "mlp.c_proj",
}
#: Tokens are letters to the tokenizer.
FIRST_LETTER = 65


@dataclass(frozen=True)
class Questions:
    """Prompts and their right answers, as tokens.

    Attributes
    ----------
    prompts
        (problems, L).
    answers
        (problems, T), each with its end of sentence.
    """

    prompts: Tensor
    answers: Tensor


def gpt2(arrays: Mapping[str, Any], *, heads: int, eos: int) -> GPT2LMHeadModel:
    """Return the GPT-2 with these weights: pre-norm, exact GELU, untied head, no dropout.

    Parameters
    ----------
    arrays
        tokens (V, d), positions (context, d), head (V, d), norm (2, d) and, for each layer i,
        i.<name of BLOCK>, with i.<name>_bias (1, out) for what is no norm.
    """
    given = {name: torch.as_tensor(array) for name, array in arrays.items()}
    V, d = given["tokens"].shape
    layers = sum(name.endswith(".mlp_in") for name in given)
    weights = {
        "transformer.wte.weight": given["tokens"],
        # TRL reads one token more than is needed; nothing is asked of that place.
        "transformer.wpe.weight": torch.cat((given["positions"], torch.zeros(1, d))),
        "transformer.ln_f.weight": given["norm"][0],
        "transformer.ln_f.bias": given["norm"][1],
        "lm_head.weight": given["head"],
    }
    for layer in range(layers):
        for ours, theirs in BLOCK.items():
            name = f"{layer}.{ours}"
            pair = given[name] if ours.endswith("norm") else (given[name], given[f"{name}_bias"][0])
            for part, tensor in zip(("weight", "bias"), pair, strict=True):
                weights[f"transformer.h.{layer}.{theirs}.{part}"] = tensor
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=V,
            n_positions=len(weights["transformer.wpe.weight"]),
            n_embd=d,
            n_layer=layers,
            n_head=heads,
            activation_function="gelu",
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            tie_word_embeddings=False,
            bos_token_id=eos,
            eos_token_id=eos,
        )
    )
    model.load_state_dict({name: tensor.clone() for name, tensor in weights.items()})
    return model


def grpo(
    model: GPT2LMHeadModel,
    questions: Questions,
    *,
    lr: float,
    steps: int,
    prompts: int,
    group: int,
    seed: int,
    device: str = "cpu",
) -> Tensor:
    """Train `model` in place by GRPO and return the mean reward of each step, (steps,).

    A completion earns 1 where it is the right answer, token for token. AdamW without decay, 10%
    warm-up and cosine, gradient norm at most 1, no KL penalty, temperature 1.
    """
    rewards: list[float] = []

    def right(completion_ids: list[list[int]], answer: list[list[int]], **_: object) -> list[float]:
        found = [float(each == target) for each, target in zip(completion_ids, answer, strict=True)]
        rewards.append(sum(found) / len(found))
        return found

    letters = ["".join(chr(FIRST_LETTER + i) for i in p) for p in questions.prompts.tolist()]
    data = Dataset.from_dict({"prompt": letters, "answer": questions.answers.tolist()})
    logging.set_verbosity_error()
    disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TRL's own, about transformers
        settings = GRPOConfig(
            output_dir=scratch,
            use_cpu=device == "cpu",
            bf16=False,
            seed=seed,
            max_steps=steps,
            per_device_train_batch_size=prompts * group,
            num_generations=group,
            max_completion_length=questions.answers.shape[1],
            learning_rate=lr,
            lr_scheduler_type="cosine",
            warmup_steps=round(0.1 * steps),
            max_grad_norm=1.0,
            weight_decay=0.0,
            adam_beta2=0.999,
            loss_type="grpo",
            beta=0.0,
            temperature=1.0,
            top_k=0,
            report_to=[],
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=right,
            args=settings,
            train_dataset=data,
            processing_class=_tokenizer(model.config),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return torch.tensor(rewards)


def _tokenizer(config: GPT2Config) -> PreTrainedTokenizerFast:
    """Return the tokenizer that reads token i as the i-th letter."""
    table = {chr(FIRST_LETTER + i): i for i in range(config.vocab_size)}
    by_letter = Tokenizer(models.WordLevel(table, unk_token=chr(FIRST_LETTER)))
    by_letter.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    end = chr(FIRST_LETTER + config.eos_token_id)
    return PreTrainedTokenizerFast(tokenizer_object=by_letter, eos_token=end, pad_token=end)
