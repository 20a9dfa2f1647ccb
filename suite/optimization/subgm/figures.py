"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import numpy as np
from matplotlib.patches import Rectangle

#: X* counts as recovered below this error, as in the bench file.
RECOVERED = 0.01

WORDS = {
    "geometric_steps": "SubGM",
    "adaptive_steps": "SubGM",
    "small_path": "SubGM, small start",
    "large_path": "SubGM, large start",
    "large_initialisation": "SubGM, large start",
    "spectral_direction": "SubGM, spectral start",
    "exact_rank": "told the rank",
    "exact_rank_path": "told the rank",
    "diminishing_path": "diminishing steps",
    "constant_path": "constant steps",
    "l2_descent": "l2 descent, oracle",
    "convex": "nuclear norm + l1",
}


def phase(evidence, ax, palette):
    """Draw the share of replicates that recover X*, and the median error, by start, m and r'."""
    shown = evidence[evidence["contender"] == "geometric_steps"]
    alphas, ms, ranks = (sorted(shown[name].unique()) for name in ("alpha", "m", "search_rank"))
    columns = [(alpha, m) for alpha in alphas for m in ms]
    cells = shown.groupby(["alpha", "m", "search_rank"])["error"]
    median, share = cells.median(), cells.apply(lambda errors: (errors < RECOVERED).mean())
    places = np.arange(len(columns)) + 0.4 * (np.arange(len(columns)) // len(ms))
    for x, (alpha, m) in zip(places, columns, strict=True):
        for y, rank in enumerate(ranks):
            shade = 0.06 + 0.44 * share[alpha, m, rank]
            corner = (x - 0.46, y - 0.46)
            ax.add_patch(
                Rectangle(corner, 0.92, 0.92, color=palette["geometric_steps"], alpha=shade, lw=0)
            )
            ax.annotate(_short(median[alpha, m, rank]), (x, y), ha="center", va="center", size=9)
    for group, alpha in enumerate(alphas):
        middle = places[group * len(ms) : (group + 1) * len(ms)].mean()
        ax.annotate(f"α = {_short(alpha)}", (middle, len(ranks) - 0.4), ha="center")
    ax.set(xlim=(-0.6, places[-1] + 0.6), ylim=(-0.6, len(ranks) - 0.05))
    ax.set_xticks(places, [str(m) for _, m in columns])
    ax.set_yticks(range(len(ranks)), [str(rank) for rank in ranks])
    ax.set(xlabel="measurements m", ylabel="rank r' that it was told")
    ax.grid(visible=False)
    most, rank = ms[-1], ranks[-1]
    told = [f"{share[alpha, most, rank]:.0%} at alpha = {_short(alpha)}" for alpha in alphas]
    return (
        f"Darker cells recover X* to {RECOVERED:g} in more replicates; the numbers are median"
        f" errors. At m = {most} and r' = {rank} it is {', '.join(told)}."
    )


def start(evidence, ax, palette):
    """Draw error against alpha by m, with the slope 2 that is the limit."""
    shown = evidence[evidence["contender"] == "adaptive_steps"]
    ms, told = sorted(shown["m"].unique()), []
    for rank, m in enumerate(ms, 1):
        line = _middle(shown[shown["m"] == m], "alpha")
        faint = rank / len(ms)
        colour = palette["adaptive_steps"]
        ax.plot(line.index, line, "o-", color=colour, alpha=faint, label=f"m = {m}")
        small = line[line.index <= 0.01]
        slope = np.polyfit(np.log(small.index), np.log(small), 1)[0]
        told.append(f"{slope:.2f} at m = {m}")
    last = _middle(shown[shown["m"] == ms[-1]], "alpha")
    last = last[last.index <= 0.01]
    guide = last.iloc[-1] * (last.index / last.index[-1]) ** 2
    ax.plot(last.index, guide, "--", color="#7f7f7f", label="slope 2")
    constant = _middle(evidence[evidence["contender"] == "constant_steps"], "alpha")
    ax.plot(constant.index, constant, ":", color=palette["constant_steps"], label="constant steps")
    ax.set(xscale="log", yscale="log", xlabel="scale α of the start", ylabel="final error")
    ax.legend(fontsize="small")
    return (
        f"Below alpha = 0.01 the error falls with the start by slopes of {', '.join(told)}"
        " (geometric means over replicates); 2 is the limit of many measurements."
    )


def fractions(evidence, ax, palette):
    """Draw the final error against the share of outliers."""
    names = ("geometric_steps", "spectral_direction", "exact_rank", "l2_descent")
    sizes, worst = sorted(evidence["magnitude"].unique()), {}
    for name in names:
        rows = evidence[evidence["contender"] == name]
        for size in sizes:
            line = _middle(rows[rows["magnitude"] == size], "p")
            largest = size == sizes[-1]
            ax.plot(
                line.index,
                line,
                "o-" if largest else "s--",
                color=palette[name],
                alpha=1 if largest else 0.5,
                label=WORDS[name] if largest else None,
            )
            worst[name] = line.iloc[-1]
    ax.set(yscale="log", xlabel="share p of outliers", ylabel="final error")
    ax.set_xticks(sorted(evidence["p"].unique()))
    ax.legend(fontsize="small", loc="center right", bbox_to_anchor=(1, 0.66))
    found = ", ".join(f"{WORDS[name]} {value:.1g}" for name, value in worst.items())
    return (
        f"Errors at p = {evidence['p'].max():g} and outliers of {sizes[-1]:g} (geometric means):"
        f" {found}. Dashed: outliers of {sizes[0]:g}."
    )


def overfit(evidence, ax, palette):
    """Draw error against the loss above the truth's, small and large starts of a cell joined."""
    truth = evidence["loss_at_truth"]
    evidence = evidence.assign(above=evidence["loss"] / truth - 1)
    pairs = {}
    for name in ("geometric_steps", "large_initialisation"):
        rows = evidence[evidence["contender"] == name].groupby(["sigma", "m"])
        pairs[name] = rows["above"].mean(), np.exp(rows["error"].apply(_log_mean))
    (loss, error), (fitted, off) = pairs.values()
    for cell in loss.index:
        ends = [loss[cell], fitted[cell]], [error[cell], off[cell]]
        ax.plot(*ends, "-", color="#7f7f7f", lw=0.8, zorder=1)
        sigma, m = cell
        ax.annotate(
            f"m = {m}, σ = {sigma:g}", (0, error[cell]), (6, -4), textcoords="offset points"
        )
    for (name, (above, errors)), marker in zip(pairs.items(), "os", strict=True):
        label = "SubGM, small start" if name == "geometric_steps" else WORDS[name]
        ax.plot(above, errors, marker, color=palette[name], label=label)
    ax.axvline(0, color="#7f7f7f", lw=0.8, ls="--")
    ax.set(yscale="log", xlabel="training loss over the truth's, less 1", ylabel="final error")
    ax.set_xlim(right=-0.4 * fitted.min())
    ticks = [0.02, 0.05, 0.1, 0.2, 0.4]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.legend(fontsize="small")
    ratio, (low, high) = off / error, (-loss.max(), -loss.min())
    return (
        f"The training loss lies {-fitted.max():.1%} to {-fitted.min():.1%} below the truth's from"
        f" a large start and {low:.1%} to {high:.1%} from a small one; the large start's error is"
        f" {ratio.min():.2g} to {ratio.max():.2g} times the small one's."
    )


def path(evidence, ax, palette):
    """Draw the errors along the path and the decay of the steps."""
    iterations = sorted(
        int(name.removeprefix("error_")) for name in evidence if name.startswith("error_")
    )
    ends = {}
    for name in evidence["contender"].unique():
        rows = evidence[evidence["contender"] == name]
        line = np.array([np.exp(_log_mean(rows[f"error_{t}"])) for t in iterations])
        ax.plot(iterations, line, "o-", color=palette[name], label=WORDS[name], ms=3)
        ends[name] = line
    rho, from_t = evidence["rho"].iloc[0], iterations.index(150)
    guide = ends["small_path"][from_t] * rho ** (np.array(iterations[from_t:]) - 150.0)
    ax.plot(iterations[from_t:], guide, "--", color="#7f7f7f", label=f"{rho:g}^t, the steps")
    ax.set(yscale="log", xlabel="iteration t", ylabel="error")
    ax.legend(fontsize="small")
    told = ", ".join(f"{WORDS[name]} {line[-1] / line[from_t]:.2g}" for name, line in ends.items())
    return (
        f"Last error over the error at t = 150 (geometric means): {told}; the steps fall by"
        f" {guide[-1] / guide[0]:.2g}."
    )


def samples(evidence, ax, palette):
    """Draw the share of replicates that recover X*, by m."""
    counts = {}
    for name in ("geometric_steps", "convex", "exact_rank", "large_initialisation"):
        rows = evidence[evidence["contender"] == name]
        share = (rows["error"] < RECOVERED).groupby(rows["m"]).mean()
        ax.plot(share.index, share, "o-", color=palette[name], label=WORDS[name])
        enough = share.index[share >= 0.5]
        counts[name] = f"{enough[0]}" if len(enough) else f"more than {share.index[-1]}"
    ax.set(xlabel="measurements m", ylabel=f"share with an error below {RECOVERED:g}")
    ax.set_xticks(sorted(evidence["m"].unique()))
    ax.legend(fontsize="small")
    found = ", ".join(f"{WORDS[name]} {count}" for name, count in counts.items())
    return f"Measurements from which at least half of the replicates recover X*: {found}."


def _short(value):
    """Return one digit: 6e-5, 0.02, 3."""
    return f"{value:.1g}".replace("e-0", "e-")


def _middle(rows, by):
    """Return the geometric mean of the error by a setting."""
    return np.exp(rows.groupby(by)["error"].apply(_log_mean))


def _log_mean(values):
    return np.log(values).mean()


FIGURES = (
    ("overparameterisation", "Recovery by start, measurements and the rank told", phase),
    ("initialisation", "The error follows the start", start),
    ("outliers", "Error against the share of outliers", fractions),
    ("gaussian", "Fitting the noise: loss and error", overfit),
    ("rate", "The path follows the steps", path),
    ("convex", "Measurements needed, next to the convex relaxation", samples),
)
