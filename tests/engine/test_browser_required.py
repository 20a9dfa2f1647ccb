"""What a machine without a browser says of the tests that need one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import toy
from browsing import NAMES

ROOT = Path(__file__).parents[2]


def without_a_browser(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run tests/browser with a PATH that leads nowhere."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs", "tests/browser"],
        cwd=ROOT,
        env=toy.environment()
        | {"PATH": str(tmp_path), "PYTEST_ADDOPTS": toy.NEEDLESS, "CLAIMBENCH_REQUIRE_BROWSER": ""}
        | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_browser_is_one_visible_skip(tmp_path: Path) -> None:
    """One test is skipped, with the command that installs a browser; no other is even collected."""
    done = without_a_browser(tmp_path)

    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert "to mend it: apt-get install chromium" in done.stdout


def test_a_required_browser_that_is_missing_is_a_failure(tmp_path: Path) -> None:
    """Where CLAIMBENCH_REQUIRE_BROWSER is set, as in CI, the skip is a failure with its cure."""
    done = without_a_browser(tmp_path, CLAIMBENCH_REQUIRE_BROWSER="1")

    assert done.returncode == 1, done.stdout
    assert "CLAIMBENCH_REQUIRE_BROWSER is set, but no browser" in done.stdout
    assert "to mend it: apt-get install chromium" in done.stdout


def test_ci_installs_a_browser_and_requires_it() -> None:
    """CI asks for Debian's Chromium where no browser is, and lets no skip pass."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert "\nexport CLAIMBENCH_REQUIRE_BROWSER=1\n" in script
    assert f"command -v {' '.join(NAMES)} >/dev/null || missing+=(chromium)\n" in script
