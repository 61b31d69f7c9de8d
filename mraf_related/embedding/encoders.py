"""What turns files into embeddings. An encoder is a class with one method, and found by its name.

ECAPA-TDNN and FaceNet are those of the paper; their packages are the extra `embed`.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mraf.errors import DataError, RunError

RATE = 16_000
ENCODERS = {
    "ecapa": "mraf_related.embedding.encoders:Ecapa",
    "facenet": "mraf_related.embedding.encoders:FaceNet",
    "small-ecapa": "mraf_related.short_segment.study:SmallEcapa",
}
"""By name, the module and the class."""
FILES = {
    "ecapa": "the file embedding_model.ckpt of speechbrain/spkrec-ecapa-voxceleb",
    "facenet": "the file 20180402-114759-vggface2.pt of facenet-pytorch, release v2.2.9",
}
"""Which weights an encoder takes where it cannot fetch them."""
INSTALL = "`uv pip install --torch-backend=auto -e '.[embed]'`"
"""Leaves PyTorch alone, and takes the builds that fit it."""


class Encoder(Protocol):
    """Embeds files. Raises DataError, OSError or ValueError for a file that it cannot embed."""

    def embed(self, paths: Sequence[Path]) -> NDArray[Any]:
        """Embeddings of files, shape (N, D)."""


def encoder(name: str) -> Encoder:
    """The encoder of a name of ENCODERS or of "module:Class", or "NAME=WEIGHTS" with a path.

    The class is called with the path of the weights, or with None.

    Raises:
        RunError: no such encoder, or its package or its weights are missing.
    """
    name, _, weights = name.partition("=")
    module, _, kind = ENCODERS.get(name, name).partition(":")
    try:
        found: Encoder = getattr(import_module(module), kind)(Path(weights) if weights else None)
        if not hasattr(found, "embed"):
            raise ValueError("it has no method embed")
    except ModuleNotFoundError as error:
        if kind and error.name and not module.startswith(error.name):
            reason = f"needs {error.name}, which is missing; install it with {INSTALL}"
            raise RunError(f"the encoder '{name}' {reason}.") from None
        known = f"{', '.join(ENCODERS)}, or module:Class of your own"
        raise RunError(f"there is no encoder '{name}'; there are: {known}.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise RunError(f"the encoder '{name}' cannot be loaded ({error}).") from None
    except (ImportError, OSError, RuntimeError) as error:  # built for another PyTorch
        reason = f"do not load beside PyTorch {torch.__version__} ({_line(error)})"
        remedy = f"install those that fit it with {INSTALL}"
        raise RunError(f"the packages of the encoder '{name}' {reason}; {remedy}.") from None
    except MissingWeights as error:
        reason = f"no usable weights for the encoder '{name}' ({error})"
        where = f"--voice or --face {name}=PATH, where PATH is {FILES[name]}"
        raise RunError(f"{reason}; give {where}.") from None
    return found


def _line(error: BaseException) -> str:
    return shorten(f"{type(error).__name__}: {error}", 200, placeholder=" …")


class MissingWeights(Exception):
    """The weights can neither be fetched nor read, or are those of another network."""


def _load(model: torch.nn.Module, path: str | Path) -> None:
    """Give a network its weights, all of them, and nothing but weights."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict({k: x for k, x in stored.items() if not k.startswith("logits.")})
    model.eval()


def read_sound(path: Path) -> NDArray[np.float32]:
    """A sound file as mono at 16 kHz, shape (n,), between -1 and 1.

    Raises:
        DataError: damaged, empty, silent or of an unknown kind.
    """
    from scipy import signal
    from scipy.io import wavfile

    try:
        if path.suffix.lower() == ".wav":
            rate, samples = wavfile.read(path)
        else:
            import soundfile

            samples, rate = soundfile.read(path)
        scale = np.iinfo(samples.dtype).max if samples.dtype.kind == "i" else 1
        if samples.dtype == np.uint8:
            samples, scale = samples.astype(float) - 128, 128
        wave = np.asarray(samples, float).reshape(len(samples), -1).mean(axis=1) / scale
        if len(wave) < rate / 10 or not np.isfinite(wave).all() or not np.ptp(wave):
            raise ValueError("it is shorter than 0.1 s, silent or not finite")
    except ImportError:
        remedy = "pip install soundfile, or give .wav files"
        raise DataError(f"{path}: needs soundfile, which is missing; {remedy}.") from None
    except Exception as error:  # damaged files raise nearly anything
        raise DataError(f"{path}: cannot be read as sound ({error}); mend or remove it.") from None
    return np.asarray(signal.resample_poly(wave, RATE, rate) if rate != RATE else wave, np.float32)


class Ecapa:
    """ECAPA-TDNN of SpeechBrain, trained on VoxCeleb: voices of 192 numbers."""

    def __init__(self, weights: Path | None) -> None:
        from speechbrain.lobes.features import Fbank
        from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
        from speechbrain.utils.fetching import fetch

        self.features = Fbank(n_mels=80)
        self.model = ECAPA_TDNN(80, channels=[1024] * 4 + [3072], lin_neurons=192)
        file = "embedding_model.ckpt"
        try:
            path = Path(weights or fetch(file, "speechbrain/spkrec-ecapa-voxceleb"))
            _load(self.model, path / file if path.is_dir() else path)
        except Exception as error:
            raise MissingWeights(_line(error)) from None

    @torch.inference_mode()
    def embed(self, paths: Sequence[Path]) -> NDArray[Any]:
        rows = []
        for path in paths:
            features = self.features(torch.from_numpy(read_sound(path))[None])  # (1, T, 80)
            rows.append(self.model(features - features.mean(1, keepdim=True)).reshape(-1))
        return torch.stack(rows).numpy()


class FaceNet:
    """FaceNet on the face that MTCNN finds, trained on VGGFace2: faces of 512 numbers."""

    def __init__(self, weights: Path | None) -> None:
        from facenet_pytorch import MTCNN, InceptionResnetV1

        self.detector = MTCNN(image_size=160)
        try:
            self.model = InceptionResnetV1(pretrained=None if weights else "vggface2").eval()
            if weights:
                _load(self.model, weights)
        except Exception as error:
            raise MissingWeights(_line(error)) from None

    @torch.inference_mode()
    def embed(self, paths: Sequence[Path]) -> NDArray[Any]:
        faces = torch.stack([self.face(path) for path in paths])
        return self.model(faces).numpy()

    def face(self, path: Path) -> torch.Tensor:
        """The largest face of a picture, shape (3, 160, 160)."""
        from PIL import Image, ImageOps

        try:
            with Image.open(path) as stored:  # a phone stores how it was held beside the picture
                picture = ImageOps.exif_transpose(stored).convert("RGB")
        except Exception as error:  # damaged files raise nearly anything
            reason = f"cannot be read as a picture ({error}); mend or remove it"
            raise DataError(f"{path}: {reason}.") from None
        found = self.detector(picture) if min(picture.size) >= self.detector.min_face_size else None
        if found is None:
            raise DataError(f"{path}: no face is found; remove it, or give another picture.")
        return found
