"""The pytest plugin: ``pytest suite --benchmark-only`` from collection to report."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from claimbench.errors import ClaimbenchError
from claimbench.plugin.options import Options, add_options, refuse_xdist
from claimbench.plugin.session import STATE, Session

__all__: list[str] = []

_SESSION: pytest.StashKey[pytest.Session] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add claimbench's options."""
    add_options(parser)


def pytest_load_initial_conftests(args: list[str], parser: pytest.Parser) -> None:
    """Answer `-n` where xdist is absent, before argparse complains of an unknown option."""
    del parser
    refuse_xdist(args)


def pytest_configure(config: pytest.Config) -> None:
    """Check the options; nothing is imported or started yet."""
    try:
        state = config.stash[STATE] = Session(Options.of(config))
    except ClaimbenchError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(state, "claimbench-session")
    _let_pytest_benchmark_warn(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the workers, however the session ended, and draw what no summary has asked for."""
    if STATE in config.stash:
        config.stash[STATE].close()
        _draw(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let the workers' server import torch while bench files are collected."""
    options = session.config.stash[STATE].options
    if not options.runs or session.config.option.collectonly:
        return (yield)
    from claimbench.evidence.pool import prepare

    prepare(session.config.rootpath, candidates=bool(options.candidates))
    # What bench files import stays to the end: to search it for garbage, time and again, is a tenth
    # of what an unchanged run costs.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the bench files of ``suite/``."""
    # pytest itself makes a module of a file named on the command line: see the next hook.
    if _is_bench(file_path) and not parent.session.isinitpath(file_path):
        return _bench_file(file_path, parent)
    return None


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    """Collect a bench file that was named on the command line."""
    return _bench_file(module_path, parent) if _is_bench(module_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put races last: nothing else may run beside them.

    Raises
    ------
    pytest.UsageError
        When the words on the command line fit no paper's experiments.
    """
    from claimbench.plugin.collect import ContenderItem

    state = config.stash[STATE]
    if state.misused is not None:
        raise pytest.UsageError(str(state.misused)) from state.misused
    try:
        state.check_candidates()
    except ClaimbenchError as error:
        raise pytest.UsageError(str(error)) from error
    items.sort(key=lambda item: isinstance(item, ContenderItem) and item.job.is_race)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Hand the selected contenders to the workers before the first item waits for its own."""
    from claimbench.plugin.collect import ContenderItem

    state = session.config.stash[STATE]
    jobs = [item.job for item in session.items if isinstance(item, ContenderItem)]
    if state.options.estimates and jobs:
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        reporter.ensure_newline()
        for line in state.estimate(jobs):
            reporter.write_line(line)
        return True  # the loop is done: nothing runs
    if session.config.option.collectonly or not jobs or not state.options.runs:
        return None
    try:
        state.start(jobs, session.config)
    except ClaimbenchError as error:
        pytest.exit(f"claimbench: {error}", returncode=error.exit_code)
    return None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge what there is, and write the record; also after Ctrl-C or `-x`."""
    state = session.config.stash.get(STATE, None)
    if state is None:
        return
    session.config.stash[_SESSION] = session
    code = state.finish(int(exitstatus))
    if code is not None:
        session.exitstatus = code


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the verdicts, then draw the report, then say where record and report are."""
    state = terminalreporter.config.stash.get(STATE, None)
    if state is not None and state.outcome is not None:
        from claimbench.plugin.summary import write_files, write_verdicts

        write_verdicts(terminalreporter, state.outcome)
        _draw(terminalreporter.config)
        write_files(terminalreporter, state.outcome)


def _draw(config: pytest.Config) -> None:
    if not config.stash[STATE].draw() and _SESSION in config.stash:
        config.stash[_SESSION].exitstatus = 2


def _is_bench(path: Path) -> bool:
    return path.suffix == ".py" and path.name.startswith("bench_") and "suite" in path.parts


def _bench_file(path: Path, parent: pytest.Collector) -> pytest.Collector:
    from claimbench.plugin.collect import BenchFile

    collector: pytest.Collector = BenchFile.from_parent(parent, path=path)
    return collector


def _let_pytest_benchmark_warn(config: pytest.Config) -> None:
    """Keep its warnings from being errors.

    A run that is served from the store has nothing for ``--benchmark-json`` to save; to be told so
    at the end, as an error, would cost the session its summary. pytest applies the ini's filters
    around its own hooks; pytest-benchmark warns outside of them too.
    """
    warnings.filterwarnings("default", category=PytestBenchmarkWarning)
    config.addinivalue_line(
        "filterwarnings", "default::pytest_benchmark.logger.PytestBenchmarkWarning"
    )
