"""Record accuracy against enrolment: 1, 2, 5, 10 training clips a speaker.

    python scripts/record_enrolment.py --seeds 5 --data DIR
    python scripts/record_enrolment.py --seeds 3 --data DIR --network

Judges class means or, with --network, MRAF (its fused head, as many steps of training as with all
clips) in P3–P6 on the validation videos, for every seed that draws the clips and starts the
network; rows that are there already are kept. Writes data/recorded/enrolment_<corpus>.csv.
Aggregates only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import recording
from tqdm.auto import tqdm

from mraf.evaluation.baselines import ClassMeans
from mraf.evaluation.judge import evaluate
from mraf.evaluation.predict import SYSTEM_OF_HEAD, predict
from mraf.evaluation.records import write_results
from mraf.evaluation.results import MEAN
from mraf.evidence.sweeps.sweep import parse_seeds
from mraf.training.batches import number_of_batches
from mraf.training.config import configure
from mraf.training.experiment import Experiment
from mraf.training.loop import train
from mraf_related.open_set.protocol import enrolled

NUMBERS = (1, 2, 5, 10)


def steps_kept(experiment: Experiment, clips: int) -> Experiment:
    """As many steps with few clips as the preset has with all of them."""
    training = experiment.config.training
    steps, of_few = (
        number_of_batches(n, training.batch_size) for n in (len(experiment.training_clips), clips)
    )
    longer = replace(training, epochs=round(training.epochs * steps / of_few))
    return replace(experiment, config=replace(experiment.config, training=longer))


def main() -> None:
    parser = recording.parser(__doc__, seeds="3")
    parser.add_argument("--network", action="store_true", help="MRAF, not class means")
    options = parser.parse_args()
    base, place, split = recording.material(options)
    file = options.out / f"enrolment_{place.slug}.csv"
    preset = options.preset if options.network else "none"  # class means have none
    done = recording.done(file, "condition")
    tasks = [(number, seed) for seed in parse_seeds(options.seeds) for number in NUMBERS]
    for number, seed in tqdm(tasks, "enrolment"):
        condition = f"{number} clip{'s' * (number > 1)} a speaker"
        if (condition, seed, preset) in done:
            continue
        few = replace(split, train=enrolled(split.train, number, np.random.default_rng(seed)))
        systems: list[Any] = [ClassMeans(few.train, name) for name in ("voice", "face", "sum")]
        if options.network:
            config = configure(options.preset, base.corpus, {"seed": seed})
            config = steps_kept(replace(base, config=config), len(few.train)).config
            model = train(config, few.train, device="cpu", progress=False).model
            systems = [
                lambda clips, model=model: {"MRAF": predict(model, clips)[SYSTEM_OF_HEAD["fused"]]}
            ]
        scores = evaluate(systems, few, resamples=2, progress=False).scores.reset_index()
        scores = scores[(scores.setting != MEAN) & scores.accuracy.notna()]
        command = f"python scripts/record_enrolment.py{place.data}"
        command += f" --network --preset {preset}" if options.network else ""
        rows = scores[["system", "setting", "clips", "videos", "correct", "accuracy"]].assign(
            condition=condition,
            training_clips=len(few.train),
            seed=seed,
            corpus=place.corpus,
            preset=preset,
            split=split.name,
            command=f"{command} --seeds {seed}-{seed}",
        )
        write_results(file, rows)


if __name__ == "__main__":
    recording.run(main)
