"""The network of the paper, one module for each of its ideas (Eq. 2–14)."""

from mraf.model.config import ModelConfig
from mraf.model.network import MRAF, Logits, Output, standardise
from mraf.model.reliability import Pair, reliability_weights

__all__ = ["MRAF", "Logits", "ModelConfig", "Output", "Pair", "reliability_weights", "standardise"]
