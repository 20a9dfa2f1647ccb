"""The README's example runs as it stands."""

import re
from functools import partial
from pathlib import Path

import torch

from suite.language.tinylm import arithmetic, model, policy_gradient, supervised, training
from tests.suite.language.tinylm.nets import streams

README = Path(supervised.__file__).with_name("README.md")


def test_the_example_trains_a_stack():
    """Its block gives an accuracy for each net and checkpoint; batches are cut short here."""

    def untrained(task, seed):
        generator = torch.Generator().manual_seed(seed)
        return supervised.architecture_of(arithmetic.TASKS[task], 64, 2, 4).initial(generator)

    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    for module in (arithmetic, model, policy_gradient, supervised, training):
        names |= vars(module)
    names |= {"streams": streams(n=1), "n": 1, "pretrain": untrained}
    names["Recipe"] = partial(training.Recipe, prompts=1, group=2)
    exec(block, names)
    assert names["progress"].accuracy.shape == (1, 2)
