"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import numpy as np

#: Between which KL's gap over sqrt(log d / T) should stay, as in the bench file.
LEAST, MOST = 0.8, 1.6
#: What the bench file lets through of a quantile's ratio and its exponent of log(1/delta), and of
#: the level under heavy tails.
RATIO, EXPONENT, LEVEL = 3, 0.15, 3
P = 1.5


def growth(evidence, ax, palette):
    """Draw sqrt(T) gap against ln T, with the proven growth and none at all beside it."""
    told = []
    for instance, names in (
        (
            "inverse_sqrt",
            (
                "inverse_sqrt",
                "uniform_average",
                "suffix_average",
                "phases",
                "linear_decay",
                "average_of_linear_decay",
            ),
        ),
        ("constant", ("constant", "linear_decay")),
    ):
        own = instance == "inverse_sqrt"
        for name in names:
            line = _scaled(evidence, instance, name)
            slope = np.polyfit(np.log(line.index), line, 1)[0]
            label = _words(name) + ("" if own else ", instance of η/√T")
            style = {"color": palette[name], "alpha": 1 if own else 0.55}
            ax.plot(line.index, line, "-" if own else "--", label=label, **style)
            if own or name == "constant":
                told.append(f"{label} {slope:+.4f}")
    T = np.array(sorted(_scaled(evidence, "inverse_sqrt", "linear_decay").index))
    ax.plot(T, np.log(T) / 32, ":", color="gray", label="ln T / 32, proven for 1/√t")
    level = _scaled(evidence, "inverse_sqrt", "linear_decay").iloc[0]
    ax.axhline(level, ls=":", color="gray", lw=1, label="flat")
    _over_T(ax, T, "√T · gap")
    _legend_on_top(ax)
    return f"Growth of √T · gap per ln T, {T[0]:g} to {T[-1]:g}: {'; '.join(told)}; proven 0.0312."


def sweep(evidence, ax, palette):
    """Draw sqrt(T) gap against T, one run at each, of steps with and without the logarithm."""
    told = []
    for instance, naive in (("inverse_sqrt", "inverse_sqrt"), ("constant", "constant")):
        for name in (naive, "linear_decay", "torch_sgd"):
            chosen = (evidence["instance"] == instance) & (evidence["contender"] == name)
            rows = evidence[chosen].sort_values("T")
            if rows.empty:
                continue
            line = np.sqrt(rows["T"]) * rows["gap"]
            style = {"inverse_sqrt": "o-", "constant": "s--"}[instance]
            style = "x" if name == "torch_sgd" else style
            label = f"{_words(name)}, made for {_words(instance)}"
            ax.plot(rows["T"], line, style, color=palette[name], label=label)
            told.append(f"{label} {', '.join(f'{value:.4f}' for value in line)}")
    T = np.sort(evidence["T"].unique())
    _over_T(ax, T, "√T · gap")
    _legend_on_top(ax)
    return f"√T · gap at T = {', '.join(str(value) for value in T)}: {'; '.join(told)}."


def _scaled(evidence, instance, name):
    """Return sqrt(T) gap by T."""
    chosen = (evidence["instance"] == instance) & (evidence["contender"] == name)
    rows = evidence[chosen].sort_values("horizon")
    return (np.sqrt(rows["horizon"]) * rows["gap"]).set_axis(rows["horizon"])


def progress(evidence, ax, palette):
    """Draw sqrt(T) mean gap where something must be done, against the bound on linear decay."""
    rows = evidence[evidence["instance"] == "progress"]
    mean = rows.assign(scaled=np.sqrt(rows["horizon"]) * rows["gap"])
    mean = mean.pivot_table("scaled", "contender", "horizon")
    mean = mean.sort_values(mean.columns[-1])
    for row, (name, values) in enumerate(mean.iterrows()):
        ax.plot(values, [row] * len(values), "o-", color=palette[name])
    bound = (np.sqrt(rows["horizon"]) * rows["bound"]).max()
    ax.axvline(bound, ls=":", color="gray")
    ax.set_yticks(range(len(mean)), [_words(name) for name in mean.index])
    ax.set(xscale="log", xlabel="√T · mean gap, and the bound on linear decay (dotted)")
    last = mean.iloc[:, -1]
    told = ", ".join(f"{_words(name)} {value:.2g}" for name, value in last.items())
    beyond = ", ".join(_words(name) for name in last.index[last > bound]) or "none"
    return (
        f"√T · mean gap at T = {mean.columns[-1]:g}: {told}. Beyond {bound:.3g}, the bound"
        f" on linear decay: {beyond}."
    )


