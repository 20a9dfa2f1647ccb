"""What a candidate may not change, nobody in the suite changes: the check accuses no contender."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claimbench.binding import bind
from claimbench.candidates.isolation import Inputs, apart
from claimbench.checkout import papers
from claimbench.evidence.job import Job
from claimbench.evidence.kept import Shelf
from claimbench.evidence.streams import Streams
from claimbench.fitting import cells_of

ROOT = Path(__file__).parents[2]
PAPERS = list(papers(ROOT))


def jobs(files: Any) -> Iterator[Job]:
    """Yield the untuned methods and opponents of a paper that need nothing to be installed."""
    paper = bind(files, "smoke")
    for name, experiment in paper.experiments.items():
        for contender in experiment.contenders.values():
            if not contender.grid and cells_of(paper.designs[name], experiment, contender.name):
                yield Job(paper, name, contender.name)


@pytest.mark.exam
@pytest.mark.parametrize("files", PAPERS, ids=lambda files: files.slug)
def test_no_contender_of_the_suite_changes_its_inputs(
    files: Any, tell: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each plays the first block of its first cells at smoke, and is measured."""
    shelf = Shelf(tmp_path_factory.mktemp("kept"), ROOT, "exam")
    tried, skipped = 0, []
    for job in jobs(files):
        experiment, design = (
            job.paper.experiments[job.experiment],
            job.paper.designs[job.experiment],
        )
        size = 1 if experiment.seconds else design.block
        streams = Streams(files.id, job.experiment, 0, range(size), shelf=shelf)
        cells = [
            cell
            for cell in job.cells
            if all(
                cell[key] == value
                for key, value in job.cells[0].items()
                if key not in experiment.stack
            )
        ]
        settings = {
            key: tuple(cell[key] for cell in cells) if key in experiment.stack else value
            for key, value in job.cells[0].items()
        }
        problem = experiment.problem(**settings, streams=streams, n=size)
        inputs = Inputs(problem)
        private = {"streams": streams.private(job.contender)} if job.of.wants_streams else {}
        try:
            with apart(0, strict=False):
                answer = job.of.function(problem, **private)
        except ImportError:
            skipped.append(job.contender)
            continue
        experiment.measure(problem, answer)
        tried += 1
        assert inputs.changed() == [], (job.experiment, job.contender)
    figure = f"{tried}" + (f" ({len(skipped)} not installed)" if skipped else "")
    tell(f"contenders of {files.id} that leave their problem alone", figure, "all")
    assert tried
