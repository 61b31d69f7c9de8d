"""Record what worse faces and voices cost each arm of a table, and how sure it still is.

    python scripts/record_robustness.py --seeds 5 --data DIR

Trains every arm of data/sweeps/scorer.toml with every seed and judges it on the validation videos
under every condition below, as it is and, under the name ARM+agreement, with the scorer that sees
whether face and voice agree; rows are added run by run, and what is recorded already is skipped.
Writes data/recorded/robustness_<corpus>.csv, a row for each run, condition and setting (P3 and P5;
all faces missing is P4 and P6) as `mraf sweep` does, and calibration_<corpus>.csv, a row for each
run, condition, setting and bin of confidence. Aggregates only.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import recording
from tqdm.auto import tqdm

from mraf import data
from mraf.data.clips import FeatureSet
from mraf.data.splits import SETTINGS
from mraf.evaluation.judge import top1
from mraf.evaluation.predict import SYSTEM_OF_HEAD, predict
from mraf.evaluation.records import counted, write_results
from mraf.evaluation.results import Judged
from mraf.evidence import golden
from mraf.evidence.sweeps.kept import commit
from mraf.evidence.sweeps.sweep import parse_seeds
from mraf.evidence.sweeps.tasks import of_any_seed
from mraf.evidence.tables import Condition, Damage
from mraf.files import without_home, write_text
from mraf.model import MRAF
from mraf.training.config import configure
from mraf.training.golden import golden_numbers
from mraf.training.loop import train
from mraf_lessons.evaluation.calibration import confidences, reliability_bins
from mraf_lessons.faces.damage import scores_under, with_agreement

AMOUNTS: dict[Damage, tuple[float, ...]] = {
    "swapped face": (0.1, 0.3, 0.5, 1),
    "missing face": (0.3, 1),
    "face noise": (1,),
    "voice noise": (1,),
    "shorter voice": (0.8,),
}
CALIBRATED = (Condition(), Condition("swapped face", 0.3), Condition("missing face", 1))
BIN_COLUMNS = ["damage", "amount", "arm", "seed", "setting", "low", "high", "clips", "confidence"]
BIN_COLUMNS += ["accuracy", "corpus", "preset", "split", "command"]
Rows = list[dict[str, Any]]


def judge(model: MRAF, split: data.Split) -> tuple[Rows, Rows]:
    """A row for each condition and setting, and one for each bin of those in CALIBRATED."""
    rows: Rows = []
    bins: Rows = []
    for setting in (setting for setting in SETTINGS if setting.face):
        clips = split.clips(setting)
        judged = Judged.of(clips)
        of_video = judged.published_counts(np.ones(len(clips), dtype=bool))
        clean = fused(model, clips)
        found = {Condition(): clean}
        for damage, amounts in AMOUNTS.items():
            given = scores_under(lambda c: fused(model, c), clips, damage, amounts, clean=clean)
            found |= {Condition(damage, a): z for a, z in zip(amounts, given, strict=True)}
        for condition, logits in found.items():
            right = top1(logits, clips.labels)
            of = {"condition": str(condition), "setting": setting.name}
            rows.append({**of, **counted(judged.published_counts(right), of_video)})
            if condition in CALIBRATED:
                table = reliability_bins(confidences(logits), right)
                at = {**condition._asdict(), "setting": setting.name}
                bins += [{**at, **row} for row in table.to_dict("records")]
    return rows, bins


def fused(model: MRAF, clips: FeatureSet) -> Any:
    return predict(model, clips)[SYSTEM_OF_HEAD["fused"]]


def main() -> None:
    parser = recording.parser(__doc__, seeds="5")
    parser.add_argument("--table", default="scorer", help="of data/sweeps/ (default: %(default)s)")
    parser.add_argument("--arms", nargs="+", help="default: all")
    options = parser.parse_args()
    arms = recording.arms(options, options.table)
    base, place, split = recording.material(options)
    file = options.out / f"robustness_{place.slug}.csv"
    bins_file = options.out / f"calibration_{place.slug}.csv"
    done = recording.done(file)
    tasks = [(arm, seed) for seed in parse_seeds(options.seeds) for arm in arms]
    for arm, seed in tqdm(tasks, "runs"):
        if (arm.name, seed, options.preset) in done:
            continue
        start = time.perf_counter()
        settings = {**arm.settings, "seed": seed}
        config = configure(options.preset, base.corpus, settings)
        run = train(config, split.train, device="cpu", progress=False)
        command = f"python scripts/record_robustness.py --table {options.table}{place.data}"
        command += f" --preset {options.preset} --arms {arm.name} --seeds {seed}-{seed}"
        of = {"seed": seed, "corpus": place.corpus, "preset": options.preset, "device": "cpu"}
        of |= {"split": split.name, "commit": commit(), "command": without_home(command)}
        judged = {arm.name: run.model}
        if run.config.model.scorer == "own" and run.config.model.reliability == "learned":
            judged[f"{arm.name}+agreement"] = with_agreement(run.model, split.train)
        rows, bins = [], []
        for name, model in judged.items():
            found, of_bins = judge(model, split)
            seconds = time.perf_counter() - start
            rows += [{**row, **of, "system": name, "seconds": seconds} for row in found]
            bins += [{**row, **of, "arm": name} for row in of_bins]
        recorded = pd.DataFrame(rows)
        write_results(file, recorded)
        numbers = {arm.name: golden_numbers(of_any_seed(config))}
        golden.remember(file, recorded, options.table, numbers)
        before = [pd.read_csv(bins_file)] if bins_file.exists() else []
        frame = pd.concat([*before, pd.DataFrame(bins)[BIN_COLUMNS]])
        write_text(bins_file, frame.to_csv(index=False, float_format="%.5g"))


if __name__ == "__main__":
    recording.run(main)
