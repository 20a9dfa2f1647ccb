"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import numpy as np

AXES = ("roll", "pitch", "yaw", "x", "y", "z")
WORDS = {
    "dcreg": "DCReg",
    "none": "plain Gauss-Newton",
    "me_sr": "ME-SR",
    "me_tsvd": "ME-TSVD",
    "me_tsvd_released": "ME-TSVD, released",
    "me_treg": "ME-TReg, 30",
    "me_treg_converged": "ME-TReg, 300",
    "fcn_sr": "FCN-SR",
    "x_icp_like": "X-ICP-like",
    "diag": "DCReg, diagonal blocks",
    "small_gicp": "small_gicp",
    "open3d": "Open3D",
    "schur": "Schur complements",
    "diagonal": "diagonal blocks",
    "me": "whole H, gate",
    "fcn": "whole H, ratio",
    "schur_marginals": "Schur complements",
    "diagonal_marginals": "diagonal blocks",
    "dcreg_single": "DCReg, numpy",
    "direct": "direct solve",
    "direct_single": "direct solve, numpy",
    "me_sr_single": "ME-SR, numpy",
    "dcreg_looped": "DCReg, torch, one by one",
}
#: Table 3, translation error in cm.
PRINTED = {"me_sr": 96.19, "me_tsvd_released": 2.91, "dcreg": 2.71}


def scenes(evidence, exhibits, figure, palette):
    """Draw four scenes from the side, replicate 0 registered, and the directions called weak."""
    names = list(dict.fromkeys(evidence["scene"]))
    shown = [n for n in ("corridor_0", "corridor_0.01", "box", "stairs") if n in names] or names[:1]
    kept = next(exhibits[key] for key in exhibits if key[0] == "dcreg")
    told = []
    for place, name in enumerate(shown):
        ax, at = figure.add_subplot(2, 2, place + 1), names.index(name)
        target, source = kept["target"][at], kept["source"][at]
        ax.plot(target[:, 0], target[:, 2], ".", ms=1, color="#b0b0b0", label="target")
        ax.plot(source[:, 0], source[:, 2], ".", ms=1, color=palette["dcreg"], label="source")
        middle, size = target.mean(axis=0), np.ptp(target, axis=0)
        weak = kept["weak"][at].astype(bool)
        for axis in range(3):
            if weak[3 + axis]:
                along = kept["directions"][at, 1, :, axis] * 0.35 * size.max()
                ax.annotate(
                    "",
                    (middle + along)[[0, 2]],
                    (middle - along)[[0, 2]],
                    arrowprops={"arrowstyle": "<->", "color": "black", "lw": 2},
                )
        called = ", ".join(axis for axis, w in zip(AXES, weak, strict=True) if w) or "none"
        ax.set_title(f"{_scene(name)}: weak {called}", fontsize="small")
        ax.set(xlabel="x, m", ylabel="z, m")
        away = np.linalg.norm(kept["end"][at])
        told.append(f"{_scene(name)} {called} (ends {100 * away:.1f} cm off)")
    figure.axes[0].legend(fontsize="small", markerscale=6, loc="upper right")
    return f"Weak by the Schur complements at the initial pose: {'; '.join(told)}."


def fractions(evidence, ax, palette):
    """Draw median errors against the share of points on the end wall, f = 0 included."""
    corridors = evidence[evidence["scene"].str.startswith("corridor")]
    names = ("me_sr", "fcn_sr", "x_icp_like", "me_treg", "me_treg_converged", "small_gicp",
             "none", "dcreg")  # fmt: skip
    share = corridors["scene"].str.removeprefix("corridor_").astype(float)
    shares = sorted(share.unique())
    medians = corridors.assign(share=share).groupby(["contender", "share"])["error"].median()
    for name in names:
        if name not in medians.index:
            continue
        line = medians[name]
        x = [shares.index(s) for s in line.index]
        # DCReg lies on plain Gauss-Newton: a thin line on a thick one.
        style = {"none": {"lw": 5, "alpha": 0.4}, "dcreg": {"lw": 1.5}}.get(name, {"lw": 1.2})
        ax.plot(x, line, "o-", ms=4, color=palette[name], label=WORDS[name], **style)
    ax.set(yscale="log", xlabel="share of points on the end wall", ylabel="median error, m")
    ax.set_xticks(range(len(shares)), [f"{s:g}" for s in shares])
    ax.legend(fontsize="small", ncols=2)
    at = [s for s in shares if s > 0][:1] or shares[:1]
    told = [
        f"{WORDS[name]} {medians[name, at[0]]:.4f}"
        for name in names
        if (name, at[0]) in medians.index
    ]
    return f"Median errors in m at a share of {at[0]:g}: {', '.join(told)}."


