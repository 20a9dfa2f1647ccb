"""The full profile as claim.toml has it, with every size shrunk: all that a GPU would run."""

import numpy as np
import pytest

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from claimbench.evidence.streams import Streams
from claimbench.pins import read_pins, state
from suite.control.fisher_pg import learners, tasks

PAPER = bind(PaperFiles(find_root(), "control", "fisher_pg"), "full")
PINS = read_pins(find_root() / "baselines" / "pins.toml")
TASKS = ("tasks", "reacher")
#: Vanilla steps may overflow on Pendulum, which is evidence.
PLAIN = ("pg", "harpg", "storm_pg")
#: But for the race, whose design is the standard one: see test_rollouts.
ALL = [
    (experiment, contender)
    for experiment, one in PAPER.experiments.items()
    for contender in one.contenders
    if not one.seconds
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Make estimates of the tasks from two trajectories of 20 steps, and evaluate on as many."""
    for environment in tasks.ENVIRONMENTS.values():
        monkeypatch.setattr(environment, "limit", 20)
    for module, name in ((tasks, "BATCH"), (learners, "BATCH"), (tasks, "EVALUATED")):
        monkeypatch.setattr(module, name, 2)


def shrunk(experiment, settings):
    """Return settings with few trajectories."""
    # On tasks for two iterations of HARPG's: one batch, then two.
    return {**settings, "N": (2, 6) if experiment in TASKS else (4, 8)}


def problems(experiment):
    """Return the settings of every problem that the design builds, stacked ones as tuples."""
    made, cells = PAPER.experiments[experiment], PAPER.designs[experiment].cells
    groups = {}
    for cell in cells:
        rest = {name: value for name, value in cell.items() if name not in made.stack}
        groups.setdefault(repr(rest), []).append(cell)
    return [
        {
            name: tuple(cell[name] for cell in group) if name in made.stack else group[0][name]
            for name in group[0]
        }
        for group in groups.values()
    ]


def run(experiment, contender):
    """Return the columns of each problem, as a worker makes them."""
    made = PAPER.experiments[experiment]
    of = made.contenders[contender]
    n = 1 if contender == "a2c" else 2
    for settings in problems(experiment):
        given = shrunk(experiment, settings)
        streams = Streams("control/fisher_pg", experiment, 0, range(n))
        problem = made.problem(**given, streams=streams, n=n)
        private = {"streams": streams.private(contender)} if of.wants_streams else {}
        first = {name: values[0] for name, values in of.grid.items()}
        columns = made.measure(problem, of.function(problem, **first, **private))
        yield given, n, problem, {name: np.asarray(column) for name, column in columns.items()}


@pytest.mark.parametrize(("experiment", "contender"), ALL)
def test_everybody_plays_everywhere_at_full(experiment, contender):
    """Each problem of the full design is built and answered, by no more trajectories than N."""
    pin = PAPER.experiments[experiment].contenders[contender].pin
    missing = state(PINS[pin])[1] if pin else None
    if missing:
        pytest.skip(missing)
    for settings, n, problem, columns in run(experiment, contender):
        rows = n * len(settings["N"])
        for name, column in columns.items():
            assert column.shape == (rows,), name
            assert np.isfinite(column).all() or (experiment in TASKS and contender in PLAIN), name
        paid = problem.calls.reshape(-1, n).T.numpy()
        assert (paid <= settings["N"]).all()
        assert (np.diff(paid) > 0).all()


@pytest.mark.parametrize("claim", PAPER.claims, ids=lambda claim: claim.id)
def test_every_claim_has_an_effect_at_full(claim):
    """Estimands take what the full design measures, and return an effect for each replicate."""
    design = PAPER.designs[claim.experiment]
    rng = np.random.default_rng(0)

    def subject():
        cells = [c for c in design.cells if all(c[k] == v for k, v in claim.where.items())]
        names = ("error", "gap") if claim.experiment != "race" else ("live_steps", "seconds")
        settings = {name: np.asarray([cell[name] for cell in cells]) for name in cells[0]}
        return {name: rng.uniform(1, 2, (3, len(cells))) for name in names} | settings

    others = [subject()] if claim.against else []
    found = PAPER.estimands[claim.id](subject(), *others)
    for effects in found.values() if isinstance(found, dict) else [found]:
        assert effects.shape == (3,)
        assert np.isfinite(effects).all()
