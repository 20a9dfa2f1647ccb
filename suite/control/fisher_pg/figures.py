"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import numpy as np
from scipy.special import stdtrit  # scipy.stats would take a second to import

from claimbench import slope

#: Checkpoints of a slope, as in the bench file's estimands.
WINDOW = 6
#: What theory lets the error and the gap fall like, on each method's own schedule.
THEORY = {
    "error": {"n_pgm": -1 / 3, "n_pg_igt": -2 / 5, "n_harpg": -1 / 2, "harpg": -1 / 2},
    "gap": {
        "pg": -1 / 3,
        "n_pgm": -1 / 3,
        "n_pg_igt": -2 / 5,
        "n_harpg": -1 / 2,
        "harpg": -1 / 2,
    },
}
ERROR = ("n_pg_igt", "igt_untransported", "n_harpg", "n_harpg_uncorrected", "harpg", "n_pgm")
GAP = ("n_pg_igt", "n_harpg", "harpg", "n_pgm", "pg", "pg_third")
WORDS = {
    "n_pg_igt": "N-PG-IGT",
    "igt_untransported": "N-PG-IGT without transport",
    "n_harpg": "N-HARPG",
    "n_harpg_uncorrected": "N-HARPG without correction",
    "harpg": "HARPG",
    "harpg_uncorrected": "HARPG without correction",
    "pg": "PG, γ ~ t^(-2/3)",
    "pg_half": "PG, γ ~ t^(-1/2)",
    "pg_third": "PG, γ ~ t^(-1/3)",
    "n_pgm": "N-PGM, η ~ t^(-2/3)",
    "n_pgm_one": "N-PGM, η ~ 1/t",
    "storm_pg": "STORM-PG",
    "is_mbpg": "IS-MBPG",
    "a2c": "A2C",
    "twin": "twin",
    "twin_undropped": "twin, ended episodes kept",
    "gymnasium_loop": "gymnasium loop",
    "gymnasium_vector": "gymnasium vector",
    "torch_loop": "gymnasium loop, torch policy",
}
#: A method, and the same without its correction.
PAIRS = (("n_pg_igt", "igt_untransported"), ("n_harpg", "n_harpg_uncorrected"))
CONTROLS = ("igt_reversed", "n_harpg_reversed", "harpg_reversed")


def errors(evidence, ax, palette):
    """Draw the error of the estimate over N, with lines of theory's slope."""
    _curves(evidence, ax, palette, "error", ERROR)
    ax.set_ylabel("error of the gradient estimate, median")
    told = []
    end = _at_the_end(evidence, "error")
    for one, other in _pairs(evidence):
        told.append(
            f"{_words(one)} falls like N to {_mean(evidence, one, 'error'):.2f} and"
            f" {_words(other)} to {_mean(evidence, other, 'error'):.2f}, which leaves it"
            f" {np.exp(np.log(end[other]).mean() - np.log(end[one]).mean()):.1f} times as large"
        )
    return f"The corrections serve the estimate: {'; '.join(told)}."


def gaps(evidence, ax, palette):
    """Draw the gap over N, medians with lines of theory's slope."""
    _curves(evidence, ax, palette, "gap", GAP)
    ax.set_ylabel("gap J* - J, median")
    end = _at_the_end(evidence, "gap")
    told = [
        f"{_words(name)} {_mean(evidence, name, 'gap'):.2f} (gap {end[name].mean():.2g} in the"
        f" mean, {end[name].median():.2g} in the median, {end[name].max():.2g} at most)"
        for name in _there(evidence, GAP)
    ]
    return (
        "Theory's are upper bounds, no ranking: each method runs on its own schedule, and on that"
        f" of PG with γ ~ t^(-1/3) no theorem speaks. Exponents of N: {'; '.join(told)}."
    )


def exponents(evidence, ax, palette):
    """Draw every contender's exponents of error and gap with 95% intervals, and theory's."""
    names = [name for name in evidence["contender"].unique() if name not in CONTROLS]
    lowest, labels = None, []
    for row, name in enumerate(names):
        lost = int((~np.isfinite(_slopes(evidence, name, "gap"))).sum())
        labels.append(_words(name) + (f", {lost} lost" if lost else ""))
        for measure, marker, shift in (("error", "o", -0.15), ("gap", "D", 0.15)):
            values = _exponents(evidence, name, measure)
            mean, half = values.mean(), _half_width(values)
            ax.plot([mean - half, mean + half], [row + shift] * 2, color=palette[name])
            ax.plot(mean, row + shift, marker, color=palette[name])
            if name in THEORY[measure]:
                ax.plot(THEORY[measure][name], row + shift, "|", color="black", markersize=11)
            if measure == "gap" and (lowest is None or mean < lowest[1]):
                lowest = (name, mean)
    ax.set(xlabel="exponent of N (circle: error, diamond: gap, bar: theory's bound)")
    ax.set_yticks(range(len(names)), labels)
    ax.invert_yaxis()
    moved = [
        f"{_words(one)} {_mean(evidence, one, 'gap') - _mean(evidence, other, 'gap'):+.2f}"
        for one, other in _pairs(evidence)
    ]
    return (
        "The gap does not see the corrections as the error does: with them its exponent moves by"
        f" {', '.join(moved)}, and the gap that falls fastest is that of {_words(lowest[0])},"
        f" {lowest[1]:.2f}."
    )


