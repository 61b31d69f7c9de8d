"""Checks of notebook 02, the missing token against zero filling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from scipy.special import softmax
from torch import Tensor

from mraf.model import MRAF
from mraf.variants.build import network
from mraf.variants.config import ModelConfig
from mraf_lessons.kit.checker import Verdict, compare, unanswered

Array = NDArray[Any]


def project(answer: Callable[[Tensor, Tensor, Tensor, int], Any]) -> Verdict:
    """Eq. 2: x (B, D), W (K d, D), b (K d,) and K to tokens (B, K, d)."""
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(*n, generator=generator) for n in ((3, 5), (8, 5), (8,)))
    flat = x @ weight.T + bias
    mistakes = {
        "The bias b is missing: it is all that x = 0 has.": (x @ weight.T).view(3, 2, 4),
        "K tokens of width d are asked for, these are d tokens of width K: turn the last two "
        "sizes round.": flat.view(3, 4, 2),
        "You dealt the numbers out like cards; a token is d numbers that stand side by side.": (
            flat.view(3, 4, 2).mT
        ),
        "These are the right numbers in one row a clip: cut it into K tokens.": flat,
    }
    given = answer(x.clone(), weight.clone(), bias.clone(), 2)
    praise = "Every token sees the whole feature: a token is a view of a face, not a part of it."
    return compare(given, flat.view(3, 2, 4), mistakes, praise)


def replace_missing(answer: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Eq. 9: faces (B, D) and the token (D,) to faces in which rows of zeros are the token."""
    face = torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [3.0, -1.0, -2.0], [0.0, 4.0, 0.0]])
    token = torch.tensor([7.0, 8.0, 9.0])
    before = face.clone()
    given = answer(face, token.clone())
    if not unanswered(given) and not torch.equal(face, before):
        return Verdict(False, "You changed the faces that you were given; return new ones.")

    def where(there: Tensor) -> Tensor:
        return torch.where(there, face, token)

    mistakes = {
        "You filled single zeros, too: a face that is there may hold some. Missing is a row in "
        "which *all* numbers are zero.": where(face != 0),
        "A face whose numbers add up to zero is not missing; ask whether any is not zero.": (
            where(face.sum(dim=1, keepdim=True) != 0)
        ),
        "A face with a zero somewhere was taken for missing: `any`, not `all`.": (
            where(face.all(dim=1, keepdim=True))
        ),
        "Eq. 9 replaces the missing face; you added to all of them.": face + token,
        "Nothing was replaced.": face,
    }
    praise = "The zeros are a sign of absence here, never an input."
    return compare(given, where(face.any(dim=1, keepdim=True)), mistakes, praise)


def weights(answer: Callable[[Tensor, Tensor, Tensor], Any]) -> Verdict:
    """Eq. 11 with r_f = 0 where the face is missing, for r_f, r_a and missing, all (B, 1)."""
    face, voice = torch.tensor([[0.6], [0.6], [0.3]]), torch.tensor([[0.4], [0.4], [0.9]])
    missing = torch.tensor([[False], [True], [True]])
    given = answer(face.clone(), voice.clone(), missing.clone())
    if unanswered(given):
        return Verdict(None)
    try:
        found = torch.cat([torch.as_tensor(x).detach().double() for x in given], dim=1)
    except (TypeError, ValueError, RuntimeError, IndexError):
        return Verdict(False, "Return the pair w_f, w_a, both of shape (B, 1).")
    r_f, r_a, absent = (x[:, 0].double().numpy() for x in (face, voice, missing))
    return compare_weights(found, r_f, r_a, absent, "And w_a is all but 1, whatever r_a was.")


def compare_weights(given: Any, face: Array, voice: Array, missing: Array, praise: str) -> Verdict:
    """Weights w_f and w_a (N, 2) against Eq. 11 with r_f = 0 where the face is missing.

    Args:
        face, voice, missing: r_f, r_a and whether there is no face, shape (N,).
    """
    missing = missing.astype(bool)
    there = np.where(missing, 0, face)

    def ratio(face: Array, epsilon: float = 1e-6) -> Array:
        return np.stack([face, voice], axis=1) / (face + voice + epsilon)[:, None]

    def soft(face: Array) -> Array:
        return softmax(np.stack([face, voice], axis=1), axis=1)

    right, late, exact = ratio(there), ratio(face), ratio(there)
    late[missing, 0] = 0
    exact[missing, 1] = 1
    mistakes = {
        "You masked after dividing: w_f is 0, but the voice keeps the weight it had beside a face, "
        "so its tokens shrink. Set r_f = 0 first, then divide.": late,
        "The missing faces are still weighed: they still have their reliability.": ratio(face),
        "Eq. 11 divides by the sum; this is a softmax.": soft(face),
        "A softmax of r_f = 0 is not 0: e⁰ = 1, so the missing face keeps a weight.": soft(there),
        "Nearly: with ε in the sum, w_a of a missing face is a little below 1.": exact,
        "Nearly: the ε of Eq. 11 is missing; without it r_f = r_a = 0 would be 0 / 0.": (
            ratio(there, 0)
        ),
        "The mask is the wrong way round.": ratio(np.where(missing, face, 0)),
        "Face first, then voice: the columns are swapped.": right[:, ::-1],
    }
    return compare(given, right, mistakes, praise, rtol=5e-7)


