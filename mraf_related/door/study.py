"""MRAF at the door of strangers: `mraf related door`.

One network for each draw is trained on the targets alone. Enrolled are all clips that it was
trained on, each with its face and without. Rows are those of the open-set table, with ALL as shots.
"""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.data.draws import other_speakers
from mraf.evaluation.baselines import ClassMeans, means_of
from mraf.training.experiment import trained
from mraf.variants.build import Network
from mraf_related.open_set.adapters import Recipe, tune
from mraf_related.open_set.protocol import Draw, OpenSetClips, deal
from mraf_related.open_set.study import ALL, COLUMNS, DRAWS, FEW, KEY, Scores, add, summary
from mraf_related.study import Found, fused_output, table_of

__all__ = ["summary", "table"]

OWN, NONE, ANOTHERS = FACES = ("own face", "no face", "another's face")
RAW, SOFTMAX = "class means, face and voice", "MRAF, softmax"
DOOR_MEANS, TUNED = "MRAF, class means", "MRAF, SpeakerRPL v2"
DOOR_RECIPE = Recipe(steps=450)  # thousands of clips are enrolled here, not fifty
PAIRS = (
    *((f"{TUNED} · {faces}", f"{DOOR_MEANS} · {faces}") for faces in FACES),
    *((f"{DOOR_MEANS} · {faces}", f"{RAW} · {faces}") for faces in FACES),
    (f"{DOOR_MEANS} · {ANOTHERS}", f"{DOOR_MEANS} · {NONE}"),
)


def table(corpus: Corpus) -> pd.DataFrame:
    """Every system with every face on every draw. Raises as `deal`."""
    found: Found = {}
    for seed in tqdm(range(DRAWS), "door", delay=2):
        draw = deal(corpus, seed)
        model = trained("quick", draw.known, {"seed": seed, "split_seed": seed}).model
        add(found, draw, (draw.known.speakers, ALL), door_scores(draw, model))
    return table_of(found, PAIRS, KEY, corpus.speakers)[COLUMNS]


def shown(judged: OpenSetClips, faces: str, draw: Draw) -> FeatureSet:
    """The judged clips as they come to the door, with one of FACES."""
    if faces == OWN:
        return judged.clips
    if faces == NONE:
        return judged.clips.without_faces()
    rng = np.random.default_rng(draw.seed)
    other = other_speakers(judged.target, draw.enrolment.labels, rng)
    return replace(judged.clips, face=draw.enrolment.face[other])


def door_scores(draw: Draw, model: Network) -> dict[str, Scores]:
    """What each system makes of the judged clips with each face, by "SYSTEM · FACES".

    RAW takes no network. DOOR_MEANS are cosines of e_c to the enrolled means of the same kind, with
    or without a face. TUNED is a SpeakerRPL v2 adapter on e_c, tuned on both kinds.
    """
    enrolled = draw.enrolment
    raw = ClassMeans(enrolled, "sum")
    kinds = [fused_output(model, clips)[0] for clips in (enrolled, enrolled.without_faces())]
    with_face, without = (means_of(rows, enrolled) for rows in kinds)
    labels, seeds = np.tile(enrolled.labels, 2), draw.seeds(FEW)
    adapters = tune(DOOR_RECIPE, np.concatenate(kinds), labels, seeds, progress=False)
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for faces, (language, judged) in product(FACES, draw.judged.items()):
        clips = shown(judged, faces, draw)
        embedding, probability = fused_output(model, clips)
        scores = {
            RAW: raw(clips)[raw.name][None],
            SOFTMAX: probability[None],
            DOOR_MEANS: (unit(embedding) @ (without if faces == NONE else with_face).T)[None],
            TUNED: adapters.scores(embedding),
        }
        for name, each_run in scores.items():
            found.setdefault(f"{name} · {faces}", {})[language] = each_run
    return dict(found)
