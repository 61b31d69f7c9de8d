"""Train each way of feeding a missing face with several seeds, and record what it scores.

Writes data/recorded/missing_face_twin.csv: P3–P6 of the fused head on the validation videos of the
twin, a row for each way, seed and setting, by default with the quick preset. Runs of one seed share
order, dropout and drawn conditions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from mraf import data
from mraf.configuration import configure
from mraf.evaluation import evaluate
from mraf.experiment import Experiment, mraf_system, train_run
from mraf.files import write_text

OUT = Path(__file__).resolve().parents[1] / "data" / "recorded" / "missing_face_twin.csv"
WAYS = {
    "zeros read as a face": {"missing_face": "zero", "missing_reliability": "learned"},
    "zeros known to be missing": {"missing_face": "zero"},
    "token (the paper)": {},
    "token, scored": {"missing_reliability": "learned"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 … N-1 (default: 5)")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    command = f"python scripts/record_missing_face.py --seeds {options.seeds}"
    command += f" --preset {options.preset}"
    corpus = data.load("twin")
    split = data.validation_split(corpus)
    parts = []
    jobs = [(seed, way) for seed in range(options.seeds) for way in WAYS]
    for seed, way in tqdm(jobs, "runs"):
        config = configure(options.preset, corpus.speakers, {**WAYS[way], "seed": seed})
        run = train_run(Experiment(corpus, config, options.preset, device="cpu"), None)
        scores = evaluate(mraf_system(run), split).scores.loc["MRAF"].reset_index()
        made_by = {"corpus": corpus.name, "preset": options.preset, "split": split.name}
        parts.append(scores.assign(variant=way, seed=seed, **made_by, command=command))
    table = pd.concat(parts, ignore_index=True)
    first = ["variant", "seed", "setting"]
    table = table[first + [name for name in table.columns if name not in first]]
    write_text(options.out, table.to_csv(index=False, float_format="%.5f"))


if __name__ == "__main__":
    main()
