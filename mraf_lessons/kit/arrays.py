"""What a network returns, as NumPy arrays and as a table of its symbols."""

from operator import attrgetter
from typing import Any

import pandas as pd
from torch import Tensor

from mraf.model import Output

COLUMNS = ["what it is", "field of Output", "equation", "shape"]
SYMBOLS = {
    "x_f": ("the face, as the encoder reads it", "face.input", "9", "(B, 512)"),
    "x_a": ("the voice, as the encoder reads it", "voice.input", "", "(B, 192)"),
    "T_f": ("tokens; T_a in voice", "face.tokens", "2", "(B, K, d)"),
    "H_f": ("encoded tokens; H_a in voice", "face.encoded", "3–7", "(B, K, d)"),
    "e_f": ("embedding of length 1; e_a in voice", "face.embedding", "8", "(B, d)"),
    "r_f": ("reliability; r_a in voice", "reliability.face", "10", "(B, 1)"),
    "w_f": ("weight; w_a in voice", "weight.face", "11", "(B, 1)"),
    "Ĥ_f": ("weighted tokens; Ĥ_a in voice", "weighted.face", "12", "(B, K, d)"),
    "A_f": ("attention maps; A_a in voice", "attention.face", "13", "(B, H, K, K)"),
    "C̃_f": ("tokens after the answers; C̃_a in voice", "context.face", "13", "(B, K, d)"),
    "e_c": ("fused embedding", "fused_embedding", "14", "(B, d)"),
    "z_f": ("logits of the face head; z_a in voice", "logits.face", "", "(B, C)"),
    "z_c": ("logits of the fused head", "logits.fused", "1", "(B, C)"),
}


def first_clip(output: Any) -> Any:
    """The first clip of an `Output`: the same fields, each an array or a number without its B."""
    if isinstance(output, Tensor):
        array = output[0].detach().float().cpu().numpy()
        return float(array[0]) if array.shape == (1,) else array
    return type(output)(*map(first_clip, output)) if isinstance(output, tuple) else output


def symbols(output: Output) -> pd.DataFrame:
    """A row for each symbol; its shape in letters, and `here`, in an output with attention maps."""
    rows = pd.DataFrame.from_dict(SYMBOLS, orient="index", columns=COLUMNS)
    found = [attrgetter(field)(output) for field in rows["field of Output"]]
    return rows.assign(here=[str(tuple(tensor.shape)) for tensor in found])
