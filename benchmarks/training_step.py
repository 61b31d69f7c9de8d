"""The training step against a straightforward one, interleaved in one process.

    python benchmarks/training_step.py

The straightforward step reads clips one by one through a loader and makes three full forward
passes, each of which encodes every face and every voice: complete with gradient, audio-only with
gradient, complete again for the statistics. Both use the paper preset's network and Adam, and the
straightforward one float32, as commonly written.
Prints medians of 5 rounds; a round is 10 steps of each kind on the twin.
"""

import statistics
import time

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from mraf.data import load, validation_split
from mraf.losses import distillation_loss
from mraf.model import Clips
from mraf.training.batches import TrainingClips
from mraf.training.config import configure
from mraf.training.device import fast_bfloat16, resolve_device
from mraf.training.loop import Learner, make_optimizer

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


def straightforward(learner, optimizer, config, clips, device):
    """A generator that makes one step each time it is advanced."""
    model = learner.model
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
            loss = loss + config.center_weight * learner.objective.center(
                complete.fused_embedding, speaker
            )
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


def main():
    device = resolve_device("auto")
    corpus = load("twin")
    clips = validation_split(corpus).train
    config = configure("paper", corpus)
    steps = {}
    for name in ("straightforward", "float32", "bfloat16"):
        if name == "bfloat16" and not fast_bfloat16(device):
            print("bfloat16: not in this processor's hardware, left out")
            continue
        torch.manual_seed(0)
        learner = Learner(config).to(device).train()
        if name == "straightforward":
            optimizer = torch.optim.Adam(learner.parameters(), lr=config.training.learning_rate)
            steps[name] = straightforward(learner, optimizer, config.training, clips, device)
        else:
            optimizer = make_optimizer(learner, config.training)
            precision = getattr(torch, name)
            steps[name] = ours(learner, optimizer, config.training, clips, device, precision)
    seconds = {name: [] for name in steps}
    for round_ in range(ROUNDS + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(STEPS):
                next(step)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if round_:  # the first round warms up
                seconds[name].append((time.perf_counter() - start) / STEPS)
    reference = seconds["straightforward"]
    print(f"{device}, {torch.get_num_threads()} threads, batch {config.training.batch_size}")
    for name, values in seconds.items():
        ratio = statistics.median(r / v for r, v in zip(reference, values, strict=True))
        median = 1000 * statistics.median(values)
        print(f"{name:16s} {median:7.1f} ms a step, {ratio:4.2f} times as fast")


if __name__ == "__main__":
    main()
