"""Time and memory of training and of naming a speaker, against the number of speakers.

    python -m benchmarks.scale --record data/recorded/scale.csv

On the twin with few clips a speaker (four in training). Of the quick preset: a step of training
with the whole softmax, with a sampled one (1,000 negatives), and with a sampled one whose gradients
are sparse; a forward pass. Of nearest class means of raw voices: brute force and graph indexes of
what is installed of faiss-cpu and hnswlib (pip install faiss-cpu hnswlib), and how often they find
what the exact search finds. Medians, on one thread; networks run on a GPU where there is one.
On a CPU seconds are those that the process computed, so that other work beside it counts little.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib.util
import itertools
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import psutil
import torch

from benchmarks.sampled import draw_speakers, make_optimizers, sample_heads
from mraf.data.clips import FeatureSet, unit
from mraf.data.twin.factors import Scalars
from mraf.data.twin.generate import calibration, generate
from mraf.data.twin.people import FLAWS, PARTS
from mraf.evaluation.baselines import class_means
from mraf.files import write_text
from mraf.training.batches import TrainingClips
from mraf.training.config import configure
from mraf.training.device import fast_bfloat16, resolve_device
from mraf.training.loop import Learner
from mraf.variants.build import build

SPEAKERS = (70, 1_000, 10_000, 100_000)
STEPS = {"whole softmax": (0, False), "sampled": (1_000, False), "sampled, sparse": (1_000, True)}
QUERIES = 1_000
ENOUGH = 0.5  # seconds of repetitions
MB = 1e6
CPU = torch.device("cpu")


def median_seconds(what: Callable[[], object], device: torch.device = CPU) -> float:
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    least, most = 5, 30
    what()  # warms up
    seconds: list[float] = []
    while len(seconds) < least or (len(seconds) < most and sum(seconds) < ENOUGH):
        start = clock()
        what()
        seconds.append(clock() - start)
    return statistics.median(seconds)


class Memory:
    """How much more memory is held at the peak than when the measurement begins."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # glibc: give back what is freed, or
            ctypes.CDLL(None).malloc_trim(0)  # it would be used again without being counted
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            self.start = torch.cuda.memory_allocated(device)
        elif RESET.exists():
            RESET.write_text("5")  # the peak falls to what is held now
            self.start = resident("VmRSS")

    @property
    def peak(self) -> float:
        """In megabytes; not a number where the system keeps no peak."""
        if self.device.type == "cuda":
            return (torch.cuda.max_memory_allocated(self.device) - self.start) / MB
        return (resident("VmHWM") - self.start) / MB if RESET.exists() else float("nan")


RESET = Path("/proc/self/clear_refs")  # Linux


