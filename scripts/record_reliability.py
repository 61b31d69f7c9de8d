"""Record what the reliability scorers of trained runs make of clean and of ruined clips.

    python scripts/record_reliability.py runs/paper-0 runs/paper-1 runs/paper-2 --data DIR

Writes data/recorded/reliability.csv, a row for each run, modality and kind of damage (amount 1, and
"clean"), on the held-out English clips and every fourth of the second language, with faces: the
quantiles of the modality's reliability r_m and of w_f, how the modality's own head and the fused
head do, and how often a clean clip has the higher r_m than a damaged one (AUROC; ½ is chance).
Aggregates only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import recording
import torch
from sklearn.metrics import roc_auc_score
from tqdm.auto import tqdm

from mraf import data
from mraf.data import Split
from mraf.evaluation.predict import forward
from mraf.files import check_target, write_text
from mraf.model import MRAF
from mraf.training.runs import Run
from mraf_related.degradation import degrade_faces, degrade_voices

OUT = Path(__file__).resolve().parents[1] / "data" / "recorded" / "reliability.csv"
KINDS = {
    "face": (degrade_faces, ("noise", "mean face", "swap")),
    "voice": (degrade_voices, ("noise", "shorter clip")),
}


def looked_at(model: MRAF, split: Split, modality: str, kind: str, amount: float) -> pd.DataFrame:
    """One row a clip: r (of the modality), w_f, and which heads are right."""
    degrade, _ = KINDS[modality]
    parts = []
    for number, clips in enumerate((split.english, split.cross[::4])):
        generator = np.random.default_rng([7, number])
        out = forward(model, degrade(clips, kind, amount, generator, clips))
        columns = {
            "r": getattr(out.reliability, modality)[:, 0].numpy(),
            "w_f": out.weight.face[:, 0].numpy(),
            "head": getattr(out.logits, modality).argmax(dim=1).numpy() == clips.labels,
            "fused": out.logits.fused.argmax(dim=1).numpy() == clips.labels,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def summary(seen: pd.DataFrame) -> dict[str, float]:
    row = {}
    for column in ("r", "w_f"):
        names = (f"{column}_5%", f"{column}_median", f"{column}_95%")
        row |= dict(zip(names, seen[column].quantile([0.05, 0.5, 0.95]), strict=True))
    return {**row, "head_accuracy": seen["head"].mean(), "fused_accuracy": seen["fused"].mean()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data", help="their corpus (default: $MRAF_DATA, else the twin)")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    check_target(options.out)
    corpus = data.load(options.data)
    rows = []
    for path in tqdm(options.runs, "runs"):
        run = Run.load(path, torch.device("cpu"))
        split = data.validation_split(corpus, run.config.training.split_seed)
        of_run = {"corpus": corpus.name, "preset": run.data["preset"]}
        of_run |= {"split": split.name, "seed": run.config.training.seed}
        of_run["command"] = f"python scripts/record_reliability.py {path}"
        for modality, (_, kinds) in KINDS.items():
            clean = looked_at(run.model, split, modality, kinds[0], 0)
            rows.append({"modality": modality, "damage": "clean", **summary(clean), **of_run})
            for kind in kinds:
                seen = looked_at(run.model, split, modality, kind, 1)
                truth = np.repeat([1, 0], len(clean))
                auroc = roc_auc_score(truth, np.concatenate([clean.r, seen.r]))
                row = {"modality": modality, "damage": kind, **summary(seen), "auroc": auroc}
                rows.append({**row, **of_run})
    write_text(options.out, pd.DataFrame(rows).to_csv(index=False, float_format="%.4f"))


if __name__ == "__main__":
    recording.run(main)
