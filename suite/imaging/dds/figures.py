"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import re

import numpy as np

#: As in the bench file.
EQUAL = 1.05

WORDS = {
    "dds": "DDS",
    "dps": "DPS",
    "diffpir": "DiffPIR",
    "score_mri": "Score-MRI",
    "gradient_rule": "gradient rule",
    "ddnm_rule": "DDNM rule, cut",
    "mcg": "MCG",
    "total_variation": "total variation",
    "cg_sense": "CG-SENSE",
    "posterior_mean": "posterior mean",
    "one_gradient_step": "one gradient step",
    "projection": "projection, cut",
    "cg_from_zero": "five steps from zero",
    "admm_tv": "DDS, TV across slices",
    "admm_tv_released": "DDS, TV as released",
    "without_tv": "DDS, lamb = 0",
    "slicewise": "DDS, slice by slice",
    "diffusion_mbir": "DiffusionMBIR",
}
GREY = "#7f7f7f"
#: Lines of those whose colour may be another's; single points for the rest.
MARKS = {"score_mri": "s--", "gradient_rule": "D", "ddnm_rule": "v", "mcg": "P"}
#: What is drawn, in dB above the least error.
HIGHEST = 9.0
#: What a perfect sampler of the posterior has: twice the least error.
SAMPLER = 10 * np.log10(2)


def decibels(rows):
    """Return the geometric mean of MSE over MMSE in dB."""
    return 10 / np.log(10) * rows["log_ratio"].mean()


def accuracy(evidence, ax, palette):
    """Draw error above the least against evaluations."""
    level = _equal(evidence)
    told, least = [], {}
    for name in ("dds", "dps", "diffpir", "score_mri", "gradient_rule", "ddnm_rule", "mcg"):
        line = _line(evidence, name, "evaluations")
        if line is None:
            continue
        style = MARKS.get(name, "o-")
        ax.plot(*line.T, style, color=palette[name], label=WORDS[name], ms=5)
        told.append(f"{WORDS[name]} {line[-1, 1]:.1f} at {line[-1, 0]:g}")
        least[name] = _least(line, level)
    others = {
        name: _line(evidence, name, "evaluations") for name in ("total_variation", "cg_sense")
    }
    for name, line in others.items():
        told.append(f"{WORDS[name]} {line[-1, 1]:.1f}")
        if line[-1, 1] < HIGHEST:
            ax.axhline(line[-1, 1], ls=":", color=palette[name], label=WORDS[name])
    _references(ax)
    if level is not None:
        _marked(ax, least["dds"], least["dps"], level, "evaluations")
    ax.set(xscale="log", xlabel="evaluations of the denoiser", ylabel="error above MMSE, dB")
    _ticks(ax, evidence["evaluations"])
    ax.set_ylim(-0.5, HIGHEST)
    ax.legend(fontsize="x-small", ncols=2)
    equal = f"{_count(least['dds'])} of DDS and {_count(least['dps'])} of DPS"
    return (
        f"Geometric means over {evidence['replicate'].nunique()} images, in dB above the least"
        f" error: {', '.join(told)}. Within 5% of DPS at its most evaluations: {equal}."
    )


def seconds(evidence, ax, palette):
    """Draw error above the least against the seconds of an image, matched accuracy marked."""
    evidence = evidence.assign(per_image=evidence["seconds"] / evidence["images"])
    level, reached, told = _equal(evidence), {}, []
    for name in ("dds", "dps", "diffpir", "score_mri"):
        own = evidence[evidence["contender"] == name]
        line = np.array(
            [
                (group["per_image"].median(), decibels(group))
                for _, group in own.groupby("evaluations")
            ]
        )
        ax.plot(*line.T, MARKS.get(name, "o-"), color=palette[name], label=WORDS[name], ms=5)
        counts = sorted(own["evaluations"].unique())
        for count, place in zip(counts, line, strict=True):
            ax.annotate(f"{count}", place, (3, 4), textcoords="offset points", fontsize="x-small")
        reached[name] = _least(line, level)
        told.append(f"{WORDS[name]} {1e3 * line[-1, 0] / counts[-1]:.2g} ms")
    _references(ax)
    _marked(ax, reached["dds"], reached["dps"], level, "seconds")
    ax.set(xscale="log", xlabel="seconds of an image, one core", ylabel="error above MMSE, dB")
    ax.set_ylim(bottom=-0.5)
    ax.legend(fontsize="small")
    ratio = reached["dps"] / reached["dds"]
    faster = (
        f"DDS takes 1/{ratio:.0f} of the seconds of DPS to within 5% of its last error"
        if np.isfinite(ratio) and ratio > 0
        else "DDS does not come within 5% of the last error of DPS"
    )
    return f"Seconds of one evaluation of one image: {', '.join(told)}. {faster}."


