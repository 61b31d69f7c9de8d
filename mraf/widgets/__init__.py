"""Every interactive control of the notebooks; thin over pure functions of the package.

Needs ipywidgets, which comes with the extra "lab".
"""

from mraf.widgets.ablations import ArmsExplorer
from mraf.widgets.faces import DamageExplorer
from mraf.widgets.follow import FollowOneClip
from mraf.widgets.heads import MarginExplorer
from mraf.widgets.losses import LossExplorer
from mraf.widgets.missing import MissingTokenExplorer
from mraf.widgets.open_set import DoorExplorer
from mraf.widgets.protocols import ProtocolExplorer
from mraf.widgets.recording import Recording, record
from mraf.widgets.reliability import ReliabilityExplorer
from mraf.widgets.shared_space import ThresholdExplorer

__all__ = [
    "ArmsExplorer",
    "DamageExplorer",
    "DoorExplorer",
    "FollowOneClip",
    "LossExplorer",
    "MarginExplorer",
    "MissingTokenExplorer",
    "ProtocolExplorer",
    "Recording",
    "ReliabilityExplorer",
    "ThresholdExplorer",
    "record",
]