def room(evidence, ax, palette):
    """Draw the bound in expectation over the mean gap, by instance."""
    rows = evidence[evidence["contender"] == "last_iterate"]
    factor = rows.assign(factor=rows["bound"] / rows["gap"])
    names = list(dict.fromkeys(rows["instance"]))
    least = factor[factor["noise_factor"] == 1].groupby("instance")["factor"].min()
    schedules = sorted(rows["schedule"].unique())
    for (schedule, noise), part in factor.groupby(["schedule", "noise_factor"]):
        index = schedules.index(schedule)
        style = {"color": list(palette.values())[index], "alpha": 1 if noise == 1 else 0.55}
        spread = part.groupby("instance")["factor"].agg(["min", "max"])
        for name, ends in spread.iterrows():
            at = names.index(name) + 0.2 * (index - 1)
            ax.plot(ends, [at, at], **style)
        at = [names.index(name) + 0.2 * (index - 1) for name in spread.index]
        label = f"{_words(schedule)}, noise × {noise:g}"
        ax.plot(spread["min"], at, "o" if noise == 1 else "x", label=label, ms=4, **style)
    ax.axvline(1, ls=":", color="gray")
    ax.set_yticks(range(len(names)), names)
    ax.set(xscale="log", xlabel="bound / mean gap, from the least to the most")
    ax.set_ylim(len(names) - 0.5, -3)
    ax.legend(fontsize="small", ncols=2, loc="upper left")
    told = ", ".join(f"{name} {least[name]:.3g}" for name in names)
    blind = factor[factor["noise_factor"] > 1]
    beyond = (
        f"; under noise that it is not told of, {blind['factor'].min():.2g}" if len(blind) else ""
    )
    return (
        f"The bound is loose: the least factor between it and a replicate's gap is {told}{beyond}."
    )


def quantiles(evidence, ax, palette):
    """Draw rho against log(1/delta) under Gaussian and under t noise, at every T."""
    rows = evidence[evidence["contender"] == "linear_decay"]
    colours = dict(zip(("gaussian", "t"), palette.values(), strict=False))
    told = []
    for (noise, T), part in rows.groupby(["noise", "T"]):
        line = part.groupby("delta")["rho"].mean()
        x = np.log(1 / line.index)
        early = rows["T"].min() == T
        ax.plot(
            x,
            line,
            "o--" if early else "o-",
            color=colours[noise],
            label=f"{noise}, T = {T}",
        )
        exponent = np.polyfit(np.log(x[:3]), np.log(line.iloc[:3]), 1)[0]
        told.append(f"{noise}, T = {T}: at most {line.max():.2f}, exponent {exponent:.2f}")
    deltas = np.sort(rows["delta"].unique())[::-1]
    ax.set(xlabel="log(1/δ)", ylabel="quantile over its rate, ρ", xscale="log")
    ax.set_xticks(np.log(1 / deltas), [f"{np.log(1 / delta):.2g}" for delta in deltas])
    ax.minorticks_off()
    ax.legend()
    return (
        f"Mean ρ and its exponent of log(1/δ) over the three smallest δ: {'; '.join(told)}. At most"
        f" {RATIO} and {EXPONENT} are let through."
    )


def strong(evidence, ax, palette):
    """Draw T times the gap against T on both strongly convex instances."""
    told = []
    for (instance, name), part in evidence.groupby(["instance", "contender"]):
        if name == "fixed_step":
            continue
        line = (part["horizon"] * part["gap"]).set_axis(part["horizon"]).sort_index()
        own = instance == "hard"
        label = _words(name) if own else None
        ax.plot(line.index, line, "-" if own else "--", color=palette[name], label=label)
        slope = np.polyfit(np.log(line.index), line, 1)[0]
        if own:
            told.append(f"{_words(name)} {slope:+.3f}")
    exact = evidence[evidence["instance"] == "parabola"]
    mean = (exact["horizon"] * exact["gap"]).groupby(exact["contender"]).mean()
    for level in (1 / 2, 2 / 3):
        ax.axhline(level, ls=":", color="gray", lw=1)
    ax.plot([], [], "--", color="gray", label="dashed: parabola")
    _over_T(ax, np.sort(evidence["horizon"].unique()), "T · gap")
    _legend_on_top(ax)
    return (
        f"On the hard instance T · gap grows per ln T by {', '.join(told)}. On the parabola its"
        f" mean is {mean['harmonic']:.3f} for 1/(μt) and"
        f" {mean['double_harmonic']:.3f} for 2/(μ(t + 1)); exact values near 1/2 and 2/3 (dotted)."
    )


