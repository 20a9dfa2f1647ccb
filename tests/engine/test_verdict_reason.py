"""The sentence of a verdict, word for word."""

from __future__ import annotations

import math

import numpy as np
import pytest

from claimbench.statistics.prediction import parse_printed
from claimbench.verdict import Effects, Rule, judge

INF, NAN = math.inf, math.nan
# Mean 0, sum of squares 7.68: half-widths 0.6608 at 95% and 0.5355 at 90%.
NOISE = np.array([-1.5, -1.0, -0.7, -0.3, -0.1, 0.1, 0.3, 0.7, 1.0, 1.5])


@pytest.mark.parametrize(
    ("x", "rule", "expected"),
    [
        (
            NOISE / 10 + 1.86,
            {"kind": "superiority", "margin": 0.1, "unit": "nats"},
            "1.86 nats, 95% interval 1.79 to 1.93 over 10 replicates, lies above 0.",
        ),
        (
            NOISE / 100 + 0.05,
            {"kind": "superiority", "margin": 0.1},
            (
                "0.05, 95% interval 0.0434 to 0.0566 over 10 replicates, lies above 0 but below "
                "the margin 0.1."
            ),
        ),
        (
            -NOISE / 10 - 1,
            {"kind": "superiority", "margin": 0.1},
            "-1, 95% interval -1.07 to -0.934 over 10 replicates, lies below the margin 0.1.",
        ),
        (
            NOISE,
            {"kind": "superiority", "margin": 1.0},
            "0, 95% interval -0.661 to 0.661 over 10 replicates, lies below the margin 1.",
        ),
        (
            NOISE + 0.2,
            {"kind": "superiority", "margin": 0.4},
            (
                "0.2, 95% interval -0.461 to 0.861 over 10 replicates, excludes neither 0 nor the "
                "margin 0.4; about 283 replicates would settle it with 80% power."
            ),
        ),
        (
            NOISE,
            {"kind": "superiority"},
            (
                "0, 95% interval -0.661 to 0.661 over 10 replicates, contains 0; fewer than 10,000 "
                "replicates would not settle it with 80% power."
            ),
        ),
        (
            NOISE,
            {"kind": "non-inferiority", "margin": 1.0},
            "0, 95% interval -0.661 to 0.661 over 10 replicates, lies above -1, the margin.",
        ),
        (
            NOISE,
            {"kind": "equivalence", "margin": 1.0},
            "0, 90% interval -0.535 to 0.535 over 10 replicates, lies within ±1.",
        ),
        (
            NOISE + 5,
            {"kind": "equivalence", "margin": 1.0},
            "5, 95% interval 4.34 to 5.66 over 10 replicates, lies outside ±1.",
        ),
        (
            NOISE - 2,
            {"kind": "rate", "threshold": -1.0, "margin": 0.1, "unit": "per ln T"},
            (
                "-2 per ln T, 95% interval -2.66 to -1.34 over 10 replicates, lies at or below "
                "-0.9, threshold plus margin."
            ),
        ),
        (
            NOISE + 2,
            {"kind": "bound", "threshold": 1.0},
            "2, 95% interval 1.34 to 2.66 over 10 replicates, lies above 1, the threshold.",
        ),
        (
            np.arange(10) < 9,
            {"kind": "success", "threshold": 0.3},
            (
                "0.9 (9 of 10), 95% Wilson interval 0.541 to 0.995 over 10 replicates, lies above "
                "0.3, the threshold."
            ),
        ),
        (
            np.arange(10) < 0,
            {"kind": "success", "threshold": 0.4},
            (
                "0 (0 of 10), 95% Wilson interval 0 to 0.345 over 10 replicates, lies below 0.4, "
                "the threshold."
            ),
        ),
        (
            [1e-14, -3e-13],
            {"kind": "identity", "margin": 1e-12, "unit": "relative"},
            "Largest deviation -3e-13 relative over 2 instances, all within ±1e-12.",
        ),
        (
            [1e-14, 3.0, NAN],
            {"kind": "identity", "margin": 1e-12},
            "Largest deviation undefined over 3 instances, 2 of them outside ±1e-12 or undefined.",
        ),
        (
            [-3.0, 2.0, 1.0],
            {"kind": "bound", "threshold": 0.0, "exact": True},
            "Largest value 2 over 3 instances, 2 of them above 0.",
        ),
        (
            [-3.0],
            {"kind": "bound", "threshold": 0.0, "exact": True},
            "Largest value -3 over 1 instance, all at or below 0.",
        ),
        (
            [INF, INF, 1, 2, 3, 4, 5, 6, NAN],
            {"kind": "superiority"},
            (
                "Median undefined (3 of 9 effects infinite or undefined), 95% interval of the "
                "median 1 to infinity over 9 replicates, lies above 0."
            ),
        ),
        (
            [1.0, 2.0, 3.0],
            {"kind": "superiority"},
            "2, 95% interval -0.484 to 4.48 over 3 replicates; a verdict needs 5 replicates.",
        ),
        (
            NOISE + 5,
            {"kind": "magnitude", "printed": parse_printed("9 ± 1 (n = 4)")},
            (
                "5, 95% interval 4.34 to 5.66 over 10 replicates, lies above 0; the printed 9 lies "
                "above its prediction interval 3.76 to 6.24 (z = -6.9)."
            ),
        ),
    ],
)
def test_the_reason_is_one_sentence_with_the_numbers(x, rule, expected):
    """What was found, its interval with level and n, and the rule it met or missed."""
    effects = Effects.per_replicate(x, n=len(x))
    found = judge(effects, Rule(**rule), rng=np.random.default_rng(0))
    assert found.reason == expected
