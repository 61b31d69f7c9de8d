"""What turns files into embeddings. An encoder is a class with one method, and found by its name.

ECAPA-TDNN and FaceNet are those of the paper; their packages are the extra `embed`.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
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
    "ecapa": "a folder with the files of speechbrain/spkrec-ecapa-voxceleb (hyperparams.yaml, "
    "embedding_model.ckpt, mean_var_norm_emb.ckpt, classifier.ckpt, label_encoder.txt)",
    "facenet": "the file 20180402-114759-vggface2.pt of facenet-pytorch, release v2.2.9",
}
"""Which weights an encoder takes where it cannot fetch them."""


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
            remedy = "install it with `pip install -e '.[embed]'`"
            reason = f"needs {error.name}, which is missing; {remedy}"
            raise RunError(f"the encoder '{name}' {reason}.") from None
        known = f"{', '.join(ENCODERS)}, or module:Class of your own"
        raise RunError(f"there is no encoder '{name}'; there are: {known}.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise RunError(f"the encoder '{name}' cannot be loaded ({error}).") from None
    except MissingWeights as error:
        where = f"--voice or --face {name}=PATH, where PATH is {FILES[name]}"
        raise RunError(f"no weights for the encoder '{name}' ({error}); give {where}.") from None
    return found


class MissingWeights(Exception):
    """The weights can neither be fetched nor read."""


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
        if not np.isfinite(wave).all() or not np.ptp(wave):
            raise ValueError("it is empty, silent or not finite")
    except ImportError:
        remedy = "pip install soundfile, or give .wav files"
        raise DataError(f"{path}: needs soundfile, which is missing; {remedy}.") from None
    except Exception as error:  # damaged files raise nearly anything
        raise DataError(f"{path}: cannot be read as sound ({error}); mend or remove it.") from None
    return np.asarray(signal.resample_poly(wave, RATE, rate) if rate != RATE else wave, np.float32)


class Ecapa:
    """ECAPA-TDNN of SpeechBrain, trained on VoxCeleb: voices of 192 numbers."""

    def __init__(self, weights: Path | None) -> None:
        from speechbrain.inference.speaker import EncoderClassifier

        source = str(weights or "speechbrain/spkrec-ecapa-voxceleb")
        chosen = {"pretrained_path": source} if weights else {}
        try:
            self.model = EncoderClassifier.from_hparams(source=source, overrides=chosen)
        except Exception as error:
            raise MissingWeights(str(error).partition("\n")[0]) from None

    def embed(self, paths: Sequence[Path]) -> NDArray[Any]:
        waves = (torch.from_numpy(read_sound(path))[None] for path in paths)
        return np.stack([self.model.encode_batch(wave).reshape(-1).numpy() for wave in waves])


class FaceNet:
    """FaceNet on the face that MTCNN finds, trained on VGGFace2: faces of 512 numbers."""

    def __init__(self, weights: Path | None) -> None:
        from facenet_pytorch import MTCNN, InceptionResnetV1

        self.detector = MTCNN(image_size=160)
        try:
            self.model = InceptionResnetV1(pretrained=None if weights else "vggface2")
            if weights:
                stored = torch.load(weights, map_location="cpu", weights_only=True)
                stored = {name: x for name, x in stored.items() if not name.startswith("logits")}
                self.model.load_state_dict(stored)
        except Exception as error:
            raise MissingWeights(str(error).partition("\n")[0]) from None
        self.model.eval()

    @torch.inference_mode()
    def embed(self, paths: Sequence[Path]) -> NDArray[Any]:
        from PIL import Image

        faces = []
        for path in paths:
            with Image.open(path) as picture:
                face = self.detector(picture.convert("RGB"))
            if face is None:
                raise DataError(f"{path}: no face is found; remove it, or give another picture.")
            faces.append(face)
        found: NDArray[Any] = self.model(torch.stack(faces)).numpy()
        return found
