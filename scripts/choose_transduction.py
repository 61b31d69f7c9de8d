"""Choose the settings of the transductive methods on validation videos, and record the choice.

Every setting of a small grid judges P4 and P6 under every protocol, with class means of raw
features: no run, nothing is trained. Chosen is, for each protocol and method, what has the highest
mean of P4 and P6 over the split seeds. Writes data/recorded/transduction_choice.csv; a test holds
that the defaults in mraf_related/leaderboard/methods.py are the ones chosen there. scikit-learn's
LabelSpreading is tried beside ours.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import recording
from sklearn.semi_supervised import LabelSpreading
from tqdm.auto import tqdm

from mraf import data
from mraf.data.splits import P4, P6, Split
from mraf.evaluation.judge import top1
from mraf.files import check_target, write_text
from mraf_related.leaderboard.methods import METHODS, Scores, UnlabelledBatch
from mraf_related.leaderboard.protocols import CLIP, PROTOCOLS, System, Transduction
from mraf_related.leaderboard.run import class_mean_system

OUT = Path(__file__).resolve().parents[1] / "data" / "recorded" / "transduction_choice.csv"
GRID: dict[str, dict[str, list[float]]] = {
    "prototypes": {"anchor": [1, 3, 10, 30], "sharpness": [1, 2, 3], "rounds": [1, 3]},
    "spreading": {
        "neighbours": [10, 20],
        "power": [4, 8],
        "share": [0.5, 0.75],
        "sharpness": [1, 2, 3],
        "rounds": [1, 3],
    },
}
REFERENCE = "spreading (scikit-learn)"


def reference(batch: UnlabelledBatch, neighbours: int, share: float) -> Scores:
    """scikit-learn's label spreading from the class means and the names that saw a face.

    It takes no soft names, so that under "batch" the class means are all it starts from.
    """
    rows = np.concatenate([batch.voices.means, batch.voices.rows])
    names = np.where(batch.seen, batch.scores.argmax(axis=1), -1)
    model = LabelSpreading(kernel="knn", n_neighbors=neighbours, alpha=share, max_iter=100)
    model.fit(rows, np.concatenate([np.arange(len(batch.voices.means)), names]))
    scores: Scores = np.nan_to_num(model.label_distributions_)[len(batch.voices.means) :]
    return scores


def measure(system: System, split: Split, protocol: str, method: str, **settings: float) -> dict:
    judged = Transduction(system, PROTOCOLS[protocol], method, settings)
    found = {}
    for setting in (P4, P6):
        clips = getattr(split, setting.language)
        found[setting.name] = top1(judged.judge(clips, face=False), clips.labels).mean()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", help="folder of the official features (default: $MRAF_DATA)")
    parser.add_argument("--split-seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    check_target(options.out)
    corpus = data.load(options.data)
    METHODS[REFERENCE] = reference
    jobs = [("clip", "alone", {})]
    for protocol in [name for name in PROTOCOLS if name != CLIP.name]:
        for method, grid in GRID.items():
            for values in product(*grid.values()):
                jobs.append((protocol, method, dict(zip(grid, values, strict=True))))
        if protocol != "batch+faces":
            jobs += [(protocol, REFERENCE, {"neighbours": 10, "share": s}) for s in (0.2, 0.8)]
    splits = [data.validation_split(corpus, seed) for seed in options.split_seeds]
    rows = []
    for split in splits:
        system = class_mean_system(split.train)
        for protocol, method, settings in tqdm(jobs, "choose"):
            found = measure(system, split, protocol, method, **settings)
            what = {"protocol": protocol, "method": method, "settings": json.dumps(settings)}
            rows.append(what | found)
    by = ["protocol", "method", "settings"]
    table = pd.DataFrame(rows).groupby(by, sort=False).mean().reset_index()
    table["mean"] = table[["P4", "P6"]].mean(axis=1)
    best = table.groupby(["protocol", "method"], sort=False)["mean"].idxmax()
    table["chosen"] = table.index.isin(best)
    seeds = " ".join(map(str, options.split_seeds))
    table["corpus"], table["system"] = corpus.name, system.name
    table["command"] = f"python scripts/choose_transduction.py --split-seeds {seeds}"
    write_text(options.out, table.to_csv(index=False, float_format="%.5f"))


if __name__ == "__main__":
    recording.run(main)
