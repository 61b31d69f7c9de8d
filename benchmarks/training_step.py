"""The training step against a straightforward one, interleaved in one process.

    python -m benchmarks.training_step

The straightforward step reads clips one by one through a loader and makes three full forward
passes, each of which encodes every face and every voice: complete with gradient, audio-only with
gradient, complete again for the statistics. Both use the paper preset's network and Adam, and the
straightforward one float32, as commonly written.
The floor of a step is the time of its multiplications at the rate at which this machine multiplies
the largest matrices among them, plus the time of Adam's 28 bytes a parameter at the rate at which
this machine copies memory. Both rates are measured in every round, between the steps.
Prints medians of 5 rounds; a round is 10 steps of each kind on the twin.
"""

import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from mraf.data import load, validation_split
from mraf.losses import CenterLoss, distillation_loss
from mraf.model import Clips
from mraf.training.batches import TrainingClips
from mraf.training.config import configure
from mraf.training.device import fast_bfloat16, resolve_device
from mraf.training.loop import Learner, make_optimizer
from mraf.variants.build import network

ROUNDS, STEPS = 5, 10


class ClipDataset(Dataset):
    """One clip at a time, as tensors."""

    def __init__(self, clips):
        self.clips = clips

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, row):
        face, voice = (torch.from_numpy(x[row].copy()) for x in (self.clips.face, self.clips.voice))
        return face, voice, torch.tensor(self.clips.labels[row])


def full_pass(model, face, voice):
    """Eq. 2–14 for every clip, the token written in where a face is missing (Eq. 9)."""
    missing = ~face.any(dim=-1, keepdim=True)
    x_f, x_a = model.inputs(face, voice)
    x_f = torch.where(missing, model.missing_face(x_a), x_f)
    clips = Clips(face, voice, missing)
    return model.fuse(model.face_encoder(x_f), model.voice_encoder(x_a), clips)


def straightforward(model, center, optimizer, config, clips, device):
    """A generator that makes one step each time it is advanced."""
    while True:
        for batch in DataLoader(ClipDataset(clips), config.batch_size, shuffle=True):
            face, voice, speaker = (x.to(device) for x in batch)
            optimizer.zero_grad()
            complete = full_pass(model, face, voice)
            audio_only = full_pass(model, torch.zeros_like(face), voice)
            loss = sum(F.cross_entropy(z, speaker) for z in complete.logits)
            loss = loss + config.kd_weight * distillation_loss(
                complete.logits.fused.detach(), audio_only.logits.fused, config.kd_temperature
            )
            loss = loss + config.center_weight * center(complete.fused_embedding, speaker)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                named = full_pass(model, face, voice).logits.fused.argmax(1)
            yield loss.item(), (named == speaker).float().mean().item()


def ours(learner, optimizer, config, clips, device, precision):
    """The package's step: the same loop as ``mraf.training.loop``."""
    placed = TrainingClips.place(clips, device)
    epoch = 0
    while True:
        for batch in placed.batches(config, epoch):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                losses = learner(batch)
            losses.loss.backward()
            optimizer.step()
            yield losses
        epoch += 1


class Floor:
    """What a step of ours has to do, and how long this machine takes for that alone."""

    def __init__(self, learner, batch):
        with FlopCounterMode(display=False) as counter:
            learner(batch).loss.backward()
        self.operations = counter.get_total_flops()
        self.bytes = 28 * sum(p.numel() for p in learner.parameters())  # p, m, v, g in; p, m, v out
        sizes = learner.model.config
        self.rows, self.width = len(batch.speaker) * sizes.tokens, sizes.width
        self.device = batch.voice.device
        self.source, self.target = torch.empty(2, 2**24, device=self.device).normal_()

    def seconds(self, precision):
        """Measured anew at each call."""
        x = torch.ones(self.rows, self.width, device=self.device, dtype=precision)
        w = torch.ones(self.width, 4 * self.width, device=self.device, dtype=precision)
        multiply = self.operations / (2 * x.numel() * w.shape[1]) * self.timed(lambda: x @ w, 50)
        copied = 2 * self.source.nbytes
        return multiply + self.bytes / copied * self.timed(
            lambda: self.target.copy_(self.source), 3
        )

    def timed(self, work, repeats):
        """Seconds of one piece of work."""
        work()
        synchronize(self.device)
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        synchronize(self.device)
        return (time.perf_counter() - start) / repeats


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def make_steps(config, clips, device):
    """By name, generators of steps of the same network."""
    training = config.training
    torch.manual_seed(0)
    parts = nn.ModuleList(
        [network(config.model), CenterLoss(config.model.speakers, config.model.width)]
    )
    parts.to(device).train()
    plain_adam = torch.optim.Adam(parts.parameters(), lr=training.learning_rate)
    steps = {"straightforward": straightforward(*parts, plain_adam, training, clips, device)}
    for name in ("float32", "bfloat16"):
        if name == "bfloat16" and not fast_bfloat16(device):
            print("bfloat16: slower than float32 on this processor, left out")
            continue
        torch.manual_seed(0)
        learner = Learner(config).to(device).train()
        adam, precision = make_optimizer(learner, training), getattr(torch, name)
        steps[name] = ours(learner, adam, training, clips, device, precision)
    return steps


def main():
    device = resolve_device("auto")
    corpus = load("twin")
    clips = validation_split(corpus).train
    config = configure("paper", corpus)
    steps = make_steps(config, clips, device)
    batch = next(TrainingClips.place(clips, device).batches(config.training, 0))
    floor = Floor(Learner(config).to(device).train(), batch)
    seconds = {name: [] for name in steps}
    floors = {name: [] for name in steps}
    for round_ in range(ROUNDS + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(STEPS):
                next(step)
            synchronize(device)
            took = (time.perf_counter() - start) / STEPS
            precision = torch.bfloat16 if name == "bfloat16" else torch.float32
            least = floor.seconds(precision)
            if round_:  # the first round warms up
                seconds[name].append(took)
                floors[name].append(least)
    print(
        f"{device}, {torch.get_num_threads()} threads, batch {len(batch.speaker)}: "
        f"{floor.operations / 1e9:.1f} GFLOP and {floor.bytes / 1e6:.0f} MB of Adam a step"
    )
    for name, values in seconds.items():
        rival = zip(seconds["straightforward"], values, strict=True)
        ratio = statistics.median(reference / value for reference, value in rival)
        share = statistics.median(
            least / value for least, value in zip(floors[name], values, strict=True)
        )
        median, least = (1000 * statistics.median(x) for x in (values, floors[name]))
        print(
            f"{name:16s} {median:7.1f} ms a step, {ratio:4.2f} times as fast; "
            f"the floor, {least:.1f} ms, is {share:.0%} of it"
        )


if __name__ == "__main__":
    main()