def labels(evidence, figure, palette):
    """Draw, for every detector, which motions it calls weak by scene and frame, right or wrong."""
    del palette  # right and wrong have colours of their own
    names = [n for n in ("schur", "diagonal", "me", "fcn") if (evidence["contender"] == n).any()]
    rows, columns = (list(dict.fromkeys(evidence[n])) for n in ("scene", "frame"))
    told = []
    for place, name in enumerate(names):
        ax = figure.add_subplot(2, 2, place + 1)
        own = evidence[evidence["contender"] == name].groupby(["scene", "frame"])
        right = own["right"].mean()
        weak = own[[f"weak_{axis}" for axis in AXES]].mean() > 0.5
        for y, scene in enumerate(rows):
            for x, frame in enumerate(columns):
                good = right[scene, frame]
                colour = "#9ad0a8" if good > 0.5 else "#e8b5a8"
                ax.fill_between([x - 0.48, x + 0.48], y - 0.48, y + 0.48, color=colour, lw=0)
                called = [
                    {"roll": "φ", "pitch": "θ", "yaw": "ψ"}.get(axis, axis)
                    for axis in AXES
                    if weak.loc[(scene, frame), f"weak_{axis}"]
                ]
                text = " ".join(called) or "–"
                ax.annotate(text, (x, y), ha="center", va="center", fontsize=8)
        ax.set_title(WORDS[name], fontsize="small")
        bottom = place + 2 >= len(names)
        ax.set_xticks(range(len(columns)), columns if bottom else [""] * len(columns))
        ax.tick_params(axis="x", labelrotation=20, labelsize="small")
        ax.set_yticks(range(len(rows)), [""] * len(rows) if place % 2 else map(_scene, rows))
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        ax.grid(visible=False)
        by_frame = right.groupby("frame").mean()
        shares = ", ".join(f"{by_frame[f]:.2f}" for f in columns)
        told.append(f"{WORDS[name]} {shares}")
    return (
        f"Share of scenes labelled exactly right with the frame {', '.join(columns)}:"
        f" {'; '.join(told)}. Green: as the geometry; letters: motions called weak (φ roll, θ"
        " pitch, ψ yaw)."
    )


def deviations(evidence, ax, palette):
    """Draw by what factor each axis' standard deviation differs from the predicted one."""
    cells = list(dict.fromkeys(zip(evidence["scene"], evidence["frame"], strict=True)))
    told = {}
    for name, shift in (("diagonal_marginals", -0.15), ("schur_marginals", 0.15)):
        own = evidence[evidence["contender"] == name].groupby(["scene", "frame"])
        means = own[[f"ln_ratio_{axis}" for axis in AXES]].mean()
        factors = np.exp(means.loc[cells].to_numpy())
        for axis in range(6):
            label = WORDS[name] if axis == 0 else None
            x = np.arange(len(cells)) + shift
            ax.plot(x, factors[:, axis], "o", ms=4, color=palette[name], alpha=0.7, label=label)
        told[name] = (factors.min(), factors.max())
    ax.axhspan(0.95, 1.05, color="#7f7f7f", alpha=0.25, lw=0)
    ax.set(yscale="log", ylabel="measured / predicted deviation", xlabel="scene, frame")
    ax.set_xticks(
        range(len(cells)),
        [f"{_scene(s)},\n{f}" for s, f in cells],
        rotation=40,
        ha="right",
        fontsize="small",
    )
    ticks = (1, 1.5, 2, 3, 5)
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.legend(fontsize="small")
    found = ", ".join(f"{WORDS[n]} {low:.2f} to {high:.2f}" for n, (low, high) in told.items())
    return f"Measured over predicted standard deviations, means over replicates: {found}."


