"""Stacked runs against the same runs alone: one after the other, and in processes side by side.

    python -m benchmarks.stacked [--preset quick] [--precision auto] [--runs 1 4 16]

The rivals take turns in rounds of equally many steps; a step is one batch of one run on the twin.
"one by one" trains a run with all threads, "processes" one run a core with one thread each (on a
CPU only), "stacked" S runs with all threads. Prints run·steps a second and their time of CPU, which
says more on a busy machine, medians of the rounds; and the ratios of "stacked" to both rivals
within a round, in run·steps a second and per second of CPU. With OMP_WAIT_POLICY=PASSIVE threads
that wait take no time of CPU; on a busy machine set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection

import torch

from mraf.data import load, validation_split
from mraf.losses import Batch
from mraf.training.batches import TrainingClips
from mraf.training.config import Config, configure
from mraf.training.device import resolve_device, resolve_precision
from mraf.training.loop import Learner, make_optimizer
from mraf.training.stacked import Stack

STEPS = 16


def steps(configs: list[Config], stacked: bool) -> Iterator[None]:
    """A generator that makes a step of every run each time it is advanced; one run may be alone."""
    device = resolve_device("auto")
    clips = TrainingClips.place(validation_split(load("twin")).train, device)
    settings = configs[0].training
    precision = resolve_precision(settings.precision, device)
    learners = []
    for config in configs:
        torch.manual_seed(config.training.seed)
        learners.append(Learner(config, plain=stacked).to(device).train())
    stack = Stack(learners, device)
    optimizer = make_optimizer(stack.learner if stacked else learners[0], settings)
    epoch = 0
    while True:
        for of_runs in zip(*(clips.batches(of.training, epoch) for of in configs), strict=True):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                if stacked:
                    losses = stack(Batch(*map(torch.stack, zip(*of_runs, strict=True))))
                else:
                    losses = learners[0](of_runs[0])
            losses.loss.sum().backward()
            optimizer.step()
            yield
        epoch += 1


def advance(step: Iterator[None], times: int) -> float:
    """Make steps; returns the seconds of CPU that they took."""
    start = time.process_time()
    for _ in range(times):
        next(step)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.process_time() - start


def serve(asked: Connection, config: Config) -> None:
    """A process that makes as many steps as it is asked for, until it is asked for none."""
    torch.set_num_threads(1)
    step = steps([config], stacked=False)
    while times := asked.recv():
        asked.send(advance(step, times))


@contextmanager
def processes(configs: list[Config]) -> Iterator[Callable[[int], float]]:
    """A function that makes steps in each of the processes, side by side."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in configs]
    started = [
        spawn.Process(target=serve, args=(theirs, config), daemon=True)
        for (_, theirs), config in zip(pipes, configs, strict=True)
    ]
    for process in started:
        process.start()

    def side_by_side(times: int) -> float:
        for mine, _ in pipes:
            mine.send(times)
        return sum(mine.recv() for mine, _ in pipes)

    yield side_by_side
    for (mine, _), process in zip(pipes, started, strict=True):
        mine.send(0)
        process.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--runs", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    speakers, device = load("twin").speakers, resolve_device("auto")
    threads = torch.get_num_threads()

    def configs(runs: int) -> list[Config]:
        settings = {"precision": options.precision}
        return [configure(options.preset, speakers, settings | {"seed": s}) for s in range(runs)]

    with ExitStack() as open_:
        alone = steps(configs(1), stacked=False)
        rivals: dict[str, tuple[Callable[[int], float], int]] = {
            "one by one": (partial(advance, alone), 1)
        }
        if device.type == "cpu":
            side_by_side = open_.enter_context(processes(configs(threads)))
            rivals["processes"] = (side_by_side, threads)
        for runs in options.runs:
            step = steps(configs(runs), stacked=True)
            rivals[f"stacked {runs}"] = (partial(advance, step), runs)
        rates: dict[str, list[float]] = {name: [] for name in rivals}
        cpu: dict[str, list[float]] = {name: [] for name in rivals}
        for round_ in range(options.rounds + 1):
            for name, (make, runs) in rivals.items():
                times = max(1, STEPS // runs)
                start = time.perf_counter()
                busy = make(times)
                if round_:  # the first round warms up
                    cpu[name].append(1000 * busy / (times * runs))
                    rates[name].append(times * runs / (time.perf_counter() - start))
    print(f"{device}, {threads} threads, preset {options.preset}, precision {options.precision}")
    others = [name for name in rivals if not name.startswith("stacked")]
    for name, values in rates.items():
        rate, busy = statistics.median(values), statistics.median(cpu[name])
        line = f"{name:12s} {rate:8.1f} run·steps a second, {busy:6.1f} ms of CPU each"
        for other in others if name not in others else ():
            ratio = statistics.median(a / b for a, b in zip(values, rates[other], strict=True))
            time_ = statistics.median(a / b for a, b in zip(cpu[other], cpu[name], strict=True))
            line += f"; {ratio:4.2f} times {other}, {time_:4.2f} by time of CPU"
        print(line)


if __name__ == "__main__":
    main()
