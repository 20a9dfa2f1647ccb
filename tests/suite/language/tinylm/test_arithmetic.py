"""Sums as a language: prompts and answers read as they should, and the verifier is exact."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from claimbench.data import array
from suite.language.tinylm import data
from suite.language.tinylm.arithmetic import ADDITION, BOS, CARRIES, CARRY, EOS, TASKS, TOTAL
from suite.language.tinylm.problem_sets import problems

SIGNS = {10: "+", 11: "=", 12: "<", 13: ">", 14: "a", 15: "b", 16: "c", 17: "|"}


def text(tokens):
    return "".join(SIGNS.get(token, str(token)) for token in tokens.tolist())


def longhand(operands, digits):
    """Add column by column, number after number, as on paper: a string at a time."""
    columns, carry, total = "", 0, ""
    for place in range(digits):
        first, *others = (int(f"{each:0{digits}d}"[-1 - place]) for each in operands)
        columns += str(first)
        standing = first + carry
        for digit in others:
            standing += digit
            columns += f"{digit}{standing % 10}{'abc'[standing // 10]}"
        carry, total = standing // 10, total + str(standing % 10)
    return f"{columns}|{total}{carry}>"


@given(st.tuples(*[st.integers(0, 99)] * 2))
def test_addition_reads_as_python_writes_it(operands):
    """A prompt is `BOS a+b=`, two digits each; an answer the three digits of the sum, reversed."""
    asked = torch.tensor(operands)
    assert text(ADDITION.prompts(asked)) == "<{:02d}+{:02d}=".format(*operands)
    assert text(ADDITION.answers(asked)) == f"{sum(operands):03d}"[::-1] + ">"


@given(st.tuples(*[st.integers(0, 999)] * 3))
def test_carries_are_written_as_on_paper(operands):
    """Each digit of a column is followed by what then stands, and by the carry."""
    asked = torch.tensor(operands)
    assert text(CARRIES.prompts(asked)) == "<{:03d}+{:03d}+{:03d}=".format(*operands)
    assert text(CARRIES.answers(asked)) == longhand(operands, 3)


def test_the_sizes_are_those_of_the_sheet():
    """Seven prompt tokens, four to answer, 14 words; the harder task: 27 to answer, 32 words."""
    assert (ADDITION.prompt, ADDITION.answer, ADDITION.vocabulary) == (7, 4, 14)
    assert (CARRIES.prompt, CARRIES.answer, CARRIES.vocabulary) == (13, 27, 32)
    assert CARRY + 2 < TOTAL < CARRIES.vocabulary
    assert max(BOS, EOS) < ADDITION.vocabulary


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_one_wrong_graded_token_is_worth_nothing(task):
    """The right answer earns 1; with any one graded token changed it earns 0."""
    operands = torch.tensor([[58, 67, 5][: task.operands]])
    right = task.answers(operands)
    assert task.reward(operands, right).tolist() == [1.0]
    for place in range(task.answer - task.graded, task.answer):
        for token in set(range(task.vocabulary)) - {int(right[0, place])}:
            wrong = right.clone()
            wrong[0, place] = token
            assert task.reward(operands, wrong).tolist() == [0.0]


def test_columns_are_not_graded():
    """Only the total of a written-out answer counts, as in the paper's final answers."""
    operands = torch.tensor([[234, 777, 9]])
    tokens = CARRIES.answers(operands)
    tokens[0, :21] = 0
    assert CARRIES.reward(operands, tokens).tolist() == [1.0]


def test_rewards_broadcast_over_a_group():
    """One problem, several completions: each is verified by itself."""
    operands = torch.tensor([[[58, 67]], [[3, 4]]])
    tokens = ADDITION.answers(operands).expand(2, 5, 4).clone()
    tokens[1, 2:, 0] = 0
    expected = [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert ADDITION.reward(operands, tokens).tolist() == expected


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_problem_sets_have_no_problem_in_common(task):
    """Training, validation and test problems are distinct, within and between the sets."""
    parts = [problems(task, part).tolist() for part in ("train", "validation", "test")]
    every = [tuple(operands) for part in parts for operands in part]
    assert [len(part) for part in parts[1:]] == [512, 512]
    assert len(set(every)) == len(every)
    assert np.max(every) < 10**task.digits
    assert len(every) == min(10 ** (task.digits * task.operands), data.MOST)


def test_the_builder_writes_the_pinned_files(tmp_path):
    """Building again gives the arrays that are pinned."""
    data.build(tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == sorted(
        f"{task}_{part}.npy" for task in TASKS for part in ("train", "validation", "test")
    )
    for name in names:
        made = np.load(tmp_path / name, allow_pickle=False)
        assert made.dtype == np.uint16
        np.testing.assert_array_equal(made, array(f"language/tinylm/{name}"))
