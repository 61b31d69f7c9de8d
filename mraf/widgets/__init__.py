"""Every interactive control of the notebooks; thin over the pure functions of `mraf.exploration`.

Needs ipywidgets, which comes with the extra "lab".
"""

from mraf.widgets.follow import FollowOneClip
from mraf.widgets.missing import MissingTokenExplorer
from mraf.widgets.recording import Recording, record
from mraf.widgets.reliability import ReliabilityExplorer

__all__ = ["FollowOneClip", "MissingTokenExplorer", "Recording", "ReliabilityExplorer", "record"]
