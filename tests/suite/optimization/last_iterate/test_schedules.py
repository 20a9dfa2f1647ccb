"""Step sizes are the paper's, and the bound has the size that the theory gives it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.optimization.last_iterate import schedules

PLAIN = {
    "linear_decay": (schedules.linear_decay, lambda t, T: (T - t + 1) / T**1.5),
    "inverse_sqrt": (schedules.inverse_sqrt, lambda t, T: 1 / np.sqrt(t)),
    "constant": (schedules.constant, lambda t, T: np.full_like(t, T**-0.5)),
    "harmonic": (schedules.harmonic, lambda t, T: 1 / t),
    "double_harmonic": (schedules.double_harmonic, lambda t, T: 2 / (t + 1)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_schedules_are_their_formulae(name):
    """Each step at each t is what the paper's formula says; eta (or 1/mu) is a factor."""
    schedule, formula = PLAIN[name]
    t = np.arange(1.0, 101)
    scale = 1 / 0.7 if "harmonic" in name else 0.7
    np.testing.assert_allclose(schedule(100, 0.7).numpy(), scale * formula(t, 100), rtol=1e-14)


@pytest.mark.parametrize("name", PLAIN)
def test_rows_of_different_horizons_are_runs_of_their_own(name):
    """With a tensor of horizons each row is the schedule of its T alone, and zero after it."""
    schedule, _ = PLAIN[name]
    T, eta = torch.tensor([3, 8, 5]), torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    rows = schedule(T, eta)
    assert rows.shape == (3, 8)
    for row, horizon, scale in zip(rows, T.tolist(), eta.tolist(), strict=True):
        torch.testing.assert_close(row[:horizon], schedule(horizon, scale), rtol=1e-15, atol=0)
        assert not row[horizon:].any()


def test_smooth_strong_convexity_and_heavy_tails_change_the_formulae():
    """kappa = L/mu enters as t + 2 kappa and t + 1 + 4 kappa, p as T^(1 + 1/p), L as a cap."""
    t = np.arange(1.0, 11)
    np.testing.assert_allclose(schedules.harmonic(10, 2.0, kappa=3), 0.5 / (t + 6))
    np.testing.assert_allclose(schedules.double_harmonic(10, 2.0, kappa=3), 1 / (t + 13))
    heavy = 0.5 * (11 - t) / 10 ** (1 + 1 / 1.5)
    np.testing.assert_allclose(schedules.linear_decay(10, 0.5, p=1.5), heavy)
    capped = schedules.capped(schedules.inverse_sqrt(10, 1.0), L=1.0)
    np.testing.assert_allclose(capped, np.minimum(0.5, 1 / np.sqrt(t)))


@given(st.integers(1, 300), st.floats(0.01, 10))
def test_linear_decay_sums_to_what_the_proof_needs(T, eta):
    """All steps sum to eta (T + 1) / (2 sqrt T), those from t on to the triangle's rest (check 1).

    T - t in place of T - t + 1 would sum to (T - 1) / (2 sqrt T).
    """
    steps, t = schedules.linear_decay(T, eta).numpy(), np.arange(1, T + 1)
    np.testing.assert_allclose(steps.sum(), eta * (T + 1) / (2 * np.sqrt(T)), rtol=1e-12)
    rest = np.cumsum(steps[::-1])[::-1]
    np.testing.assert_allclose(rest, eta * (T - t + 1) * (T - t + 2) / (2 * T**1.5), rtol=1e-12)


@given(st.integers(1, 300), *[st.floats(0.01, 10)] * 4)
def test_the_two_terms_of_the_bound_have_no_logarithm(T, eta, D, M, sigma):
    """Under linear decay they are at most 2D/(eta sqrt T) and 4 eta (M^2 + sigma^2)/sqrt T."""
    steps = schedules.linear_decay(T, eta)
    bias = schedules.expected_gap_bound(steps, D, 0.0, 0.0).item()
    variance = schedules.expected_gap_bound(steps, 0.0, M, sigma).item()
    assert bias <= 2 * D / (eta * T**0.5) * (1 + 1e-12)
    assert variance <= 4 * eta * (M**2 + sigma**2) / T**0.5 * (1 + 1e-12)


@given(st.integers(1, 300), *[st.floats(0.01, 10)] * 3)
def test_with_the_theorys_eta_the_bound_is_six_times_the_rate(T, D, M, sigma):
    """It is at most 6 sqrt(D (M^2 + sigma^2) / T) (check 2)."""
    steps = schedules.linear_decay(T, schedules.theory_eta(D, M, sigma))
    bound = schedules.expected_gap_bound(steps, D, M, sigma).item()
    assert bound <= 6 * (D * (M**2 + sigma**2) / T) ** 0.5 * (1 + 1e-12)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear_decay", (9.07, 9.35, 9.44, 9.47)),
        ("inverse_sqrt", (24.9, 31.8, 38.5, 45.1)),
        ("constant", (16.6, 20.9, 25.3, 29.7)),
    ],
)
def test_the_bound_times_sqrt_T_is_flat_under_linear_decay_only(schedule, expected):
    """D = 1/2, M = 2, sigma = 1: figures of an independent implementation, T = 64 to 4096."""
    steps = [PLAIN[schedule][0](T, 0.1**0.5) for T in (64, 256, 1024, 4096)]
    bounds = [schedules.expected_gap_bound(one, 0.5, 2.0, 1.0).item() for one in steps]
    scaled = np.array(bounds) * np.sqrt([64, 256, 1024, 4096])
    np.testing.assert_allclose(scaled, expected, atol=0.0051 if max(expected) < 10 else 0.051)


def test_the_bound_is_its_double_sum():
    """Written out as loops, with rows of different horizons and constants, it is the same."""
    T, D = torch.tensor([4, 7]), torch.tensor([0.5, 2.0], dtype=torch.float64)
    steps = schedules.inverse_sqrt(T, 1.3)
    found = schedules.expected_gap_bound(steps, D, 2.0, 0.5)
    for row, horizon, distance, value in zip(
        steps.tolist(), T.tolist(), D.tolist(), found.tolist(), strict=True
    ):
        eta = row[:horizon]
        noise = sum(eta[t] ** 2 / sum(eta[t:]) for t in range(horizon))
        assert value == pytest.approx(distance / sum(eta) + 2 * 4.25 * noise, rel=1e-13)