def steps(evidence, figure, palette):
    """Draw the error against M, at each noise, with the other rules as lines."""
    noises, told = sorted(evidence["noise"].unique()), []
    for ax, noise in zip(figure.subplots(1, len(noises)), noises, strict=True):
        own = evidence[evidence["noise"] == noise]
        levels = {name: decibels(rows) for name, rows in own.groupby("contender")}
        names = sorted((n for n in levels if re.fullmatch(r"cg_\d+", n)), key=_steps)
        found = [levels[name] for name in names]
        ax.plot([_steps(n) for n in names], found, "o-", color=palette["cg_5"], label="CG")
        for name, style in (("one_gradient_step", "--"), ("projection", ":")):
            ax.axhline(levels[name], ls=style, color=palette[name], label=WORDS[name])
        ax.axhline(SAMPLER, lw=0.8, color=GREY)
        ax.set(title=f"noise {noise:g}", xlabel="steps M")
        ax.set_xticks([_steps(n) for n in names])
        best = names[int(np.argmin(found))]
        told.append(
            f"at noise {noise:g} M = {_steps(best)} is best ({min(found):.2f} dB; M = 5"
            f" {levels['cg_5']:.2f}, one gradient step {levels['one_gradient_step']:.2f},"
            f" projection {levels['projection']:.2f})"
        )
    figure.axes[0].set_ylabel("error above MMSE, dB")
    figure.axes[0].legend(fontsize="small")
    return (
        "Noiseless form, eta = 0.85, 50 evaluations, dB above the least error: "
        + "; ".join(told)
        + "."
    )


def volumes(evidence, ax, palette):
    """Draw every volume's error under each contender."""
    names = ("admm_tv", "admm_tv_released", "without_tv", "slicewise", "diffusion_mbir")
    told = []
    for place, name in enumerate(names):
        rows = evidence[evidence["contender"] == name]
        rows = rows[rows["evaluations"] == rows["evaluations"].max()]
        each = 10 * np.log10(rows["ratio"])
        ax.plot([place] * len(each), each, "o", color=palette[name], alpha=0.5)
        ax.plot(place, each.mean(), "_", ms=24, color=palette[name])
        told.append(f"{WORDS[name]} {each.mean():.2f} at {rows['evaluations'].max()}")
    ax.axhline(0, lw=0.8, color=GREY)
    ax.set(ylabel="error above the slices' MMSE, dB", xlim=(-0.5, len(names) - 0.5))
    ax.set_xticks(range(len(names)), [WORDS[name].replace(", ", ",\n") for name in names])
    return f"Means over volumes, dB above what slices by themselves allow: {', '.join(told)}."


#: From the best there is to the worst: who is shown in pictures.
SHOWN = ("posterior_mean", "dds", "diffpir", "dps", "score_mri", "total_variation", "cg_sense")