def resident(name: str) -> int:
    """Bytes of memory that this process holds (VmRSS), or has held at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))


def in_child(work: Callable[[], dict[str, Any]], device: torch.device) -> dict[str, Any]:
    """Work in a process of its own, so that no memory is used again that another has freed."""
    if device.type != "cpu" or not hasattr(os, "fork"):
        return work()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(work()))
    child.start()
    sender.close()
    found: dict[str, Any] = receiver.recv()  # EOFError: the child failed and has said why
    child.join()
    return found


def training_step(clips: TrainingClips, speakers: int, method: str) -> dict[str, Any]:
    negatives, sparse = STEPS[method]
    device = clips.face.device
    config = configure("quick", speakers)
    precision = torch.bfloat16 if fast_bfloat16(device) else torch.float32
    memory = Memory(device)
    torch.manual_seed(0)
    learner = Learner(config).to(device).train()
    if negatives:
        sample_heads(learner, sparse)
    optimizers = make_optimizers(learner, config.training)
    rng = np.random.default_rng(0)
    epochs = (clips.batches(config.training, epoch) for epoch in itertools.count())
    batches = itertools.chain.from_iterable(epochs)

    def step() -> None:
        batch = next(batches)
        if negatives:
            batch = draw_speakers(learner, batch, negatives, rng)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            loss = learner(batch).loss
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    seconds = median_seconds(step, device)
    return row("training step", method, 64, seconds, memory_mb=memory.peak)


def forward_pass(clips: TrainingClips, speakers: int, count: int) -> dict[str, Any]:
    device = clips.face.device
    memory = Memory(device)
    model = build(configure("quick", speakers).model).to(device).eval()

    def ask() -> None:
        with torch.inference_mode():
            model(clips.face[:count], clips.voice[:count]).logits.fused.argmax(1).cpu()

    seconds = median_seconds(ask, device)
    return row("query of the network", "all heads", count, seconds, memory_mb=memory.peak)


def search(train: FeatureSet, test: FeatureSet) -> Iterator[dict[str, Any]]:
    means = class_means(train, "voice", "video")
    asked = np.random.default_rng(0).integers(0, len(test), QUERIES)
    queries, labels = unit(test.voice[asked]), test.labels[asked]
    exact = np.concatenate([(part @ means.T).argmax(1) for part in np.split(queries, 10)])
    for method, index in INDEXES.items():
        library = method.partition(",")[0].lower()
        if library in ("faiss", "hnswlib"):
            if importlib.util.find_spec(library) is None:
                continue
            importlib.import_module(library)  # its time is not that of building the index
        start = time.process_time()
        ask, size = index(means)
        built = time.process_time() - start
        found = ask(queries)
        outcome = {"recall": (found == exact).mean(), "accuracy": (found == labels).mean()}
        for clips in (1, QUERIES):
            seconds = median_seconds(lambda ask=ask, clips=clips: ask(queries[:clips]))
            more = {"memory_mb": size / MB, "build_s": built, **outcome}
            yield row("search", method, clips, seconds, **more)


Ask = Callable[[np.ndarray], np.ndarray]


def numpy_index(means: np.ndarray) -> tuple[Ask, int]:
    return lambda rows: (rows @ means.T).argmax(1), means.nbytes


def sklearn_index(means: np.ndarray) -> tuple[Ask, int]:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=1, algorithm="brute", metric="cosine").fit(means)
    return lambda rows: index.kneighbors(rows, return_distance=False)[:, 0], means.nbytes


def faiss_index(description: str, nearness: int | None = None) -> Callable[..., tuple[Ask, int]]:
    def build(means: np.ndarray) -> tuple[Ask, int]:
        import faiss

        index = faiss.index_factory(means.shape[1], description, faiss.METRIC_INNER_PRODUCT)
        if nearness:
            index.hnsw.efSearch = nearness
        index.add(means)
        size = faiss.serialize_index(index).nbytes
        return lambda rows: index.search(rows, 1)[1][:, 0], size

    return build


def hnswlib_index(means: np.ndarray) -> tuple[Ask, int]:
    import hnswlib

    index = hnswlib.Index("ip", means.shape[1])
    index.init_index(len(means), M=16, ef_construction=40, random_seed=0)
    index.set_num_threads(1)
    index.add_items(means)
    index.set_ef(128)
    size = index.index_file_size()
    return lambda rows: index.knn_query(rows, 1)[0][:, 0].astype(np.int64), size


# Graphs of 16 links a node, built with 40 candidates and searched with 128.
INDEXES = {
    "NumPy, exact": numpy_index,
    "scikit-learn, exact": sklearn_index,
    "faiss, exact": faiss_index("Flat"),
    "faiss, graph": faiss_index("HNSW16", 128),
    "hnswlib, graph": hnswlib_index,
}


def row(what: str, method: str, clips: int, seconds: float, **more: float) -> dict[str, Any]:
    return {"what": what, "method": method, "clips": clips, "seconds": seconds, **more}


def few_clips(scalars: Scalars, train: int = 4, test: int = 1) -> Scalars:
    """A calibration of equally few clips a speaker, without flaws: for very many speakers.

    Args:
        scalars: what all else is taken from.
        train: English training clips of each speaker, in two videos.
        test: clips of each speaker in each other set, in one video.
    """
    speakers = scalars["counts"]["speakers"]
    counts = scalars["counts"] | {f"{flaw}_videos": 0 for flaw in FLAWS}
    for part in PARTS:
        clips, videos = (train, [0, speakers]) if part == "train" else (test, [speakers])
        counts[part] = {
            "clips": clips * speakers,
            "videos_per_speaker": videos,
            "clips_per_speaker": [clips, clips],
            "video_spread": 0.0,
        }
    return scalars | {"counts": counts}


def measure(speakers: int, device: torch.device) -> Iterator[dict[str, Any]]:
    """Draw the twin, search in it, train on it and ask the network."""
    start = time.process_time()
    corpus = generate(0, speakers, few_clips(calibration()))
    yield row("drawing the twin", "", len(corpus.train), time.process_time() - start)
    yield from search(corpus.train, corpus.test_english)
    clips = TrainingClips.place(corpus.train, device)
    del corpus
    for method in STEPS:
        yield in_child(lambda method=method: training_step(clips, speakers, method), device)
    for count in (1, 64):
        yield in_child(lambda count=count: forward_pass(clips, speakers, count), device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--speakers", nargs="+", type=int, default=SPEAKERS, metavar="C")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the table as CSV")
    options = parser.parse_args()
    device = resolve_device("auto")
    made_by = {
        "device": "cpu" if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": 1,
        "cores": os.cpu_count(),
        "command": "python -m benchmarks.scale",
    }
    rows = []
    for speakers in options.speakers:
        found = list(measure(speakers, device))
        load = round(psutil.getloadavg()[0], 1)  # 1 is this benchmark alone
        rows += [{"speakers": speakers, **one, "load": load, **made_by} for one in found]
        shown = pd.DataFrame(found).to_string(float_format="{:.4g}".format)
        print(f"{speakers} speakers, load {load}\n{shown}\n", flush=True)
        if options.record:
            write_text(options.record, pd.DataFrame(rows).to_csv(index=False, float_format="%.4g"))


if __name__ == "__main__":
    main()
