"""The pictures this paper deserves: evidence to axes, each with the sentence that it shows."""

import numpy as np

#: From best to worst known; controls are off the scale.
GAPS = ("hdpo", "reinforce", "reinforce_fast", "ppo", "capped_base_stock", "base_stock")
SHOWN = 21
RATE = 5


def gaps(evidence, ax, palette):
    """Draw every seed's gap on every instance, with the optimum as the zero line."""
    instances = _instances(evidence)
    names = [name for name in GAPS if (evidence["contender"] == name).any()]
    told = []
    for place, name in enumerate(names):
        means = []
        for at, (L, p) in enumerate(instances):
            own = evidence[evidence["contender"] == name]
            gap = own[(own["L"] == L) & (own["p"] == p)]["gap"].clip(upper=100)
            x = at + (place - (len(names) - 1) / 2) * 0.15
            ax.plot([x] * len(gap), gap, "o", color=palette[name], alpha=0.4)
            label = _words(name) if at == 0 else None
            ax.plot(x, gap.mean(), "_", markersize=12, color=palette[name], label=label)
            means.append(gap.mean())
        told.append(f"{_words(name)} {np.mean(means):.2f}%")
    ax.axhline(0, color="black", linewidth=1)
    ax.annotate(
        "optimum",
        (1, 0),
        (4, -3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize="small",
    )
    ax.set_xticks(range(len(instances)), [f"L = {L}, p = {p:g}" for L, p in instances])
    ax.set(xlabel="instance", ylabel="gap to the optimum, %")
    ax.legend(fontsize="small")
    return f"Exact gaps, mean over all seeds of {len(instances)} instance(s): {', '.join(told)}."


def orders(evidence, ax, palette):
    """Draw orders against the inventory position, beside the optimal policy."""
    L, p = max(_instances(evidence))
    here = evidence[(evidence["L"] == L) & (evidence["p"] == p)]
    position = np.arange(SHOWN) + RATE * (L - 1)
    lines = {}
    for name, style in (
        ("capped_base_stock", "--"),
        ("base_stock", ":"),
        ("reinforce", "-"),
        ("hdpo", "-"),
        ("value_iteration", "-"),
    ):
        own = here[here["contender"] == name]
        if own.empty:
            continue
        lines[name] = own[[f"order_{x}" for x in range(SHOWN)]].to_numpy()
        optimal = name == "value_iteration"
        ax.plot(
            position,
            lines[name].mean(axis=0),
            style,
            color="black" if optimal else palette[name],
            label="optimal policy" if optimal else _words(name),
        )
    ax.set(xlabel="inventory position (mean demands on their way)", ylabel="order, mean over seeds")
    ax.legend(fontsize="small")
    told = []
    for name in ("hdpo", "reinforce", "capped_base_stock", "base_stock"):
        if name in lines and "value_iteration" in lines:
            off = np.abs(lines[name].mean(axis=0) - lines["value_iteration"][0]).mean()
            told.append(f"{_words(name)} {off:.2f}")
    return (
        f"At L = {L}, p = {p:g} the orders differ from the optimal ones by, on average over the"
        f" positions drawn: {', '.join(told)} units."
    )


def optima(evidence, ax, palette):
    """Draw what the best base-stock policies cost above the optimum, on all instances."""
    for name, style in (("base_stock", "o-"), ("capped_base_stock", "s--")):
        own = evidence[evidence["contender"] == name]
        for p, line in own.groupby("p"):
            by_lead = line.set_index("L")["gap"].sort_index()
            ax.plot(by_lead.index, by_lead, style, color=palette[name], alpha=0.5)
            if name == "base_stock":  # those of the other lie on one another
                end = (by_lead.index[-1], by_lead.iloc[-1])
                ax.annotate(f"p = {p:g}", end, (5, -3), textcoords="offset points")
        ax.plot([], [], style, color=palette[name], label=_words(name))
    ax.axhline(0, color="black", linewidth=1)
    ax.set(xlabel="lead time L", ylabel="gap to the optimum, %")
    ax.set_xticks(sorted(evidence["L"].unique()))
    ax.legend()
    known = evidence[evidence["contender"] == "value_iteration"].sort_values(["L", "p"])
    told = "; ".join(
        f"L = {L}: {', '.join(f'{cost:.4f}' for cost in rows['cost'])}"
        for L, rows in known.groupby("L")
    )
    return f"Optimal costs, p rising: {told}."


def data_sizes(evidence, ax, palette):
    """Draw the cost on test paths against the size of the training set."""
    told = []
    for name in ("plain", "symmetry_aware", "graph"):
        own = evidence[evidence["contender"] == name]
        line = own.groupby("traces")["cost_per_store"].mean()
        ax.plot(line.index, line, "o-", color=palette[name], label=_words(name))
        told.append(f"{_words(name)} {line.iloc[0]:.3f} to {line.iloc[-1]:.3f}")
    ax.set(xscale="log", xlabel="recorded paths", ylabel="cost per store and period")
    ax.legend()
    sizes = sorted(evidence["traces"].unique())
    return f"From {sizes[0]} to {sizes[-1]} recorded paths the cost goes from {'; '.join(told)}."


def _instances(evidence):
    return sorted({(int(L), float(p)) for L, p in zip(evidence["L"], evidence["p"], strict=True)})


def _words(name):
    known = {
        "hdpo": "HDPO",
        "reinforce": "REINFORCE",
        "reinforce_fast": "REINFORCE at 1e-2",
        "ppo": "PPO",
        "plain": "plain network",
    }
    return known.get(name, name.replace("_", " ").replace("base stock", "base-stock"))


FIGURES = (
    ("zipkin", "Gap on every instance", gaps),
    ("zipkin", "Learned orders beside the optimal policy", orders),
    ("optima", "Sixteen optima, and what base-stock policies cost above them", optima),
    ("small", "Gap at a small budget, where the order is another one", gaps),
    ("warehouse", "Cost against the number of recorded paths", data_sizes),
)
