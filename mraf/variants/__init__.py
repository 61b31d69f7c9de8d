"""What an ablation puts in place of a part of the paper; ``build`` alone reads the switches."""

from mraf.variants.build import build
from mraf.variants.config import ModelConfig

__all__ = ["ModelConfig", "build"]