def seed_interval(answer: Any, first: Array, second: Array) -> Verdict:
    """95% t interval over paired seeds of the mean of first - second, as (low, high)."""
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    difference = first - second
    count = len(difference)
    error = difference.std(ddof=1) / np.sqrt(count)
    t = float(stats.t.ppf(0.975, count - 1))
    unpaired = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / count)

    def around(half: float, mean: float = difference.mean()) -> Array:
        return mean + np.array([-half, half])

    mistakes = {
        "1.96 is for many seeds: with a handful, the spread itself is uncertain; take the t "
        "distribution with n - 1 degrees of freedom.": around(stats.norm.ppf(0.975) * error),
        "1.96 is for many seeds: take the t quantile.": around(1.96 * error),
        "The spread was divided by n instead of n - 1: np.std needs ddof=1.": (
            around(t * difference.std() / np.sqrt(count))
        ),
        "That is where the next seed may fall; the mean of n seeds is √n times as sure.": (
            around(t * difference.std(ddof=1))
        ),
        "You threw the pairing away: runs of one seed share order, dropout and drawn faces. Take "
        "the difference seed by seed, then its spread.": around(t * unpaired),
        "Turn the difference round: first minus second.": around(t * error, -difference.mean()),
    }
    praise = "It speaks of other seeds. Other videos are another question, see notebook 05."
    return compare(answer, around(t * error), mistakes, praise, rtol=1e-4)


def depends_on_token(answer: Callable[[MRAF, Tensor, Tensor], Any]) -> Verdict:
    """Whether z_c of voices (B, 192) without faces depends on the token of a network: a bool."""
    generator = torch.Generator().manual_seed(0)
    face, voice = torch.zeros(4, 512), torch.randn(4, 192, generator=generator)
    # as the configuration says, then two of which its r_f says the opposite
    halves, deaf = _network("zero", reliability="uniform"), _network("learned")
    torch.nn.init.zeros_(deaf.get_parameter("face_encoder.projection.weight"))
    found = []
    for model in (_network("zero"), _network("learned"), halves, deaf):
        token = model.get_parameter("missing_face.token")
        before = token.detach().clone()
        found.append(answer(model, face.clone(), voice.clone()))
        if not torch.equal(token.detach(), before):
            hint = "put its token back when you are done."
            return Verdict(False, f"The network was left changed: {hint}")
    if any(unanswered(x) for x in found):
        return Verdict(None)
    try:
        dead, alive, of_halves, of_deaf = (bool(x) for x in found)
    except (RuntimeError, ValueError):
        return Verdict(False, "Return one True or False, not one for each clip: use `.any()`.")
    hints = {
        "It says yes also where r_f = 0; did you look at the face head's logits, which do see it, "
        "instead of z_c?": dead and alive,
        "It says no also where r_f is learned; did the token really move, and were the logits "
        "computed anew?": not dead and not alive,
        "It is the other way round.": dead,
        "It says no of a network whose weights are ½ whatever r_f is; did you look at r_f or at "
        "the configuration? Move the token and see.": not of_halves,
        "It says yes of a network whose face encoder never hears its input; did you look at w_f "
        "or at the configuration? Move the token and see.": of_deaf,
    }
    for hint, wrong in hints.items():
        if wrong:
            return Verdict(False, hint)
    return Verdict(True, "One switch decides whether a trained parameter matters.")


def _network(missing: Any, reliability: Any = "learned") -> MRAF:
    """A small untrained network of always the same weights; global random state is kept."""
    config = ModelConfig(speakers=5, tokens=2, width=16, heads=2, dropout=0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return network(replace(config, missing_reliability=missing, reliability=reliability)).eval()
