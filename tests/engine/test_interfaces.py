"""The interfaces of the suite: each experiment has one, and its naive method keeps to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from claimbench.authoring.checking import check
from claimbench.authoring.instance import instances
from claimbench.authoring.interface import Interface, interface_of, offered, sizes_of
from claimbench.authoring.starting import OBJECT, starting_point, write
from claimbench.authoring.target import Target, find
from claimbench.binding import bind
from claimbench.candidates.spec import parse_target
from claimbench.checkout import import_bench, papers
from claimbench.experiment import Experiment

ROOT = Path(__file__).parents[2]
#: Experiments that have no smoke profile, at sizes that take no time; each has an interface alone.
TINY = {
    "optimization/sparse_ot:experts": {"capacity": 8, "steps": 2},
    "control/fisher_pg:tasks": {"environment": "CartPole-v1", "policy": "linear", "N": 20},
    "language/capo:speed": {
        "task": "addition", "lr": 0.002, "nets": 2, "steps": 1, "prompts": 2, "group": 4,
        "width": 16, "layers": 1, "pretraining": 5,
    },
}  # fmt: skip


#: A net is made for each of their problems; `capo:addition` trains like them.
SLOW = ("language/capo:realised", "language/capo:overhead", "language/capo:speed")


def experiments() -> Iterator[tuple[str, Experiment]]:
    """Yield every experiment of the suite by its place."""
    for files in papers(ROOT):
        for name, value in vars(import_bench(files)).items():
            if isinstance(value, Experiment):
                yield f"{files.id}:{name}", value


EXPERIMENTS = dict(experiments())
SMALL = TINY.keys() | {
    f"{files.id}:{name}" for files in papers(ROOT) for name in bind(files, "smoke").designs
}


def target(place: str) -> Target:
    """Return an experiment at its smallest."""
    found = find(place, ROOT)
    if place not in TINY:
        return found
    design = found.paper.designs[found.experiment]
    small = dataclasses.replace(design, cells=(TINY[place],), block=1, replicates=1)
    paper = dataclasses.replace(found.paper, designs={found.experiment: small})
    return dataclasses.replace(found, paper=paper)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data sets are found from there."""
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("place", EXPERIMENTS)
def test_every_experiment_states_an_interface(place: str) -> None:
    """It says with shapes what is used and returned, and offers nothing that the truth is in."""
    interface = interface_of(place.partition(":")[2], EXPERIMENTS[place])
    hidden = {"truth", "optimum", "gap", "error", "posterior", "reference", "R_gt", "t_gt", "kl"}

    assert isinstance(interface, Interface)
    assert interface.parts
    assert not hidden & set(offered(interface.problem))
    assert "Attributes\n" in (interface.problem.__doc__ or "")


def one_of_each() -> list[str]:
    """Return an experiment for each interface."""
    found: dict[type, str] = {}
    for place, experiment in EXPERIMENTS.items():
        assert experiment.interface is not None
        if experiment.interface not in found and place in SMALL:
            found[experiment.interface] = place
    assert set(found) == {experiment.interface for experiment in EXPERIMENTS.values()}
    return list(found.values())


PLACES = one_of_each()


@pytest.mark.parametrize("place", sorted(SMALL - set(PLACES)))
def test_a_problem_is_as_its_interface_says(place: str) -> None:
    """Every attribute is there in every cell of the smallest design, with its dimensions."""
    assert_fits(place)


def assert_fits(place: str) -> None:
    for instance in instances(target(place)):
        problem = instance.problem(instance.streams(instance.n))
        sizes, wrong = sizes_of(instance.target.interface.problem, problem)

        assert wrong == []
        assert sizes or place.endswith((":realised", ":race"))


@pytest.mark.parametrize(
    "place",
    [pytest.param(p, marks=pytest.mark.exam if p in SLOW else ()) for p in PLACES],
)
def test_the_naive_method_as_written_out_passes_the_check(place: str, tmp_path: Path) -> None:
    """What `new-method` writes runs, and `check` finds nothing wrong."""
    file = tmp_path / "my_method.py"
    own = target(place)
    write(file, starting_point(own, file))
    findings = check(own, parse_target(f"{file}:{OBJECT}", tmp_path))

    assert_fits(place)
    assert [finding for finding in findings if finding.outcome == "wrong"] == []
    assert len(findings) >= 9
    assert Path.cwd() == ROOT
