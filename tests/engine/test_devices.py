"""Every paper computes on the device that it is given: on a second device, without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from other_device import THERE, MixedDevicesError, Tensor, other_device

from claimbench.binding import Paper, bind
from claimbench.checkout import PaperFiles, papers
from claimbench.evidence import worker
from claimbench.evidence.context import Context
from claimbench.evidence.job import Job
from claimbench.evidence.plan import Plan
from claimbench.evidence.unit import Outcome
from claimbench.pins import read_pins, state

ROOT = Path(__file__).parents[2]
#: Cheap contenders, through problem, method and measure; all of them are an exam's.
CHEAP = (
    "control/fisher_pg instance_b n_pg_igt",
    "optimization/last_iterate hard linear_decay",
    "optimization/last_iterate heavy mirror",
    "optimization/subgm initialisation constant_steps",
    "robotics/dcreg steps direct_single",
)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with other_device(monkeypatch):
        yield


@pytest.mark.usefixtures("there")
def test_the_other_device_computes_as_the_cpu() -> None:
    """With views, in-place operations, linear algebra, indices, reductions and gradients."""

    def work(device: str) -> list[Any]:
        generator = torch.Generator().manual_seed(3)
        a = torch.randn(5, 4, 4, generator=generator, dtype=torch.float64).to(device)
        a = (a @ a.mT + torch.eye(4, dtype=a.dtype, device=a.device)).requires_grad_()
        x = torch.linalg.solve(a, torch.ones(5, 4, dtype=a.dtype, device=device))
        x.square().sum().backward()
        gradient = a.grad
        assert gradient is not None
        with torch.inference_mode():
            y = x.detach().clone()
            y[1:3, 0] += 2
            y[y < 0] = 0
            y.mul_(torch.tensor([1, 2, 3, 4], device=device))
        one = float(y.max())
        return [y.cpu().tolist(), gradient.cpu().tolist(), one, y.argsort(dim=1).tolist()]

    assert work(THERE) == work("cpu")


@pytest.mark.usefixtures("there")
def test_the_other_device_refuses_what_a_gpu_refuses() -> None:
    """Tensors on two devices, and arrays of numpy without a copy; scalars and indices may mix."""
    x = torch.ones(3, device=THERE)

    for mixed in (
        lambda: x + torch.ones(3),
        lambda: torch.cat((x, torch.ones(1))),
        lambda: torch.ones(1).add_(x.sum()),
        lambda: torch.ones(3)[x.long()],
        lambda: torch.stack((x[0], torch.tensor(1.0))),
    ):
        with pytest.raises(MixedDevicesError, match="tensors on two devices"):
            mixed()
    with pytest.raises(TypeError, match=r"use .cpu\(\)"):
        x.numpy()
    assert isinstance(x * torch.tensor(2.0) + x[torch.tensor([0, 1, 2])], Tensor)
    assert x.is_cuda
    assert type(x.cpu()) is torch.Tensor


def jobs(paper: Paper) -> Iterator[Job]:
    for name, experiment in paper.experiments.items():
        for contender in experiment.contenders:
            if paper.cells_of(name, contender):
                yield Job(paper, name, contender)


def run_there(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Run a contender's first block on the other device."""
    pins = read_pins(ROOT / "baselines" / "pins.toml")
    context = Context(
        root=ROOT,
        store=tmp_path,
        device=THERE,
        seed=0,
        fingerprint={},
        data=lambda paper: "",
        pin_state=lambda name: state(pins[name]),
    )
    missing = context.pin_state(job.of.pin)[1] if job.of.pin else None
    if missing:
        return Outcome("unavailable", missing)
    plan = Plan(context)
    unit = (plan.trials(job) if job.of.grid else plan.units(job))[0]
    with other_device(monkeypatch):
        return worker.run(replace(unit, file="", kept=str(tmp_path)))


@pytest.mark.parametrize("name", CHEAP)
def test_a_contender_runs_on_another_device(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its problem, method and measure mix no devices."""
    paper, experiment, contender = name.split()
    domain, slug = paper.split("/")
    bound = bind(PaperFiles(ROOT, domain, slug), "smoke")

    outcome = run_there(Job(bound, experiment, contender), tmp_path, monkeypatch)

    assert (outcome.status, outcome.reason) == ("ok", None)


@pytest.mark.exam
@pytest.mark.parametrize("paper", [files.id for files in papers(ROOT)])
def test_every_contender_runs_on_another_device(paper: str, tmp_path: Path) -> None:
    """All that the smoke profile runs."""
    domain, slug = paper.split("/")
    failed = {}
    for job in jobs(bind(PaperFiles(ROOT, domain, slug), "smoke")):
        with pytest.MonkeyPatch.context() as patch:
            outcome = run_there(job, tmp_path, patch)
        if outcome.status not in {"ok", "unavailable"}:
            failed[job.key] = outcome.reason

    assert failed == {}
