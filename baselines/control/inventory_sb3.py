"""Stable-Baselines3's PPO on an inventory system, through a vectorised gymnasium environment.

Imported by whoever calls it: stable-baselines3 takes seconds to load, and may not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor
from torch.nn import ELU

Step = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

#: Actions are orders less this, so that a network's first outputs, near 0, are mean demands.
OFFSET, LARGEST_ORDER = 5.0, 14.0


class InventoryEnv(VecEnv):
    """The paths of one episode side by side; when it is over, the next one begins.

    Observations are the inventory; the reward is minus the cost, centred over the paths of the
    same period and divided by its running standard deviation, as our own opponents have it.
    """

    def __init__(self, episodes: Sequence[tuple[Tensor, Tensor]], step: Step) -> None:
        """Take what one network is trained on.

        Parameters
        ----------
        episodes
            (x, demand) of one row: (1, B, 1, L) and (T, 1, B, 1).
        """
        self._episodes, self._step = iter(episodes), step
        x, _ = episodes[0]
        super().__init__(
            x.shape[1],
            Box(-np.inf, np.inf, (x.shape[-1],), dtype=np.float32),
            Box(-OFFSET, LARGEST_ORDER - OFFSET, (1,), dtype=np.float32),
        )
        self._squares, self._periods = 0.0, 0

    def reset(self) -> NDArray[Any]:
        """Begin the next episode."""
        self._x, self._demand = next(self._episodes)
        self._t = 0
        return self._observed()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions, (B, 1)."""
        self._orders = torch.as_tensor(actions + OFFSET).clamp(min=0).reshape(1, -1, 1)

    def step_wait(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[dict[str, Any]]]:
        """Return observations, rewards, whether the episode is over, and what else is known."""
        self._x, cost = self._step(self._x, self._orders, self._demand[self._t])
        self._t += 1
        centred = (cost.mean() - cost).flatten().numpy()
        self._squares += float(np.square(centred).mean())
        self._periods += 1
        reward = centred / (np.sqrt(self._squares / self._periods) + 1e-8)
        over = self._t == len(self._demand)
        infos: list[dict[str, Any]] = [{} for _ in reward]
        seen = self._observed()
        if over:  # cut off, not finished: the last state has its value
            infos = [{"terminal_observation": one, "TimeLimit.truncated": True} for one in seen]
            seen = self.reset()
        return seen, reward, np.full(len(reward), over), infos

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, the same for all paths."""
        return [getattr(self, attr_name, None)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: paths have no attributes of their own."""
        raise NotImplementedError(attr_name)

    def env_method(self, method_name: str, *_: Any, **__: Any) -> list[Any]:
        """Refuse: paths have no methods of their own."""
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:  # noqa: ARG002
        """Return that no path is wrapped."""
        return [False] * len(list(self._get_indices(indices)))

    def _observed(self) -> NDArray[Any]:
        return self._x[0, :, 0].numpy()


def train(
    episodes: Sequence[tuple[Tensor, Tensor]], step: Step, *, lr: float, minibatches: int, seed: int
) -> Callable[[Tensor], Tensor]:
    """Return PPO's policy of mean orders, x (B, 1, L) to (B, 1), after one pass per episode.

    Parameters
    ----------
    episodes
        See `InventoryEnv`; one more than is trained on, since an end is always a beginning.
    """
    x, demand = episodes[0]
    periods = len(demand) * x.shape[1]
    model = PPO(
        "MlpPolicy",
        InventoryEnv(episodes, step),
        learning_rate=lambda left: lr * (1 + cos(pi * (1 - left))) / 2,
        n_steps=len(demand),
        batch_size=periods // minibatches,
        n_epochs=1,
        policy_kwargs={"net_arch": [32, 32], "activation_fn": ELU},
        seed=seed,
        device="cpu",
    )
    model.learn(periods * (len(episodes) - 1))

    def orders(x: Tensor) -> Tensor:
        actions, _ = model.predict(x[:, 0].numpy(), deterministic=True)
        return torch.as_tensor(actions + OFFSET).clamp(min=0)

    return orders
