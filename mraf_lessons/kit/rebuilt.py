"""A network whose switches a lesson changes, with the weights it has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from mraf.variants.build import Network, build


def rebuilt(model: Network, **switches: Any) -> Network:
    """The same weights, shared, in a network with other switches; the model is left as it is."""
    with torch.random.fork_rng(devices=[]):  # what is drawn here gives way to the model's own
        other = build(replace(model.config, **switches))
    other.load_state_dict(model.state_dict(keep_vars=True), assign=True)
    return other.train(model.training)
