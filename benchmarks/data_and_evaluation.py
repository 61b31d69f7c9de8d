"""Import, packed loading and evaluation: medians of 5.

    MRAF_DATA=DIR python benchmarks/data_and_evaluation.py

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

from mraf.data import load, test_split
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


def labelled(clips):
    """Clips that can be judged: every clip its own video, speaker 0, where these are hidden."""
    if clips.speaker is not None:
        return clips
    return replace(clips, speaker=np.zeros(len(clips), dtype=np.int64), video=clips.key)


def main():
    command = [
        sys.executable,
        "-c",
        "import mraf.training.loop, mraf.evaluation.judge, mraf.cli.main",
    ]
    seconds = median_seconds(lambda: subprocess.run(command, check=True))
    print(f"import of all that training and evaluation need: {seconds:.2f} s")
    corpus = load()
    print(f"load({corpus.name}): {median_seconds(load):.3f} s")
    split = test_split(corpus)
    split = replace(split, english=labelled(split.english), cross=labelled(split.cross))
    model = build(configure("paper", corpus).model)
    clips = len(split.english) + len(split.cross)
    seconds = median_seconds(
        lambda: evaluate(lambda clips: predict(model, clips), split, progress=False).scores
    )
    print(f"P3-P6 of {clips} clips, with intervals: {seconds:.2f} s")


if __name__ == "__main__":
    main()
