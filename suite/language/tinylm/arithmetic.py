"""Addition as a language: its tokens, its right answers, and the exact verifier.

A prompt is ``BOS a + b =`` with the most significant digit first; an answer has the least
significant digit first, so that a decoder meets carries in the order in which they arise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

#: The digits are their own tokens, 0 to 9.
PLUS, EQUALS, BOS, EOS = 10, 11, 12, 13
#: Where carries are written out: a carry of 0 is this token, 1 and 2 are the next.
CARRY, TOTAL = 14, 17


@dataclass(frozen=True)
class Task:
    """Sums of some numbers below 10^digits.

    Attributes
    ----------
    operands
        How many numbers are added, m; 2 to 10.
    digits
        D: each is written with as many digits, the sum with one more.
    written
        Whether the answer writes out every column before the total: its first digit, then for each
        further number its digit, what stands after it is added, and the carry so far. The carry
        of the column before is added with the second number. Columns are not graded, the total is.
    vocabulary
        V, the number of tokens; those that no prompt or answer uses are spare.
    """

    name: str
    operands: int
    digits: int
    written: bool
    vocabulary: int
    eos: int = EOS

    @property
    def prompt(self) -> int:
        """Tokens of a prompt, L."""
        return self.operands * (self.digits + 1) + 1

    @property
    def graded(self) -> int:
        """Tokens of an answer that the verifier looks at, counted from its end."""
        return self.digits + 2 + self.written

    @property
    def answer(self) -> int:
        """Tokens of an answer with its EOS, T: no more are sampled."""
        return self.graded + (3 * self.operands - 2) * self.digits * self.written

    def prompts(self, operands: Tensor) -> Tensor:
        """Return the prompts, (..., L), of `operands`, (..., m)."""
        shape = operands.shape[:-1]
        digits = self._digits(operands).flip(-1)
        signs = operands.new_full((*shape, self.operands, 1), PLUS)
        signs[..., -1, :] = EQUALS
        numbers = torch.cat((digits, signs), dim=-1).flatten(-2)
        return torch.cat((operands.new_full((*shape, 1), BOS), numbers), dim=-1)

    def answers(self, operands: Tensor) -> Tensor:
        """Return the right answers, (..., T), of `operands`, (..., m)."""
        shape = operands.shape[:-1]
        places = self._places.to(operands.device)
        total = operands.sum(dim=-1, keepdim=True) // places % 10
        end = operands.new_full((*shape, 1), EOS)
        if not self.written:
            return torch.cat((total, end), dim=-1)
        mark = operands.new_full((*shape, 1), TOTAL)
        return torch.cat((self._columns(operands), mark, total, end), dim=-1)

    def reward(self, operands: Tensor, tokens: Tensor) -> Tensor:
        """Return 1.0 where the graded tokens are all right, else 0.0, shape (...).

        Parameters
        ----------
        operands
            (..., m), broadcast against `tokens`.
        tokens
            (..., T), with EOS in all places after the first EOS.
        """
        right = self.answers(operands)[..., -self.graded :] == tokens[..., -self.graded :]
        return right.all(dim=-1).float()

    def _columns(self, operands: Tensor) -> Tensor:
        """Return the columns, (..., (3 m - 2) D), units first."""
        digits = self._digits(operands).transpose(-1, -2)  # (..., D, m)
        places = self._places[:-1].to(operands.device)
        carried = (operands[..., None] % places).sum(dim=-2) // places
        sums = digits.cumsum(dim=-1)[..., 1:] + carried[..., None]
        steps = torch.stack((digits[..., 1:], sums % 10, CARRY + sums // 10), dim=-1)
        return torch.cat((digits[..., :1], steps.flatten(-2)), dim=-1).flatten(-2)

    @cached_property
    def _places(self) -> Tensor:
        return 10 ** torch.arange(self.digits + 1)

    def _digits(self, operands: Tensor) -> Tensor:
        """Return the digits of each operand, (..., m, D), units first."""
        return operands[..., None] // self._places[:-1].to(operands.device) % 10


ADDITION = Task("addition", operands=2, digits=2, written=False, vocabulary=14)
CARRIES = Task("carries", operands=3, digits=3, written=True, vocabulary=32)
TASKS = {task.name: task for task in (ADDITION, CARRIES)}
