"""How often a short clip of a stranger is mistaken, with and without each part of the front end.

Everything is trained and tested on the waveform twin. Nobody who is tested was trained on. A trial
compares the start of a clip with a whole clip of another session.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from mraf.data.clips import Corpus
from mraf.errors import DataError, RunError
from mraf.training.fit import fit, seeded
from mraf.variants.config import ModelConfig
from mraf.variants.margins import HEADS
from mraf_related import study
from mraf_related.embedding.encoders import read_sound
from mraf_related.short_segment.encoder import SHIFTS, FrontEnd, VoiceEncoder
from mraf_related.study import Found, Measured, people_drawn, table_of
from mraf_related.trials import Pairs, measured_eer
from mraf_related.waveform import RATE, Recordings, recordings

SEEDS = 5
TRAINED, TESTED = range(60), range(60, 100)  # numbers of speakers
LANGUAGES = {"English": "heard", "Urdu": "unheard"}
LENGTHS = (0.25, 0.5, 1.0, 2.0, 5.0)  # seconds of the tested clip
WHOLE = 5.0  # seconds of a clip of the tested
STEPS, BATCH, CROPS = 150, 32, (0.25, 1.0)  # crops in seconds
RESAMPLES = 1000
MEAN_KEPT, BOTH = "filterbank", "filterbank + encoder"
ARMS: Mapping[str, FrontEnd] = {
    MEAN_KEPT: FrontEnd(shifts=()),
    "filterbank, mean removed": FrontEnd(shifts=(), remove_mean=True),
    "encoder": FrontEnd(filterbank=False),
    BOTH: FrontEnd(),
    "filterbank + encoder, mean removed": FrontEnd(remove_mean=True),
    **{
        f"{BOTH} without shift {k}": FrontEnd(shifts=tuple(s for s in SHIFTS if s != k))
        for k in SHIFTS
    },
}
PAIRS = (
    (BOTH, MEAN_KEPT),
    ("filterbank + encoder, mean removed", "filterbank, mean removed"),
    (MEAN_KEPT, "filterbank, mean removed"),
    ("encoder", MEAN_KEPT),
    *((BOTH, f"{BOTH} without shift {k}") for k in SHIFTS),
)
"""What is compared: the error of the first minus that of the second."""


def fit_encoder(
    clips: Recordings, front: FrontEnd, seed: int = 0, steps: int = STEPS, progress: bool = True
) -> VoiceEncoder:
    """Train on random crops with the additive angular margin, which grows to 0.2 by half-time.

    The same seed gives the same encoder; the global random state is left as it was.

    Raises DataError: clips that are shorter than the longest crop.
    """
    wave, samples = torch.from_numpy(clips.wave), clips.wave.shape[1]
    if samples < CROPS[1] * RATE:
        raise DataError(f"clips of {samples / RATE} s: training needs {CROPS[1]} s or more.")
    names, label = np.unique(clips.speaker, return_inverse=True)
    rng, each = np.random.default_rng(seed), 10
    of_row = torch.from_numpy(label)

    def batches(epoch: int) -> Iterator[tuple[Tensor, ...]]:
        head.margin = 0.2 * min(1.0, 2 * (epoch - 1) * each / steps)
        for _ in range(each):
            length = int(rng.uniform(*CROPS) * RATE)
            row = rng.integers(len(wave), size=BATCH)
            start = rng.integers(samples - length + 1, size=BATCH)
            crop = [wave[r, at : at + length] for r, at in zip(row, start, strict=True)]
            yield torch.stack(crop), of_row[row]

    def loss(crop: Tensor, speaker: Tensor) -> Tensor:
        return F.cross_entropy(head.with_margin(head(encoder(crop)), speaker), speaker)

    with seeded(seed, wave.device):
        encoder = VoiceEncoder(front)
        head = HEADS["aam"](ModelConfig(len(names), width=192, head="aam", scale=30.0))
        optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=2e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
        epochs = steps // each
        fit("encoder", optimizer, batches, loss, epochs, schedule=schedule, progress=progress)
    return encoder.eval()


@torch.inference_mode()
def embed(encoder: VoiceEncoder, wave: NDArray[Any], seconds: float | None = None) -> Tensor:
    """Unit embeddings (N, 192) of clips, or of their first seconds. Raises DataError: too few."""
    if seconds and seconds * RATE > wave.shape[1]:
        raise DataError(f"clips of {wave.shape[1] / RATE} s have no {seconds} s to be cut.")
    part = torch.from_numpy(wave[:, : int(seconds * RATE) if seconds else None])
    return F.normalize(torch.cat([encoder(some) for some in part.split(64)]))


def errors(
    encoder: VoiceEncoder, clips: Recordings, drawn: NDArray[Any], lengths: Any = LENGTHS
) -> dict[float, Measured]:
    """EER by length; a clip is never compared with its own session.

    Args:
        drawn: how often each speaker is drawn, in the order of their numbers, shape (R, C).
    """
    speaker = np.unique(clips.speaker, return_inverse=True)[1]
    one, other = np.nonzero(clips.session[:, None] != clips.session[None])
    trials = Pairs(one, other, speaker[one], speaker[other])
    whole, found = embed(encoder, clips.wave), {}
    for length in lengths:
        score = (embed(encoder, clips.wave, length) @ whole.T).double().numpy()[one, other]
        found[length] = measured_eer(score, trials, drawn, points=400)
    return found


def table(corpus: Corpus) -> pd.DataFrame:
    """EER of every front end by length and language, their means over seeds, and differences.

    Raises DataError for another corpus than the twin; only the waveform twin has sound.
    """
    if corpus.name != "twin":
        raise DataError(f"{corpus.name} has no sound, only features; use --data twin.")
    train = recordings(TRAINED, 4, 2, "English", 2.0)
    tested = {name: recordings(TESTED, 3, 1, name, WHOLE) for name in LANGUAGES}
    drawn, found = people_drawn(len(TESTED), RESAMPLES), Found()
    tasks = [(*arm, seed) for seed in range(SEEDS) for arm in ARMS.items()]
    for name, front, seed in tqdm(tasks, "encoders", leave=False):
        encoder = fit_encoder(train, front, seed, STEPS, progress=False)
        for language, condition in LANGUAGES.items():
            for length, one in errors(encoder, tested[language], drawn, LENGTHS).items():
                found.setdefault((name, language, condition, length, "EER"), []).append(one)
    key = ["system", "language", "condition", "length", "metric"]
    return table_of(found, PAIRS, key, len(TESTED))


def summary(table: pd.DataFrame) -> str:
    """EER in percent by length, and the verdicts of the differences between front ends."""
    compared = study.differences(table, ["condition", "length", "metric"])
    return study.summary(table, ["system", "condition"], ["length"], compared)


class SmallEcapa:
    """The encoder of this study for `mraf embed`: trained on made-up speech, to try things out.

    It is trained when it is made, always to the same weights. It knows no real voice.
    """

    def __init__(self, weights: Path | None) -> None:
        if weights:
            raise RunError("small-ecapa takes no weights; it is trained on the waveform twin.")
        clips = recordings(TRAINED, 3, 2, "English", 2.0)
        self.model = fit_encoder(clips, FrontEnd(shifts=()), 0, STEPS)

    def embed(self, paths: Sequence[Path]) -> NDArray[Any]:
        """Unit embeddings of sound files, shape (N, 192); as loud as what it was trained on."""
        waves = (wave / wave.std() for wave in map(read_sound, paths))
        return np.concatenate([embed(self.model, wave[None]).numpy() for wave in waves])