def returns(evidence, ax, palette):
    """Draw what is missing to the best return over trajectories, a line style for each task."""
    told, styles = [], ("-", "--", ":")
    for row, ((task, policy), rows) in enumerate(evidence.groupby(["environment", "policy"])):
        table = rows.groupby(["contender", "N"])["shortfall"].mean().unstack("N")
        for name, curve in table.iterrows():
            label = _words(name) if row == 0 else None
            style = styles[row % len(styles)]
            ax.plot(curve.index, curve, style, color=palette[name], label=label)
        area = table.mean(axis=1).sort_values()
        told.append(
            f"{task} {policy}: {_words(area.index[0])} {_digits(area.iloc[0])}, N-PG-IGT"
            f" {_digits(area.get('n_pg_igt', np.nan))}, N-HARPG"
            f" {_digits(area.get('n_harpg', np.nan))}"
        )
    ax.set(xlabel="trajectories N", ylabel="shortfall from the best return", yscale="symlog")
    ax.legend(fontsize="small")
    return f"Mean shortfall over the checkpoints, the least first. {'; '.join(told)}."


def speeds(evidence, ax, palette):
    """Draw live steps per second of every racer and cell."""
    rate = evidence.assign(rate=np.log(evidence["live_steps"] / evidence["seconds"]))
    cells = list(rate.groupby(["policy", "skill", "episodes"], sort=False))
    told = []
    for row, ((policy, skill, episodes), rows) in enumerate(cells):
        found = {name: own["rate"] for name, own in rows.groupby("contender")}
        for name, values in found.items():
            mean, half = values.mean(), _half_width(values)
            label = _words(name) if row == 0 else None
            ax.plot(np.exp([mean - half, mean + half]), [row] * 2, color=palette[name])
            ax.plot(np.exp(mean), row, "o", color=palette[name], label=label)
        against = [
            f"{_digits(np.exp(found['twin'].mean() - found[other].mean()))} times {_words(other)}"
            for other in ("gymnasium_loop", "gymnasium_vector", "torch_loop")
            if other in found
        ]
        told.append(f"{policy} {skill} {episodes}: {', '.join(against)}")
    ax.set(xscale="log", xlabel="live steps per second")
    ax.set_yticks(range(len(cells)), [" ".join(map(str, cell)) for cell, _ in cells])
    ax.invert_yaxis()
    ax.legend(fontsize="small")
    return f"The batched twin's live steps per second. {'; '.join(told)}."


def _there(evidence, names):
    """Return those of the names that the evidence has: a run may leave contenders out."""
    return [name for name in names if name in set(evidence["contender"])]


def _pairs(evidence):
    return [pair for pair in PAIRS if len(_there(evidence, pair)) == 2]


def _curves(evidence, ax, palette, measure, names):
    """Draw medians over replicates, and for theory's exponents lines through their ends."""
    for name in _there(evidence, names):
        rows = evidence[evidence["contender"] == name]
        curve = rows.groupby("N")[measure].median()
        ax.plot(curve.index, curve, "o-", color=palette[name], label=_words(name), markersize=4)
        power = THEORY[measure].get(name)
        if power is not None:
            last = curve.index[-WINDOW:]
            line = curve.iloc[-1] * (last / last[-1]) ** power
            ax.plot(last, line, "--", color=palette[name], linewidth=1)
    ax.plot([], [], "--", color="black", linewidth=1, label="theory's slope")
    ax.set(xscale="log", yscale="log", xlabel="trajectories N")
    ax.legend(fontsize="small")


def _slopes(evidence, name, measure):
    """Return each replicate's slope over the last checkpoints, NaN where the run was lost."""
    rows = evidence[evidence["contender"] == name]
    table = rows.pivot(index="replicate", columns="N", values=measure).iloc[:, -WINDOW:]
    y = np.log(table.to_numpy())
    return slope(y, np.log(table.columns.to_numpy(dtype=float)))


def _exponents(evidence, name, measure):
    """Return the slopes of the runs that were not lost."""
    found = _slopes(evidence, name, measure)
    return found[np.isfinite(found)]


def _mean(evidence, name, measure):
    return _exponents(evidence, name, measure).mean()


def _half_width(values):
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return stdtrit(max(len(values) - 1, 1), 0.975) * spread / np.sqrt(len(values))


def _at_the_end(evidence, measure):
    """Return the last checkpoint's values of every contender, replicates by name."""
    return evidence[evidence["N"] == evidence["N"].max()].pivot(
        index="replicate", columns="contender", values=measure
    )


def _digits(number):
    """Return a number as people write it, to two digits or to the unit."""
    return f"{number:.2g}" if number < 100 else f"{number:,.0f}"


def _words(name):
    return WORDS.get(name, name.replace("_", " "))


FIGURES = (
    ("instance_b", "The estimate's error over trajectories", errors),
    ("instance_b", "The gap over trajectories", gaps),
    ("instance_b", "Exponents of error and gap", exponents),
    ("instance_a", "The estimate's error over trajectories", errors),
    ("instance_a", "The gap over trajectories", gaps),
    ("instance_a", "Exponents of error and gap", exponents),
    ("tasks", "Learning curves on twins of gymnasium's tasks", returns),
    ("reacher", "Learning curves on gymnasium's Reacher", returns),
    ("race", "Steps of CartPole per second", speeds),
)