def pictures(exhibits, figure):
    """Draw replicate 0's reconstructions, and their errors below on one scale."""
    shown = [(name, found) for name in SHOWN if (found := _last(exhibits, name)) is not None]
    truth = shown[0][1][1]["truth"]
    columns = len(shown) + 1
    figure.set_figheight(2.4 * figure.get_figwidth() / columns)  # two rows of squares, titles above
    axes = figure.subplots(2, columns)
    grey = {"cmap": "gray", "vmin": truth.min(), "vmax": truth.max()}
    scale = max(np.abs(found["error"]).max() for name, (_, found) in shown if name == "dds")
    axes[0, 0].imshow(truth, **grey)
    axes[0, 0].set_title("truth", fontsize="small")
    told = []
    for column, (name, (count, found)) in enumerate(shown, 1):
        label = WORDS[name] if count == 0 else f"{WORDS[name]}, {count}"
        axes[0, column].imshow(found["reconstruction"], **grey)
        axes[0, column].set_title(label.replace(" ", "\n"), fontsize="small")
        axes[1, column].imshow(found["error"], cmap="RdBu", vmin=-scale, vmax=scale)
        told.append(f"{label} {np.sqrt(np.mean(np.square(found['error']))):.3f}")
    for row, anchor in zip(axes, "SN", strict=True):  # next to each other
        for ax in row:
            ax.set_axis_off()
            ax.set_anchor(anchor)
    return f"Root mean square errors of the first image: {'; '.join(told)}."


def _last(exhibits, name):
    """Return the most evaluations of a contender and the arrays that it left there."""
    found = {}
    for (contender, cell), arrays in exhibits.items():
        if contender == name:
            count = re.search(r"evaluations=(\d+)", cell)
            found[int(count[1]) if count else 0] = arrays
    return max(found.items(), key=lambda entry: entry[0]) if found else None


def _line(evidence, name, by):
    """Return (setting, dB), sorted, or None for who did not play."""
    own = evidence[evidence["contender"] == name]
    if own.empty or "log_ratio" not in own or own["log_ratio"].isna().all():
        return None
    return np.array([(value, decibels(rows)) for value, rows in own.groupby(by)], dtype=float)


def _equal(evidence):
    """Return the level that counts as equal to DPS at its most evaluations, in dB."""
    line = _line(evidence, "dps", "evaluations")
    return None if line is None else line[-1, 1] + 10 * np.log10(EQUAL)


def _least(line, level):
    """Return the least place on a line from which it is at the level or below, else infinity."""
    if level is None:
        return np.inf
    enough = line[line[:, 1] <= level, 0]
    return enough.min() if len(enough) else np.inf


def _marked(ax, ours, theirs, level, unit):
    """Mark what equal accuracy saves."""
    if np.isfinite(ours) and np.isfinite(theirs) and ours < theirs:
        arrow = {"arrowstyle": "->", "color": GREY}
        ax.annotate("", (ours, level), (theirs, level), arrowprops=arrow)
        middle = (np.sqrt(ours * theirs), level)
        text = f"{theirs / ours:.3g} times fewer {unit}"
        ax.annotate(text, middle, (0, 4), textcoords="offset points", ha="center", fontsize="small")


def _references(ax):
    for level in (0, SAMPLER):
        ax.axhline(level, lw=0.8, color=GREY, zorder=0)
    for level, text in ((0, "posterior mean"), (SAMPLER, "perfect posterior sampler")):
        ax.annotate(
            text,
            (0, level),
            (2, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize="x-small",
            color=GREY,
        )


def _ticks(ax, evaluations):
    counts = [int(count) for count in sorted(evaluations.unique()) if count > 0]
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()


def _steps(name):
    return int(name.removeprefix("cg_"))


def _count(value):
    return f"{value:g} evaluations" if np.isfinite(value) else "no number"


FIGURES = (
    ("mri_low", "Error against evaluations, little noise", accuracy),
    ("mri_low", "Reconstructions of one image, little noise", pictures),
    ("mri_noisy", "Error against evaluations, noise", accuracy),
    ("mri_noisy", "Reconstructions of one image, noise", pictures),
    ("ct", "Error against evaluations, CT", accuracy),
    ("ct", "Reconstructions of one image, CT", pictures),
    ("clock", "Error against seconds", seconds),
    ("ablation", "Steps of conjugate gradients", steps),
    ("volume", "Total variation across slices", volumes),
)
