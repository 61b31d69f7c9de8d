"""Record what cross-attention adds: other contexts trained anew, and interventions on the trained.

    python scripts/record_attention.py --seeds 5 --data DIR
    python scripts/record_attention.py --seeds 5 --data DIR --preset paper

Trains every arm of data/sweeps/attention.toml with every seed and judges it on the validation
videos. The arm of the paper is judged once more under each intervention of
`mraf_related.interventions`, as cross_attention+NAME. Rows are added run by run; what is
recorded already is skipped. Writes data/recorded/attention_<corpus>.csv in the form of the sweeps.
Two columns are added: "renamed" counts the clips that an intervention names otherwise; "entropy" is
that of the attention maps, over log K. Aggregates only.
"""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import recording
import torch
from tqdm.auto import tqdm

from mraf import data
from mraf.data.clips import FeatureSet
from mraf.data.splits import SETTINGS
from mraf.evaluation.judge import top1
from mraf.evaluation.predict import BATCH, forward
from mraf.evaluation.records import counted, write_results
from mraf.evaluation.results import Judged
from mraf.evidence import golden
from mraf.evidence.sweeps.kept import commit
from mraf.evidence.sweeps.sweep import parse_seeds
from mraf.evidence.sweeps.tasks import of_any_seed
from mraf.evidence.tables import declared_table
from mraf.model import MRAF
from mraf.training.config import configure
from mraf.training.golden import golden_numbers
from mraf.training.loop import train
from mraf_related.interventions import INTERVENTIONS, logits_under, normalised_entropy

TABLE = "attention"


def judge(model: MRAF, arm: str, split: data.Split) -> list[dict[str, Any]]:
    """A row for each system and setting."""
    rows = []
    for setting in SETTINGS:
        clips = split.clips(setting)
        judged = Judged.of(clips)
        of_video = judged.published_counts(np.ones(len(clips), dtype=bool))
        systems, entropy = scores(model, arm, clips)
        for name, given in systems.items():
            right = judged.published_counts(top1(given, clips.labels))
            row = {"system": name, "setting": setting.name, **counted(right, of_video)}
            renamed = (given.argmax(axis=1) != systems[arm].argmax(axis=1)).sum()
            rows.append({**row, "renamed": renamed, "entropy": entropy if name == arm else np.nan})
    return rows


def scores(model: MRAF, arm: str, clips: FeatureSet) -> tuple[dict[str, Any], float]:
    """Of each system, (N, C); and the entropy of the maps, if the arm is the paper's."""
    parts: dict[str, list[Any]] = {}
    entropy = []
    for start in range(0, len(clips), BATCH):
        out = forward(model, clips[start : start + BATCH])
        parts.setdefault(arm, []).append(out.logits.fused.numpy())
        if arm == "cross_attention" and out.attention:
            maps = torch.stack(list(out.attention))  # (2, B, H, K, K)
            entropy.append(normalised_entropy(maps).mean(dim=(0, 2, 3)).numpy())
            for name, intervention in INTERVENTIONS.items():
                given = logits_under(model, out, intervention).numpy()
                parts.setdefault(f"{arm}+{name}", []).append(given)
    mean = float(np.concatenate(entropy).mean()) if entropy else np.nan
    return {name: np.concatenate(found) for name, found in parts.items()}, mean


def main() -> None:
    parser = recording.parser(__doc__, seeds="5")
    parser.add_argument("--arms", nargs="+", help="default: all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    arms = recording.arms(options, TABLE)
    base, place, split = recording.material(options)
    file = options.out / f"{TABLE}_{place.slug}.csv"
    done = recording.done(file)
    command = f"python scripts/record_attention.py{place.data} --preset {options.preset}"
    command += " --seeds 5 --out data/recorded"
    for seed, arm in tqdm(list(product(parse_seeds(options.seeds), arms)), "runs"):
        if (arm.name, seed, options.preset) in done:
            continue
        start = time.perf_counter()
        config = configure(options.preset, base.corpus, {**arm.settings, "seed": seed})
        run = train(config, split.train, device="cpu", progress=False)
        rows = pd.DataFrame(judge(run.model, arm.name, split))
        of = {"seed": seed, "corpus": place.corpus, "preset": options.preset, "split": split.name}
        of |= {"device": "cpu", "commit": commit(), "command": command}
        recorded = rows.assign(**of, seconds=time.perf_counter() - start)
        write_results(file, recorded, [of.name for of in declared_table(TABLE, "quick").arms])
        golden.remember(file, recorded, TABLE, {arm.name: golden_numbers(of_any_seed(config))})


if __name__ == "__main__":
    recording.run(main)
