"""What a machine without a browser says of the tests that need one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import browsing
import pytest
import test_browser
import toy

ROOT = Path(__file__).parents[2]


def test_a_required_browser_that_is_missing_is_one_failure(tmp_path: Path) -> None:
    """Where CLAIMBENCH_REQUIRE_BROWSER is set one test fails, and no other is even collected."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/browser"],
        cwd=ROOT,
        env=toy.environment()
        | {"PATH": str(tmp_path), "PYTEST_ADDOPTS": toy.NEEDLESS, browsing.REQUIRED: "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "CLAIMBENCH_REQUIRE_BROWSER is set, but no browser" in done.stdout
    assert "to mend it: apt-get install chromium" in done.stdout


@pytest.mark.parametrize("unset", ["", "0"])
def test_a_missing_browser_is_a_visible_skip_elsewhere(
    monkeypatch: pytest.MonkeyPatch, unset: str
) -> None:
    """The same test is skipped where nothing requires a browser, and says how to get one."""
    monkeypatch.setattr(test_browser, "find_browser", lambda: None)
    monkeypatch.setenv(browsing.REQUIRED, unset)

    with pytest.raises(pytest.skip.Exception, match="to mend it: apt-get install chromium"):
        test_browser.test_a_browser_is_installed()


def test_ci_installs_a_browser_and_requires_it() -> None:
    """CI asks for Debian's Chromium where no browser is, and lets no skip pass."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert "\nexport CLAIMBENCH_REQUIRE_BROWSER=1\n" in script
    assert f"command -v {' '.join(browsing.NAMES)} >/dev/null || missing+=(chromium)\n" in script
