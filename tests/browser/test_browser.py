"""A browser is here, or it is said once that the others of these tests are left out."""

from __future__ import annotations

import pytest
from browsing import MISSING, REQUIRED, find_browser, is_required


def test_a_browser_is_installed() -> None:
    """Without a browser the tests of the page are left out: said here, once, or refused."""
    if find_browser() is None:
        if is_required():
            pytest.fail(f"{REQUIRED} is set, but {MISSING}", pytrace=False)
        pytest.skip(f"{MISSING} (the tests of the report's page are left out)")


def test_debians_chromium_comes_first() -> None:
    """Of several browsers the first of the list is taken, and none is no error."""
    assert find_browser(lambda name: f"/usr/bin/{name}") == "/usr/bin/chromium"
    assert find_browser({"google-chrome": "/opt/chrome"}.get) == "/opt/chrome"
    assert find_browser(lambda name: None) is None
