"""The spaces that clips pass through, their UMAP maps, and how much of a space a map keeps."""

import atexit
import importlib.util
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.manifold import trustworthiness
from sklearn.metrics import pairwise_distances

from mraf.data.clips import FeatureSet, unit
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import Tensors, batched
from mraf.files import user_cache
from mraf.model import Output
from mraf.variants.build import Network

Rows = NDArray[np.float32]
Metric = Literal["cosine", "euclidean"]
NO_CACHE = "numba finds no folder to keep what it compiles for UMAP; each process compiles anew"
REMEDY = "set NUMBA_CACHE_DIR to a folder that you may write to"
MOST_CLIPS = 5000  # all pairs of distances: 100 MB

FACE, VOICE, E_F, E_A = "raw face", "raw voice", "e_f", "e_a"
E_C, E_C_ALONE = "e_c with the face", "e_c without the face"


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest other clips of each clip, nearest first, both (N, k)."""

    index: NDArray[np.int32]
    distance: NDArray[np.float32]


def spaces(model: Network, *sets: FeatureSet, batch: int = 512) -> dict[str, Rows]:
    """Every stage of the network for the clips of all sets, in order, each of shape (N, …).

    The features as they come, the embeddings e_f and e_a, and e_c in P3/P5 and in P4/P6.
    """

    def whole(out: Output) -> Tensors:
        return {E_F: out.face.embedding, E_A: out.voice.embedding, E_C: out.fused_embedding}

    found = []
    for clips in sets:
        both = batched(model, clips, whole, batch)
        alone = batched(model, clips.without_faces(), whole, batch)[E_C]
        found.append({FACE: clips.face, VOICE: clips.voice, **both, E_C_ALONE: alone})
    return {name: np.concatenate([of[name] for of in found]) for name in found[0]}


def nearest(
    rows: NDArray[Any], number: int, metric: Metric = "cosine", apart: NDArray[Any] | None = None
) -> Neighbours:
    """The `number` exact nearest others of each row (N, D); its own group in `apart` is left out.

    Raises DataError for fewer others, or too many rows for all pairs of distances.
    """
    if len(rows) > MOST_CLIPS:
        most = f"all pairs of distances; draw at most {MOST_CLIPS:,} of them."
        raise DataError(f"{len(rows):,} clips are too many for {most}")
    distance = pairwise_distances(rows, metric=metric)
    np.fill_diagonal(distance, np.inf)
    if apart is not None:
        distance[apart[:, None] == apart] = np.inf
    others = np.isfinite(distance).sum(axis=1).min()
    if not 1 <= number <= others:
        raise DataError(f"{number} neighbours are asked for; choose 1 to {others}, as there are.")
    index = np.argsort(distance, axis=1, kind="stable")[:, :number]
    found = np.take_along_axis(distance, index, axis=1)
    return Neighbours(index.astype(np.int32), found.astype(np.float32))


def numba_folder() -> str:
    """Where numba may keep what it compiles: $NUMBA_CACHE_DIR or mraf's cache; "" for nowhere."""
    try:
        folder = Path(os.environ.get("NUMBA_CACHE_DIR") or user_cache() / "numba")
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RunError):
        return ""
    return str(folder)


def umap_class() -> Any:
    """The class `umap.UMAP`, compiled in a temporary folder where numba may keep nothing.

    Raises RunError where umap-learn is not installed, or there is no folder at all.
    """
    if importlib.util.find_spec("umap") is None:
        raise RunError("maps need umap-learn: pip install 'mraf[lessons]'.")
    if not (folder := numba_folder()):
        try:
            folder = tempfile.mkdtemp(prefix="mraf-numba-")
        except OSError:
            raise RunError(f"{NO_CACHE}; {REMEDY}.") from None
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        warnings.warn(f"{NO_CACHE}; {REMEDY}.", stacklevel=3)
    from numba.core import config

    os.environ["NUMBA_CACHE_DIR"] = folder
    config.reload_config()
    from umap import UMAP  # here, since the import takes seconds

    return UMAP


