"""All that must be known of a GPU, in one table, in under four minutes.

    python -m benchmarks.gpu [--presets quick paper] [--device cuda]

For each preset, precision and number of seeds: a step done kernel by kernel ("eager"), replayed
from a CUDA graph, and compiled (one seed alone). Beside each its ratio to "eager", the share of the
floor of `benchmarks/training_step.py`, the peak of memory, and how far the losses of ten steps
without dropout are from those of the CPU. Then the time to accuracy on the twin. A step that makes
the processor wait for the GPU ends the script.
Without a GPU it says so. `--device cpu` tries the same code on a small network.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from benchmarks.training_step import Floor, synchronize
from mraf.data import load, validation_split
from mraf.evaluation.judge import evaluate
from mraf.evaluation.run import mraf_system
from mraf.losses import Batch, StepLosses
from mraf.training.batches import TrainingClips
from mraf.training.config import Config, configure
from mraf.training.loop import Learner, train
from mraf.training.stacked import Stack

SEEDS, COMPARED, SECONDS = (1, 4, 16), 10, 0.7
HOW = "eager", "graph", "compiled"
SMALL = {"width": 32, "tokens": 2, "epochs": 1, "batch_size": 256}  # for --device cpu
PRECISIONS = {
    "float32": ("highest", torch.float32),
    "TF32": ("high", torch.float32),
    "bfloat16": ("highest", torch.bfloat16),
}


class Steps:
    """Steps of one run or of a stack; `advance` makes one and returns its losses (S,)."""

    def __init__(self, configs: list[Config], clips: TrainingClips, precision: torch.dtype) -> None:
        self.device = clips.voice.device
        learners = []
        for config in configs:
            torch.manual_seed(config.training.seed)
            learners.append(Learner(config, plain=True).to(self.device).train())
        self.learner, self.generators = learners[0], []
        self.losses_of: Callable[[Batch], StepLosses] = self.learner
        if len(configs) > 1:
            stack = Stack(learners, self.device)
            self.learner, self.generators, self.losses_of = stack.learner, stack.masks, stack
        graphs = self.device.type == "cuda"
        self.optimizer = torch.optim.Adam(
            self.learner.parameters(), lr=1e-3, fused=True, capturable=graphs
        )
        self.precision = precision
        self.batches = self._batches(configs, clips)

    def _batches(self, configs: list[Config], clips: TrainingClips) -> Iterator[Batch]:
        whole = len(clips) // configs[0].training.batch_size  # a graph has one shape
        for epoch in count():
            runs = zip(*(clips.batches(of.training, epoch) for of in configs), strict=True)
            for batches, _ in zip(runs, range(whole), strict=False):
                stacked = Batch(*map(torch.stack, zip(*batches, strict=True)))
                yield stacked if len(configs) > 1 else batches[0]

    def step(self, batch: Batch) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        half = self.precision != torch.float32
        with torch.autocast(self.device.type, self.precision, enabled=half):
            losses = self.losses_of(batch)
        losses.loss.sum().backward()
        self.optimizer.step()
        return losses.loss.detach()

    def advance(self) -> Tensor:
        return self.step(next(self.batches))

    def compile(self) -> None:
        self.losses_of = torch.compile(self.losses_of)

    def capture(self) -> None:
        """Replay every step from now on from a CUDA graph."""
        held = Batch(*(x.clone() for x in next(self.batches)))
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(3):
                self.step(held)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators:
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph):
            losses = self.step(held)

        def replay() -> Tensor:
            for kept, value in zip(held, next(self.batches), strict=True):
                kept.copy_(value)
            graph.replay()
            return losses

        self.advance = replay  # type: ignore[method-assign]


def milliseconds(steps: Steps, seconds: float) -> float:
    """Of one step, repeated for as long as is given."""
    steps.advance()
    synchronize(steps.device)
    start, done, took = time.perf_counter(), 0, 0.0
    while not done or took < seconds:
        steps.advance()
        done += 1
        if done % 5 == 0:
            synchronize(steps.device)
        took = time.perf_counter() - start
    synchronize(steps.device)
    return 1000 * (time.perf_counter() - start) / done


@contextlib.contextmanager
def no_waiting(device: torch.device) -> Iterator[None]:
    """Where the processor waits for the GPU inside, there is an error."""
    if device.type == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")


def losses(config: Config, clips: TrainingClips, precision: torch.dtype) -> Tensor:
    """Of the first steps, without the noise of dropout."""
    steps = Steps([config], clips, precision)
    return torch.stack([steps.advance() for _ in range(COMPARED)]).cpu()


def table(preset: str, device: torch.device, more: dict[str, Any], seconds: float) -> pd.DataFrame:
    """A row for each kind of step; see above."""
    corpus = load("twin")
    split = validation_split(corpus).train
    clips = TrainingClips.place(split, device)
    still = configure(preset, corpus, {**more, "dropout": 0.0})
    reference = losses(still, TrainingClips.place(split, torch.device("cpu")), torch.float32)
    one = Learner(still, plain=True).to(device).train()
    floor = Floor(one, next(clips.batches(still.training, 0)))
    on_gpu, rows = device.type == "cuda", []
    for name, (matmul, precision) in PRECISIONS.items():
        if name == "TF32" and not on_gpu:
            continue
        torch.set_float32_matmul_precision(matmul)
        apart = float(((losses(still, clips, precision) - reference) / reference).abs().max())
        least = 1000 * floor.seconds(precision)
        for seeds in SEEDS if on_gpu else SEEDS[:2]:
            configs = [configure(preset, corpus, {**more, "seed": s}) for s in range(seeds)]
            eager = None
            for how in HOW if on_gpu else HOW[:1]:
                if how == "compiled" and seeds > 1:
                    continue
                if on_gpu:
                    torch.cuda.reset_peak_memory_stats()
                steps = Steps(configs, clips, precision)
                steps.advance()
                if how == "eager":
                    batch = next(steps.batches)
                    with no_waiting(device):
                        steps.step(batch)
                elif how == "graph":
                    steps.capture()
                else:
                    steps.compile()
                took = milliseconds(steps, seconds)
                eager = eager or took
                row = {"preset": preset, "precision": name, "seeds": seeds, "step": how}
                row |= {"ms": took, "run·steps a second": 1000 * seeds / took}
                row |= {"times eager": eager / took, "share of floor": seeds * least / took}
                row["MB"] = torch.cuda.max_memory_allocated() / 1e6 if on_gpu else float("nan")
                rows.append({**row, "from the CPU": apart})
    torch.set_float32_matmul_precision("highest")
    return pd.DataFrame(rows)


def to_accuracy(preset: str, device: torch.device, more: dict[str, Any]) -> str:
    """Seconds of training, and the mean of P3–P6 on the twin's held-out videos."""
    corpus = load("twin")
    split, config = validation_split(corpus), configure(preset, corpus, more)
    start = time.perf_counter()
    run = train(config, split.train, device=str(device), progress=False)
    took = time.perf_counter() - start
    scores = evaluate([mraf_system(run)], split, progress=False).scores.loc["MRAF"]
    return f"{preset}: {took:.1f} s to {100 * scores.loc['mean', 'accuracy']:.2f} on the twin"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=["quick", "paper"])
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("not measured: no GPU at hand")
        return
    on_gpu = device.type == "cuda"
    more, seconds = ({}, SECONDS) if on_gpu else (SMALL, 0.0)
    print(torch.cuda.get_device_name(device) if on_gpu else "cpu, a small network, to try the code")
    for preset in options.presets:
        found = table(preset, device, more, seconds)
        print(found.to_string(index=False, float_format="{:.3g}".format), flush=True)
    for preset in dict.fromkeys([*options.presets]):
        print(to_accuracy(preset, device, more), flush=True)


if __name__ == "__main__":
    main()
