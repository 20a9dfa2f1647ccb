"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import numpy as np
from scipy.special import stdtrit  # scipy.stats would take a second to import

#: The opponent's dual value is reached up to this share of it, as in the bench file's races.
EQUAL_VALUE = 1e-9
EXACT = 1e-4


def tradeoff(evidence, ax, palette):
    """Draw evaluations against row violation along k, at gamma = 10."""
    shown = evidence[(evidence["gamma"] == 10) & (evidence["k"] >= 2)]
    ends = {}
    for name in ("semi_dual", "pot_semi_dual"):
        path = _geometric_means(shown[shown["contender"] == name])
        ax.plot(path["row_violation"], path["calls"], "o-", color=palette[name], label=_words(name))
        ends[name] = path.iloc[[0, -1]]
    ours = _geometric_means(shown[shown["contender"] == "semi_dual"])
    for k, point in ours[ours.index <= 6].iterrows():  # those of larger k lie on one another
        ax.annotate(
            f"k = {k}", (point["row_violation"], point["calls"]), (4, 5), textcoords="offset points"
        )
    ax.set(xscale="log", yscale="log", xlabel="L1 row violation", ylabel="evaluations")
    ax.legend()
    first, last = (ends["semi_dual"].iloc[i] for i in (0, 1))
    return (
        f"From k = {first.name} to k = {last.name} the semi-dual's evaluations go from"
        f" {first['calls']:.0f} to {last['calls']:.0f}, and the plan's row violation from"
        f" {first['row_violation']:.2g} to {last['row_violation']:.1g} (geometric means over"
        " seeds, gamma = 10, unequal weights)."
    )


def _geometric_means(rows):
    """Return the geometric means of violation and evaluations, by k."""
    positive = rows[["row_violation", "calls"]].clip(lower=np.finfo(float).tiny)
    return np.exp(np.log(positive).groupby(rows["k"]).mean())


def gaps(evidence, ax, palette):
    """Draw the certified gap that every solver of the dual leaves, the worst seed and gamma."""
    value = evidence.pivot_table("dual_value", ["gamma", "replicate", "k"], "contender")
    upper = evidence.pivot_table("relaxed_cost", ["gamma", "replicate", "k"], "contender")["cone"]
    told = []
    for name in ("pot_semi_dual", "pot_dual", "semi_dual", "interior", "cone"):
        gap = (upper - value[name]) / upper.abs()
        worst = gap.groupby("k").max().clip(lower=1e-15)
        ax.plot(worst.index, worst, "o-", color=palette[name], label=_words(name))
        told.append(f"{_words(name)} {worst.iloc[0]:.1g}")
    ks = sorted(evidence["k"].unique())
    ax.set(xscale="log", yscale="log", xlabel="k", ylabel="certified gap, relative, worst seed")
    ax.set_xticks(ks, [str(k) for k in ks])
    ax.minorticks_off()
    ax.legend(fontsize="small")
    return (
        f"First-order solvers stop short where the dual is least smooth: at k = {ks[0]} the worst"
        f" gaps are {', '.join(told)}; they vanish as k grows."
    )


def exact_plans(evidence, ax, palette):
    """Draw the share of instances whose plan meets the row marginals, by k."""
    exact = evidence.assign(exact=evidence["row_violation"] < EXACT)
    told = []
    for name, style in (("semi_dual", "o-"), ("truncation", "s--")):
        shares = exact[exact["contender"] == name].groupby(["gamma", "k"])["exact"].mean()
        for gamma, line in shares.groupby("gamma"):
            by_k = line.droplevel("gamma")
            label = f"{_words(name)}, γ = {gamma:g}"
            faint = 1 if gamma == 10 else 0.5
            ax.plot(by_k.index, by_k, style, color=palette[name], alpha=faint, label=label)
            if name == "semi_dual":
                exact_at = ", ".join(str(k) for k in by_k.index[by_k == 1])
                told.append(f"at k = {exact_at} for gamma = {gamma:g}")
    ks = sorted(evidence["k"].unique())
    ax.set(xscale="log", xlabel="k", ylabel="share of instances with an exact plan")
    ax.set_xticks(ks, [str(k) for k in ks])
    ax.minorticks_off()
    ax.legend()
    return f"All plans meet their row marginals {' and '.join(told)}; elsewhere ties keep them off."


