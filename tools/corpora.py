"""Names the data of the recorded results: `data/recorded/corpora.csv`, a row for each corpus.

    python -m tools.corpora            # the corpus that MRAF_DATA names, else the twin

Official features have a hash of every bit. The twin is computed anew on each machine, whose last
bits differ, so it has sums. Rows of a corpus that is no longer the named one are stale.
"""

import sys
from typing import Any

import numpy as np
import pandas as pd

from mraf import data
from mraf.data.clips import Corpus
from mraf.evidence.recorded import FOLDER, recorded
from mraf.files import write_text

FILE = FOLDER / "corpora.csv"


def named(corpus: Corpus) -> dict[str, Any]:
    """The count, sums, and the hash of features, labels and videos, of both languages' clips."""
    parts = (corpus.train, corpus.cross)
    features = "" if corpus.name == "twin" else " ".join(part.fingerprint for part in parts)
    by_label = {
        f"{name}s by label and number": sum(
            float(
                part.labels
                @ getattr(part, name).astype(float)
                @ np.arange(getattr(part, name).shape[1])
            )
            for part in parts
        )
        for name in ("face", "voice")
    }
    return {"clips": sum(map(len, parts)), **by_label, "features": features}


def main() -> None:
    corpus, known = data.load(), recorded("corpora")
    row = pd.DataFrame([{"corpus": corpus.name, **named(corpus)}])
    kept = known[known.corpus != corpus.name] if known is not None else None
    table = pd.concat([kept, row]).sort_values("corpus")
    write_text(FILE, table.to_csv(index=False, float_format="%.7g"))
    print(
        f"{FILE}: {corpus.name}. Record all its files anew if the row has changed.", file=sys.stderr
    )


if __name__ == "__main__":
    main()
