"""A run judged and submitted under protocols that look at the batch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mraf.data.clips import Corpus
from mraf.data.splits import Split
from mraf.errors import RunError
from mraf.evaluation import run as clipwise
from mraf.evaluation.results import Evaluation
from mraf.related.leaderboard.methods import METHODS
from mraf.related.leaderboard.protocols import (
    CLIP,
    COPY,
    LEADERBOARD,
    PROTOCOLS,
    Protocol,
    Transduction,
)
from mraf.related.leaderboard.systems import class_mean_system, run_system
from mraf.training.runs import Run


def evaluate_run(
    run: Run,
    source: str | Corpus | None,
    split: Literal["validation", "test"] = "validation",
    *,
    fop: bool = False,
    protocol: str = CLIP.name,
) -> Evaluation:
    """MRAF and the class means in P3–P6 under a protocol.

    Under another protocol than "clip": each alone and with every method that looks at the batch;
    under "leaderboard" also `copy`. "all" is a table of all protocols.

    Raises:
        RunError: no such protocol, or as `mraf.evaluation.run.evaluate_run`.
    """
    if protocol == CLIP.name:
        return clipwise.evaluate_run(run, source, split, fop=fop)
    shown = list(PROTOCOLS.values()) if protocol == "all" else [_protocol(protocol)]
    return clipwise.evaluate_run(
        run, source, split, fop=fop, systems=lambda run, split: transductions(run, split, *shown)
    )


def submit_run(
    run: Run, source: str | Corpus | None, folder: Path, protocol: str = CLIP.name
) -> tuple[Path, Path]:
    """Write the challenge's two files, with the method that was chosen for the protocol.

    Raises as ``evaluate_run``; labels are not needed.
    """
    shown = _protocol(protocol)
    if shown is CLIP:
        return clipwise.submit_run(run, source, folder)
    return clipwise.submit_run(
        run,
        source,
        folder,
        lambda run, split: [Transduction(run_system(run, split.train), shown)],
    )


def transductions(run: Run, split: Split, *protocols: Protocol) -> list[Transduction]:
    """MRAF and the class means of raw features: alone, and with each method under each protocol."""
    found = []
    for system in (run_system(run, split.train), class_mean_system(split.train)):
        found.append(Transduction(system, CLIP))
        methods = [name for name in METHODS if name != "alone"]
        for protocol in [p for p in protocols if p is not CLIP]:
            found += [Transduction(system, protocol, method) for method in methods]
        if LEADERBOARD in protocols:
            found.append(Transduction(system, COPY))
    return found


def _protocol(name: str) -> Protocol:
    if name not in PROTOCOLS:
        raise RunError(f"no protocol '{name}'; choose one of {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
