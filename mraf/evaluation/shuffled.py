"""An order of videos that no reader of a record can compute again."""

import secrets
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from mraf.evaluation.intervals import SETTING
from mraf.files import locked, user_cache, write_atomically

KEY = "order-of-videos.key"
ORDER = "order"  # the column
INVENTED = "twin"  # whose videos are nobody's


def shuffled(rows: pd.DataFrame, columns: list[str], key: bytes | None = None) -> pd.DataFrame:
    """The rows with the videos of people in a shuffled order, the same for equal sets of videos.

    The names of videos are public, so an order made of names alone could be computed again. So it
    follows from a key, by default this machine's own. The column ``order`` names that key.

    ``columns`` hold counts of videos as text, in one order for all rows of a language. Raises
    RunError: the key cannot be read or made.
    """
    found = rows.assign(**{ORDER: ""})
    for index, row in rows.iterrows():
        for name in columns:
            counts = str(row[name]).split() if isinstance(row[name], str) else []
            if counts and row["corpus"] != INVENTED:
                key = key or machine_key()
                place = f"{row['corpus']}/{SETTING[row['setting']].language}/{len(counts)}"
                seed = sha256(key + place.encode()).digest()
                order = np.random.default_rng(list(seed)).permutation(len(counts))
                found.at[index, name] = " ".join(counts[i] for i in order)
                found.at[index, ORDER] = f"key {sha256(b'name of ' + key).hexdigest()[:8]}"
    return found


def machine_key() -> bytes:
    """What decides the order on this machine; made at its first use, never published."""
    file: Path = user_cache() / KEY
    with locked(file):
        if not file.is_file():
            write_atomically(file, lambda new: new.write_bytes(secrets.token_bytes(32)))
            file.chmod(0o600)
        return file.read_bytes()