def dimension(evidence, ax, palette):
    """Draw sqrt(T) times the gap at its worst k against d, in both geometries."""
    told = []
    d = np.sort(evidence["d"].unique())
    root = np.sqrt(np.log(d))
    ax.fill_between(d, LEAST * root, MOST * root, color="gray", alpha=0.2, lw=0)
    ax.plot(d, MOST * root, ":", color="gray", label=f"{LEAST} and {MOST} √log d")
    ax.plot(d, LEAST * root, ":", color="gray")
    for name in ("euclidean", "kl"):
        line = _worst(evidence[evidence["contender"] == name], "d")
        line = line * np.sqrt(evidence["T"].iloc[0])
        ax.plot(line.index, line, "o-", color=palette[name], label=_words(name))
        told.append(f"{_words(name)} {', '.join(f'{value:.3g}' for value in line)}")
    ax.set(xscale="log", yscale="log", xlabel="dimension d", ylabel="√T · gap, worst slope")
    ax.set_xticks(d, [str(value) for value in d])
    ax.set_yticks((1, 2, 4, 8), ("1", "2", "4", "8"))
    ax.minorticks_off()
    ax.legend()
    return f"√T · gap at d = {', '.join(str(value) for value in d)}: {'; '.join(told)}."


def heavy(evidence, ax, palette):
    """Draw T^(1 - 1/p) times the gap at its worst k against T."""
    told = []
    for name in ("mirror", "sgd", "clipped", "zero_step"):
        line = _worst(evidence[evidence["contender"] == name], "T")
        slope = np.polyfit(np.log(line.index), np.log(line), 1)[0]
        level = line * line.index.to_numpy() ** (1 - 1 / P)
        ax.plot(level.index, level, "o-", color=palette[name], label=_words(name))
        told.append(f"{_words(name)} {level.min():.2f} to {level.max():.2f}, exponent {slope:.3f}")
    ax.axhline(LEVEL, ls="--", color="gray", label="let through")
    _over_T(ax, np.sort(evidence["T"].unique()), "T^(1/3) · gap, worst sharpness")
    _legend_on_top(ax)
    return f"T^(1/3) · gap, of which {LEVEL} is let through: {'; '.join(told)}."


def _worst(rows, setting):
    """Return the mean gap by setting, at the k where it is largest."""
    return rows.groupby([setting, "k"])["gap"].mean().groupby(setting).max()


def _over_T(ax, T, label):
    ax.set(xscale="log", xlabel="T", ylabel=label)
    powers = 2 ** np.arange(np.ceil(np.log2(T[0])), np.log2(T[-1]) + 0.01)
    ax.set_xticks(powers, [f"{power:g}" for power in powers])
    ax.minorticks_off()


def _legend_on_top(ax):
    """Make room above the lines, and put the legend there."""
    ax.set_ylim(0, 1.4 * ax.get_ylim()[1])
    ax.legend(fontsize="small", ncols=2, loc="upper left")


def _words(name):
    return WORDS.get(name, name.replace("_", " "))


WORDS = {
    "inverse_sqrt": "η/√t",
    "constant": "η/√T",
    "harmonic": "1/(μt)",
    "double_harmonic": "2/(μ(t + 1))",
    "average_of_harmonic": "average of 1/(μt)",
    "suffix_of_harmonic": "suffix of 1/(μt)",
    "weighted_average": "weighted average of 2/(μ(t + 1))",
    "torch_sgd": "torch SGD",
    "kl": "KL",
    "sgd": "plain SGD",
}

FIGURES = (
    ("hard", "The log factor on instances that are hard for naive steps", growth),
    ("hard", "Progress, where x₁ is not optimal", progress),
    ("sweep", "One run at each horizon, on instances made for naive steps", sweep),
    ("inequality", "How much room the bound in expectation leaves", room),
    ("tails", "Quantiles over their rate", quantiles),
    ("strong", "Strong convexity", strong),
    ("simplex", "Dimension, in two geometries", dimension),
    ("heavy", "The level under heavy tails", heavy),
)
