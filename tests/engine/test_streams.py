"""Random streams: paired over contenders and cells, apart in everything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from claimbench.evidence.streams import TUNING_OFFSET, Streams

STREAMS = Streams("toy/line", "line", 0, range(3))


def drawn(streams: Streams, purpose: str = "problem") -> list[float]:
    return list(streams.numpy(purpose).random(4))


def test_a_stream_starts_anew_each_time() -> None:
    """All contenders and cells of a block meet the same numbers, however often they ask."""
    assert drawn(STREAMS) == drawn(STREAMS)
    assert drawn(STREAMS) == drawn(replace(STREAMS))


@pytest.mark.parametrize(
    "change",
    [
        {"paper": "toy/other"},
        {"experiment": "other"},
        {"block": 1},
        {"seed": 1},
        {"contender": "steep"},
        {"block": TUNING_OFFSET},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_stream_differs_by_everything_in_its_name(change: dict[str, Any]) -> None:
    """Papers, experiments, blocks, seeds, contenders and tuning have streams of their own."""
    assert drawn(STREAMS) != drawn(replace(STREAMS, **change))


def test_purposes_differ() -> None:
    """The noise does not repeat the problem."""
    assert drawn(STREAMS, "noise") != drawn(STREAMS, "problem")


def test_names_do_not_run_into_one_another() -> None:
    """Where one name ends and the next begins takes part."""
    assert drawn(replace(STREAMS, paper="a", experiment="bc")) != drawn(
        replace(STREAMS, paper="ab", experiment="c")
    )


def test_private_streams_differ_by_contender_and_keep_the_block() -> None:
    """A contender's own randomness is no other's, and not the problem's."""
    steep, flat = STREAMS.private("steep"), STREAMS.private("flat")

    assert len({tuple(drawn(one)) for one in (STREAMS, steep, flat)}) == 3
    assert drawn(steep) == drawn(STREAMS.private("steep"))
    assert steep.replicates == STREAMS.replicates


def test_the_device_takes_no_part() -> None:
    """A problem is the same on a CPU and on a GPU."""
    assert drawn(STREAMS) == drawn(replace(STREAMS, device="cuda"))


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_each_replicate_has_a_stream_whatever_the_block(size: int) -> None:
    """`each` gives replicate 4 the same numbers in blocks of any size."""
    whole = [one.random() for one in replace(STREAMS, replicates=range(6)).each()]

    blocks = [
        [one.random() for one in replace(STREAMS, block=block, replicates=range(first, end)).each()]
        for block, first in enumerate(range(0, 6, size))
        for end in [first + size]
    ]

    assert [number for block in blocks for number in block] == whole
    assert len(set(whole)) == 6


def test_the_streams_of_replicates_are_not_the_block_s() -> None:
    """The first replicate's own stream is not the stream of the block."""
    assert STREAMS.each()[0].random() != STREAMS.numpy().random()


def test_a_torch_generator_is_seeded_by_the_stream() -> None:
    """torch draws repeat for one stream and differ for another."""
    import torch

    def numbers(streams: Streams) -> torch.Tensor:
        return torch.randn(5, generator=streams.torch("noise"))

    assert torch.equal(numbers(STREAMS), numbers(replace(STREAMS)))
    assert not torch.equal(numbers(STREAMS), numbers(replace(STREAMS, block=1)))


def test_blocks_are_uncorrelated() -> None:
    """Neighbouring blocks do not share their numbers with a shift."""
    rows = np.array(
        [replace(STREAMS, block=block).numpy().standard_normal(2000) for block in range(8)]
    )

    largest = np.abs(np.corrcoef(rows) - np.eye(8)).max()

    assert largest < 0.1  # 4.5 standard errors