def violation_on_pictures(evidence, ax, palette):
    """Draw the row violation of plans between palettes, by k."""
    names = ("semi_dual", "interior", "pot_semi_dual", "truncation", "quadratic")
    for name in names:
        rows = evidence[evidence["contender"] == name]
        line = rows.groupby("k")["row_violation"].max().clip(lower=1e-9)
        ax.plot(line.index, line, "o-", color=palette[name], label=_words(name))
    ks = sorted(evidence["k"].unique())
    ax.set(xscale="log", yscale="log", xlabel="k", ylabel="L1 row violation, worst pair")
    ax.set_xticks(ks, [str(k) for k in ks])
    ax.minorticks_off()
    ax.legend()
    ours = evidence[(evidence["contender"] == "semi_dual") & (evidence["k"] == ks[0])]
    return (
        f"At k = {ks[0]} the plan between two palettes misses {ours['row_violation'].max():.0%} of"
        " the row weights (L1); the violation falls with k, and quadratic transport has next to"
        " none at any."
    )


def ratios(evidence, ax, palette):
    """Draw every throughput ratio of the race with its interval."""
    rates = _rates(evidence)
    cells = list(rates)
    for row, cell in enumerate(cells):
        mean, low, high = np.exp(rates[cell])
        ax.plot([low, high], [row, row], color=palette["interior"])
        ax.plot(mean, row, "o", color=palette["interior"])
        ax.annotate(
            f"{mean:.1f} [{low:.1f}, {high:.1f}]", (high, row), (6, -4), textcoords="offset points"
        )
    ax.axvline(1, color=palette["pot_race"])
    ax.set(xscale="log", xlabel="throughput, times POT's")
    ax.set_yticks(
        range(len(cells)), [f"{size}×{size}, {batch}, k = {k}" for size, batch, k in cells]
    )
    ax.set_xlim(right=6 * float(np.exp(max(high for _, _, high in rates.values()))))
    ax.invert_yaxis()
    stated = [
        f"{size} x {size}, batch {batch}, k = {k}: {np.exp(mean):.2g}"
        f" [{np.exp(low):.2g}, {np.exp(high):.2g}]"
        for (size, batch, k), (mean, low, high) in rates.items()
    ]
    return f"Throughput over POT's with 95% intervals. {'; '.join(stated)}."


def _rates(evidence):
    """Return, for every cell, mean and 95% limits of ln of the throughput ratio over rounds."""
    found = {}
    values = [name for name in evidence.columns if name.startswith("value_")]
    for cell, rows in evidence.groupby(["size", "batch", "k"]):
        ours, theirs = (
            rows[rows["contender"] == name].sort_values("replicate").reset_index(drop=True)
            for name in ("interior", "pot_race")
        )
        audited = theirs["audited"].to_numpy()
        looked_at = np.arange(len(values)) < audited[:, None]
        least = theirs[values] - EQUAL_VALUE * theirs[values].abs()
        solved = ((ours[values] >= least) & looked_at).sum(axis=1) / audited
        ratio = np.log(
            solved * ours["problems"] / ours["seconds"] * theirs["seconds"] / theirs["problems"]
        )
        spread = stdtrit(len(ratio) - 1, 0.975) * ratio.std() / np.sqrt(len(ratio))
        found[cell] = (ratio.mean(), ratio.mean() - spread, ratio.mean() + spread)
    return found


def capacity(evidence, ax, palette):
    """Draw the share of experts over capacity, by capacity."""
    for name in evidence["contender"].unique():
        line = evidence[evidence["contender"] == name].groupby("k")["share_over"].mean()
        ax.plot(line.index, line, "o-", color=palette[name], label=_words(name))
    ks = sorted(evidence["k"].unique())
    ax.set(xscale="log", xlabel="capacity k", ylabel="share of experts over capacity")
    ax.set_xticks(ks, [str(k) for k in ks])
    ax.minorticks_off()
    ax.legend(fontsize="small")
    tight = evidence[evidence["k"] == ks[0]].groupby("contender")["share_over"].mean()
    within = ", ".join(_words(name) for name in tight.index[tight == 0])
    over = ", ".join(f"{_words(name)} {share:.2g}" for name, share in tight[tight > 0].items())
    return f"At capacity {ks[0]} nobody is over by {within}; shares over: {over}."


def _words(name):
    return name.replace("pot_", "POT ").replace("_", " ")


FIGURES = (
    ("sweep", "Sparsity against smoothness along k", tradeoff),
    ("sweep", "What the solvers leave of the certified dual optimum", gaps),
    ("sweep", "Which plans are exact, unequal weights", exact_plans),
    ("uniform", "Which plans are exact, uniform weights", exact_plans),
    ("pictures", "Row marginals between the palettes of photographs", violation_on_pictures),
    ("router", "Experts over capacity", capacity),
    ("race", "Throughput against POT, every cell", ratios),
)
