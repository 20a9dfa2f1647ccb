"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import numpy as np

WORDS = {
    "grpo": "GRPO",
    "grpo_conservative": "GRPO, conservative rate",
    "grpo_clipped": "GRPO, tight clipping",
    "capo": "CAPO, calibrated",
    "capo_printed": "CAPO, printed thresholds",
    "capo_sgd": "CAPO, SGD model",
    "capo_policy_only": "CAPO, m_F only",
    "capo_objective_only": "CAPO, m_H only",
    "capo_95": "CAPO, 95% quantile",
    "capo_99": "CAPO, 99% quantile",
    "capo_995": "CAPO, 99.5% quantile",
    "dr_grpo": "Dr.GRPO",
    "dr_capo": "Dr.CAPO",
    "dr_capo_printed": "Dr.CAPO, printed thresholds",
    "reinforce": "REINFORCE",
    "rein_capo": "ReinCAPO",
    "random_rejection": "2% at random",
    "reversed_filter": "2% of smallest m_F",
    "complement_filter": "CAPO inside out",
    "low_probability_rejection": "2% least probable",
    "largest_shift_rejection": "2% of largest m_F",
}
#: Drawn thick; others stand behind.
FIRST = ("capo", "grpo", "grpo_conservative")


def learning(evidence, traces, ax, palette):
    """Draw accuracy against completions, with the conservative run's end."""
    begin = evidence["start"].mean()
    told = []
    names = [name for name in WORDS if name in set(traces["contender"])]
    for name in names:
        own = traces[traces["contender"] == name].dropna(subset="accuracy")
        line = own.groupby("completions")["accuracy"].mean()
        spread = own.groupby("completions")["accuracy"].std().fillna(0)
        x, y = np.array([0, *line.index]), np.array([begin, *line])
        thick = name in FIRST
        style = "-" if thick else "--"
        ax.plot(x, y, style, color=palette[name], lw=2 if thick else 1.2, label=WORDS[name])
        if thick:
            low, high = line - spread, line + spread
            ax.fill_between(line.index, low, high, color=palette[name], alpha=0.15, lw=0)
        told.append(f"{WORDS[name]} {y[-1]:.2f}")
    if "grpo_conservative" in names:
        own = evidence[evidence["contender"] == "grpo_conservative"]
        ax.axhline(own["final"].mean(), color="#7f7f7f", lw=0.8, ls=":")
    ax.set(xlabel="completions", ylabel="greedy accuracy", ylim=(-0.02, 1.02))
    ax.legend(fontsize="x-small")
    return (
        f"From {begin:.2f} the mean greedy accuracy goes to: {', '.join(told)}. Bands are one"
        " standard deviation over replicates; dotted, where the conservative rate ends."
    )


def rejection(evidence, traces, ax, palette):
    """Draw the share of rejected tokens against completions, with the paper's 8%."""
    shown = traces.dropna(subset="rejection")
    used = evidence.groupby("contender")["rejected"].mean()
    told = []
    for name in (name for name in WORDS if used.get(name, 0) > 0):
        line = shown[shown["contender"] == name].groupby("completions")["rejection"].mean()
        ax.plot(line.index, line, "o-", color=palette[name], label=WORDS[name])
        peak = evidence[evidence["contender"] == name]["peak_rejected"].mean()
        told.append(f"{WORDS[name]} {used[name]:.2%} (largest step {peak:.1%})")
    ax.axhline(0.08, color="#7f7f7f", lw=0.8, ls=":")
    ax.set(xlabel="completions", ylabel="share of tokens rejected", yscale="log", ylim=(1e-4, 1.2))
    if told:
        ax.legend(fontsize="x-small")
    found = "; ".join(told) if told else "none"
    return f"Mean shares of tokens rejected: {found}. Dotted: the paper's 8%."