def rates(evidence, ax, palette):
    """Draw steps per second against the batch, and those of who takes one system at a time."""
    rate = evidence["answered"] / evidence["seconds"]
    medians = evidence.assign(rate=rate).groupby(["contender", "batch"])["rate"].median()
    told = []
    for name in ("direct", "dcreg", "me_sr"):
        line = medians[name]
        ax.plot(line.index, line, "o-", color=palette[name], label=WORDS[name])
        told.append(f"{WORDS[name]} {line.iloc[-1]:.3g}")
    for name in ("direct_single", "dcreg_single", "me_sr_single", "dcreg_looped"):
        if name in medians.index:
            ax.plot(1, medians[name].iloc[0], "s", color=palette[name], label=WORDS[name])
            told.append(f"{WORDS[name]} {medians[name].iloc[0]:.3g}")
    ax.set(
        xscale="log", yscale="log", xlabel="systems at once", ylabel="steps per second, one core"
    )
    ax.legend(fontsize="small")
    largest = evidence["batch"].max()
    return f"Steps per second at a batch of {largest} and one by one: {', '.join(told)}."


def registrations(evidence, ax, palette):
    """Draw milliseconds of a registration against its iterations."""
    told = []
    for name, own in evidence.dropna(subset="seconds").groupby("contender"):
        ms = 1000 * own["seconds"] / own["batch"]
        ax.plot(own["iterations"], ms, "o", color=palette[name], label=WORDS[name])
        told.append(f"{WORDS[name]} {ms.median():.1f} ms in {own['iterations'].mean():.1f}")
    ax.set(xlabel="mean iterations of a round", ylabel="ms per registration", yscale="log")
    ax.legend(fontsize="small", loc="lower right")
    return f"Median time and mean iterations of a registration: {', '.join(told)}."


def clones(evidence, ax, palette):
    """Draw the errors on the cylinder's clones, and what Table 3 prints."""
    names = [n for n in WORDS if (evidence["contender"] == n).any()]
    told = []
    for place, name in enumerate(names):
        cm = 100 * evidence[evidence["contender"] == name]["error"]
        ax.plot([place] * len(cm), cm, "o", color=palette[name], alpha=0.6)
        if name in PRINTED:
            label = "Table 3" if name == "dcreg" else None
            ax.plot(place, PRINTED[name], "k_", ms=16, mew=2, label=label)
        told.append(f"{WORDS[name]} {cm.median():.2f}")
    ax.set(yscale="log", ylabel="error, cm", xlabel="contender")
    ax.set_xticks(range(len(names)), [WORDS[n] for n in names], rotation=30, ha="right")
    ax.legend()
    return (
        f"Median errors in cm: {', '.join(told)}. Printed: ME-SR 96.19, ME-TSVD 2.91, DCReg 2.71."
    )


def parameter(evidence, ax, palette):
    """Draw steps of conjugate gradients against kappa, and those of other preconditioners."""
    means = evidence.groupby(["contender", "frame", "kappa"])["pcg_steps"].mean()
    told = []
    for frame, style in zip(dict.fromkeys(evidence["frame"]), ("-", "--"), strict=False):
        line = means["dcreg", frame]
        ax.plot(line.index, line, f"o{style}", color=palette["dcreg"], label=f"DCReg, {frame}")
        own = {}
        for name in ("identity", "jacobi", "random_spd"):
            own[name] = means[name, frame].iloc[0]
            words = {"identity": "none", "jacobi": "diagonal", "random_spd": "random"}[name]
            at = means[name, frame].index[0]
            hollow = "none" if style == "--" else palette[name]
            label = f"{words}, {frame}"
            ax.plot(at, own[name], "s", color=palette[name], mfc=hollow, label=label)
        told.append(
            f"{frame}: DCReg {line.min():.1f} to {line.max():.1f}, none {own['identity']:.1f},"
            f" diagonal {own['jacobi']:.1f}, random {own['random_spd']:.1f}"
        )
    ax.set(xscale="log", xlabel="condition κ that clamped modes are given", ylabel="steps, mean")
    ax.legend(fontsize="small")
    return f"Mean steps of conjugate gradients: {'; '.join(told)}."


def _scene(name):
    kind, _, share = name.partition("_")
    return f"{kind}, f = {share}" if share else kind


FIGURES = (
    ("corridors", "Scenes, registered, and their weak directions", scenes),
    ("corridors", "Error against the share of points on the end wall", fractions),
    ("cylinder", "Clones of the published cylinder beside Table 3", clones),
    ("detection", "What is called weak, by scene and body frame", labels),
    ("marginals", "Predicted and measured errors", deviations),
    ("solving", "Steps of conjugate gradients", parameter),
    ("steps", "What a step costs, and what a call", rates),
    ("frames", "Time of whole registrations", registrations),
)