def project(
    rows: NDArray[Any], n_neighbors: int = 15, min_dist: float = 0.1, seed: int = 0,
    neighbours: Neighbours | None = None,
) -> Rows:  # fmt: skip
    """A UMAP map of the rows by their cosines, shape (N, 2).

    The same seed gives the same map on the same machine, not on another one. A clip is one of its
    own `n_neighbors`; points may lie as close as `min_dist`. Several maps can share neighbours.

    Raises RunError as `umap_class`, and DataError for more neighbours than there are.
    """
    umap_of, others = umap_class(), n_neighbors - 1
    neighbours = nearest(rows, others) if neighbours is None else neighbours
    known = neighbours.index.shape[1]
    if not 1 <= others <= known:
        raise DataError(f"n_neighbors={n_neighbors}, but {known} neighbours were computed.")
    # UMAP counts each row as its own first neighbour, and below 4,096 rows does not cut surplus
    # neighbours off.
    itself = np.arange(len(rows), dtype=np.int32)[:, None]
    index = np.hstack([itself, neighbours.index[:, :others]])
    distance = np.pad(neighbours.distance[:, :others], ((0, 0), (1, 0)))
    umap = umap_of(  # from PCA, as the spectral start fails where groups are far apart
        n_neighbors=n_neighbors, min_dist=min_dist, metric="cosine", init="pca",
        precomputed_knn=(index, distance, None), random_state=seed, n_jobs=1,
    )  # fmt: skip
    with warnings.catch_warnings():
        # no argument says that no further clips are to be placed into the map
        warnings.filterwarnings("ignore", r"precomputed_knn\[2\]", UserWarning)
        plane: Rows = umap.fit_transform(unit(rows))
    return plane


def project_grid(
    rows: NDArray[Any], n_neighbors: Sequence[int], min_dist: Sequence[float], seed: int = 0
) -> dict[tuple[int, float], Rows]:
    """Maps of the same rows by (n_neighbors, min_dist); neighbours are computed once."""
    neighbours = nearest(rows, max(n_neighbors) - 1)
    return {(n, d): project(rows, n, d, seed, neighbours) for n in n_neighbors for d in min_dist}


def same_share(neighbours: Neighbours, group: NDArray[Any]) -> float:
    """The share of neighbours that are of the clip's own group: speaker, video, language."""
    return float(np.mean(group[neighbours.index] == group[:, None]))


def possible_share(group: NDArray[Any], number: int, apart: NDArray[Any] | None = None) -> float:
    """The largest `same_share` of `number` neighbours by the sizes of the groups (N,)."""
    same = group[:, None] == group
    same &= ~np.eye(len(group), dtype=bool) if apart is None else apart[:, None] != apart
    return float(np.minimum(same.sum(axis=1), number).mean() / number)


def kept_share(before: Neighbours, after: Neighbours) -> float:
    """The share of a clip's k neighbours in the space that are also among its k in the map."""
    both = before.index[:, :, None] == after.index[:, None, :]
    return float(both.any(axis=2).mean())


def preservation(
    rows: NDArray[Any], plane: NDArray[Any], groups: Mapping[str, NDArray[Any]], number: int = 15
) -> pd.Series:
    """What of the neighbourhoods in a space (N, D) is left in its map (N, 2), for k neighbours.

    "kept" is the share of the neighbours kept (chance is k / (N - 1)); "trustworthiness" (Venna &
    Kaski 2001) weighs the map's false neighbours by their rank in the space; each group of labels
    (N,) has the shares "…, in the space" and "…, in the map".
    """
    before, after = nearest(rows, number), nearest(plane, number, "euclidean")
    trusted = trustworthiness(unit(rows), plane, n_neighbors=number, metric="cosine")
    found = {"kept": kept_share(before, after), "trustworthiness": float(trusted)}
    for name, group in groups.items():
        found[f"{name}, in the space"] = same_share(before, group)
        found[f"{name}, in the map"] = same_share(after, group)
    return pd.Series(found)