def bounds(evidence, ax, palette):
    """Draw which bound the rejected tokens broke, and how many of them had A > 0."""
    names = [name for name in ("capo", "capo_printed") if (evidence["contender"] == name).any()]
    parts = {
        "rejected_F": "m_F",
        "rejected_upper_H": "m_H, above",
        "rejected_lower_H": "m_H, below",
        "rejected_rewarded": "any, A > 0",
        "rejected": "any",
    }
    told = []
    for place, name in enumerate(names):
        means = evidence[evidence["contender"] == name][list(parts)].mean()
        y = np.arange(len(parts)) + 0.38 * (place - (len(names) - 1) / 2)
        ax.barh(y, 100 * means, height=0.36, color=palette[name], label=WORDS[name])
        for at, share in zip(y, means, strict=True):
            ax.annotate(
                f"{share:.2%}", (100 * share, at), (3, -3), textcoords="offset points", size=8
            )
        broken = ", ".join(f"{parts[part]} {means[part]:.2%}" for part in parts)
        told.append(f"{WORDS[name]}: {broken}")
    ax.set_yticks(range(len(parts)), list(parts.values()))
    ax.set(xlabel="% of sampled tokens", ylabel="bound that is broken")
    ax.margins(x=0.12)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.legend(fontsize="small")
    return f"Shares of the sampled tokens beyond each bound. {'; '.join(told)}."


def realised(evidence, traces, exhibits, ax, palette):
    """Draw m_F of one step's tokens against the KL that the step brought about."""
    arrays = exhibits[next(key for key in exhibits if key[0] == "adam_model")]
    seen = (arrays["score"] > 0) & (arrays["kl"] > 0)
    m_F, kl = arrays["score"][seen], arrays["kl"][seen]
    ax.plot(m_F, kl, "o", color=palette["adam_model"], ms=3, alpha=0.5, label="tokens of one step")
    if len(m_F):
        ends = np.array([min(m_F.min(), kl.min()), max(m_F.max(), kl.max())])
        ax.plot(ends, ends, "--", color="#7f7f7f", label="m_F = KL")
    ax.set(xscale="log", yscale="log", xlabel="m_F", ylabel="realised KL of the token")
    ax.legend(fontsize="small")
    seen = traces[traces["counted"] > 1]
    rank = seen.groupby("contender")["correlation"].mean()
    size = np.exp(np.log(seen[seen["contender"] == "adam_model"]["size"]).mean())
    others = f"{rank['surprise']:.2f} for -ln pi(a), {rank['sgd_model']:.2f} for the SGD model"
    replicates = evidence["replicate"].nunique()
    return (
        f"Over steps and {replicates} replicates Spearman's correlation of m_F with the realised KL"
        f" is {rank['adam_model']:.2f} ({others}); mean m_F is {size:.1%} of the mean KL, geometric"
        " mean over steps."
    )


def guarantee(evidence, ax, palette):
    """Draw the theorem's bound against the true change of the return."""
    told = []
    for name, label in (("guarantee", "ω - C√δ_F"), ("objective_alone", "ω alone")):
        own = evidence[evidence["contender"] == name]
        ax.plot(own["change"], own["bound"], "o", color=palette[name], alpha=0.5, label=label)
        above = (own["bound"] > own["change"]).sum()
        told.append(f"{'with' if name == 'guarantee' else 'without'} its second term the bound"
                    f" exceeds the change on {above} of {len(own)}")  # fmt: skip
    own = evidence[evidence["contender"] == "guarantee"]
    ends = np.geomspace(1e-3, own["change"].max(), 50)
    ax.plot(ends, ends, "--", color="#7f7f7f", label="bound = change")
    ax.set_xscale("symlog", linthresh=0.01)
    ax.set_yscale("symlog", linthresh=0.01)
    ax.set(xlabel="change of the return", ylabel="lower bound")
    ax.legend(fontsize="small")
    useful = (own["bound"] > 0).sum()
    return f"{'; '.join(told).capitalize()}. It promises an improvement on {useful} of {len(own)}."


def rates(evidence, ax, palette):
    """Draw final accuracy against the learning rate."""
    told = []
    for name in (name for name in WORDS if name in set(evidence["contender"])):
        line = evidence[evidence["contender"] == name].groupby("lr")["final"].mean()
        thick = name in FIRST
        style = "o-" if thick else "--"
        ax.plot(line.index, line, style, color=palette[name], label=WORDS[name])
        told.append(f"{WORDS[name]} {', '.join(f'{value:.2f}' for value in line)}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="final greedy accuracy", ylim=(-0.02, 1.02))
    ax.legend(fontsize="x-small")
    return f"Final accuracy by rising rate: {'; '.join(told)}."


FIGURES = (
    ("addition", "Accuracy against completions", learning),
    ("addition", "Share of tokens rejected", rejection),
    ("addition", "Which bound rejects what", bounds),
    ("realised", "m_F against the realised KL", realised),
    ("guarantee", "The theorem's bound where the return is known", guarantee),
    ("variants", "Accuracy of all arms against completions", learning),
    ("carries", "Long answers: final accuracy against the learning rate", rates),
)
