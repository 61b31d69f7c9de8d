"""Import, loading and evaluation, each beside what cannot be left out of it: medians of 5.

    MRAF_DATA=DIR python -m benchmarks.data_and_evaluation

The floor of an import is that of torch and pandas; of loading, to copy the features; of an
evaluation, to pass its clips through the network.

Without MRAF_DATA the twin takes the place of the packed features. The evaluation is P3-P6 of the
paper preset's network (untrained: the time is the same) on the 3,144 official test clips or their
twins, whose labels are set to 0 where they are hidden.
"""

import statistics
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np

from mraf.data import SETTINGS, load, test_split
from mraf.evaluation.judge import evaluate
from mraf.evaluation.predict import predict
from mraf.training.config import configure
from mraf.variants.build import build


def median_seconds(what, repeat=5):
    seconds = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])  # the first warms up


def told(what, seconds, least):
    print(f"{what}: {seconds:.3f} s; the floor, {least:.3f} s, is {least / seconds:.0%} of it")


def labelled(clips):
    """Clips that can be judged: every clip its own video, speaker 0, where these are hidden."""
    if clips.speaker is not None:
        return clips
    return replace(clips, speaker=np.zeros(len(clips), dtype=np.int64), video=clips.key)


def main():
    def imported(names):
        command = [sys.executable, "-c", f"import {names}"]
        return median_seconds(lambda: subprocess.run(command, check=True))

    ours = "mraf.training.loop, mraf.evaluation.judge, mraf.cli.main"
    told(
        "import of all that training and evaluation need", imported(ours), imported("torch, pandas")
    )
    corpus = load()
    features = [x for part in corpus.parts.values() for x in (part.face, part.voice)]
    copied = median_seconds(lambda: [x.copy() for x in features])
    told(f"load({corpus.name})", median_seconds(load), copied)
    split = test_split(corpus)
    split = replace(split, english=labelled(split.english), cross=labelled(split.cross))
    model = build(configure("paper", corpus).model)
    clips = len(split.english) + len(split.cross)

    def passes():
        for setting in SETTINGS:
            predict(model, split.clips(setting))

    seconds = median_seconds(
        lambda: evaluate(lambda clips: predict(model, clips), split, progress=False).scores
    )
    told(f"P3-P6 of {clips} clips, with intervals", seconds, median_seconds(passes))


if __name__ == "__main__":
    main()
