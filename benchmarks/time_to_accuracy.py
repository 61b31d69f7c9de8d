"""How soon a schedule reaches the accuracy of the preset quick: the records in docs/speed.md.

    python -m benchmarks.time_to_accuracy [--data twin ~/polysim] [--seeds 10] [--arms NAME …]

Trains the network of `quick` with each schedule in ARMS. The accuracy is the mean of P3–P6 on
held-out videos, of the fused head. Seconds are those of the processor on one thread, so that other
work beside it counts little. The difference to `quick` is taken seed by seed; ± is its standard
error over seeds.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import pandas as pd

from mraf.data import load, validation_split
from mraf.data.clips import Corpus
from mraf.data.splits import Split
from mraf.evaluation.intervals import MEAN
from mraf.evaluation.judge import evaluate
from mraf.evaluation.run import mraf_system
from mraf.training.config import configure
from mraf.training.loop import train


def cycle(rate: float, epochs: int, **more: Any) -> dict[str, Any]:
    return {"schedule": "one-cycle", "learning_rate": rate, "epochs": epochs, **more}


ARMS: dict[str, dict[str, Any]] = {  # changes of quick, in the order in which they were tried
    "quick": {},
    "one cycle to 0.0015": cycle(0.0015, 3),
    "one cycle to 0.003": cycle(0.003, 3),
    "one cycle to 0.006": cycle(0.006, 3),
    "no dropout": cycle(0.003, 3, dropout=0),
    "batches of 32": cycle(0.002, 3, batch_size=32),
    "batches of 128": cycle(0.004, 4, batch_size=128),
    "batches of 128, to 0.01": cycle(0.01, 4, batch_size=128),
    "videos equally often": cycle(0.003, 3, sampling="video"),
    "two epochs": cycle(0.004, 2, sampling="video"),
    "four epochs": cycle(0.003, 4),  # the preset fast
    "five epochs": cycle(0.003, 5),
}


def measured(corpus: Corpus, split: Split, changes: dict[str, Any], seed: int) -> dict[str, float]:
    """Seconds of training and the accuracy in points, of one run."""
    config = configure("quick", corpus, {**changes, "seed": seed})
    start = time.process_time()
    run = train(config, split.train, device="cpu", progress=False)
    seconds = time.process_time() - start
    scores = evaluate([mraf_system(run)], split, progress=False).scores["accuracy"]["MRAF"]
    steps = config.training.epochs * -(-len(split.train) // config.training.batch_size)
    return {"steps": steps, "CPU s": seconds, MEAN: 100 * scores[MEAN]}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["twin"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=ARMS)
    options = parser.parse_args(arguments)
    print("| corpus | schedule | seeds | steps | CPU s | mean of P3–P6 | against quick |")
    print("|---|---|---|---|---|---|---|")
    for source in options.data:
        corpus = load(source)
        split = validation_split(corpus)
        reference = None
        for name in options.arms:
            seeds = range(options.first, options.first + options.seeds)
            rows = [measured(corpus, split, ARMS[name], seed) for seed in seeds]
            found = pd.DataFrame(rows, index=seeds)
            reference = found[MEAN] if name == "quick" else reference
            against = "–"
            if name != "quick" and reference is not None:
                apart = found[MEAN] - reference
                against = f"{apart.mean():+.2f} ± {apart.sem():.2f}"
            print(
                f"| {corpus.name} | {name} | {len(found)} | {found.steps.iloc[0]} | "
                f"{found['CPU s'].median():.1f} | {found[MEAN].mean():.2f} | {against} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
