"""Checks of notebook 02, the missing token against zero filling."""

from typing import Any

import numpy as np
import torch
from scipy import stats
from scipy.special import softmax
from torch import Tensor

from mraf.model import MRAF
from mraf.variants.build import network
from mraf.variants.config import ModelConfig
from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge, numbers, refused, unless


def replace_missing(answer: Answer) -> Verdict:
    """Eq. 9: faces (B, D) and the token (D,) to faces in which rows of zeros are the token."""
    face = torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [3.0, -1.0, -2.0], [0.0, 4.0, 0.0]])
    token = torch.tensor([7.0, 8.0, 9.0])
    handed = face.clone()
    given = ask(answer, handed, token.clone(), fresh=False)
    if not torch.equal(face, handed):
        return Verdict(False, "You changed the faces that you were given; return new ones.")

    def filled(there: Tensor) -> Tensor:
        return torch.where(there, face, token)

    right, by_all = filled(face.any(1, keepdim=True)), filled(face.all(1, keepdim=True))
    by_sum = filled(face.sum(1, keepdim=True) != 0)
    said = {
        "The zeros are a sign of absence here, never an input.": right,
        "You filled single zeros, too: a face that is there may hold some. Missing is a row in "
        "which *all* numbers are zero.": filled(face != 0),
        "A face whose numbers add up to zero is not missing; ask whether any is not zero.": by_sum,
        "A face with a zero somewhere was taken for missing: `any`, not `all`.": by_all,
        "Nothing was replaced.": face,
    }
    return judge(given, said)


def weights(answer: Answer) -> Verdict:
    """Eq. 11 with r_f = 0 where the face is missing, for r_f, r_a and missing, all (B, 1)."""
    face, voice = torch.tensor([[0.6], [0.6], [0.3]]), torch.tensor([[0.4], [0.4], [0.9]])
    missing = torch.tensor([[False], [True], [True]])
    given = ask(answer, face, voice, missing)
    found = numbers(given)
    if found is None or found.shape != (2, 3, 1):
        return refused(given, "Return the pair w_f, w_a, both of shape (B, 1).")
    scores = torch.cat([face, voice], dim=1).double().numpy()
    kept, others = (np.hstack([side, np.ones((3, 1))]) for side in (~missing, missing))
    cases = (kept * scores, scores, others * scores)
    right, unmasked, turned = (x / (x.sum(axis=1, keepdims=True) + 1e-6) for x in cases)
    no_epsilon = right / right.sum(axis=1, keepdims=True)
    soft = tuple(softmax(x, axis=1) for x in (scores, kept * scores))
    said = {
        "And w_a is all but 1, whatever r_a was.": right,
        "You masked after dividing: w_f is 0, but the voice keeps the weight it had beside a face, "
        "so its tokens shrink. Set r_f = 0 first, then divide.": kept * unmasked,
        "The missing faces are still weighed: they still have their reliability.": unmasked,
        "You masked the faces that are there. The mask is True where a face is missing.": turned,
        "That is w_a, w_f: return w_f first.": right[:, ::-1],
        "Eq. 11 divides by the sum; this is a softmax. There r_f = 0 keeps a weight: e⁰ = 1.": soft,
        "Nearly: the ε of Eq. 11 is missing; without it r_f = r_a = 0 would be 0 / 0.": no_epsilon,
    }
    return judge(found[..., 0].T, said, rtol=5e-7)


def seed_interval(answer: object, first: Array, second: Array) -> Verdict:
    """95% t interval over paired seeds of the mean of first - second, as (low, high)."""
    difference = np.subtract(first, second)
    mean, spread, root = difference.mean(), difference.std(ddof=1), np.sqrt(len(difference))
    ends = stats.t.ppf(0.975, len(difference) - 1) * np.array([-1, 1])
    right, next_seed = mean + ends * spread / root, mean + ends * spread
    of_many = mean + 1.96 * np.array([-1, 1]) * spread / root
    biased = mean + ends * difference.std() / root
    unpaired = mean + ends * np.hypot(np.std(first, ddof=1), np.std(second, ddof=1)) / root
    said = {
        "It speaks of other seeds. Other videos are another question, see notebook 05.": right,
        "1.96 is for many seeds: with a handful, the spread itself is uncertain; take the t "
        "distribution with n - 1 degrees of freedom.": of_many,
        "The spread was divided by n instead of n - 1: np.std needs ddof=1.": biased,
        "That is where the next seed may fall; the mean of n seeds is √n times as sure.": next_seed,
        "You threw the pairing away: runs of one seed share order, dropout and drawn faces. Take "
        "the difference seed by seed, then its spread.": unpaired,
    }
    return judge(answer, said)


def depends_on_token(answer: Answer) -> Verdict:
    """Whether z_c of voices (B, 192) without faces depends on the token of a network: a bool."""
    generator = torch.Generator().manual_seed(0)
    face, voice = torch.zeros(4, 512), torch.randn(4, 192, generator=generator)
    found = []
    for missing, reliability in (("zero", "learned"), ("learned", "learned"), ("zero", "uniform")):
        model = _network(missing, reliability)
        token = model.get_parameter("missing_face.token")
        before = token.detach().clone()
        given = ask(answer, model, face.clone(), voice.clone(), fresh=False)
        if not torch.equal(token.detach(), before):
            return Verdict(False, "The network was left changed: put its token back at the end.")
        says = numbers(given)
        if says is None or says.size != 1:
            return refused(given, "Return one True or False, not one for each clip: use `.any()`.")
        found.append(bool(says))
    dead, alive, of_halves = found
    hints = {
        "It says yes also where r_f = 0; did you look at the face head's logits, which do see it, "
        "instead of z_c?": dead and alive,
        "It says no also where r_f is learned; did the token really move, and were the logits "
        "computed anew?": not dead and not alive,
        "It is the other way round.": dead,
        "It says no of a network whose weights are ½ whatever r_f is; did you look at r_f or at "
        "the configuration? Move the token and see.": not of_halves,
    }
    return unless(hints, "One switch decides whether a trained parameter matters.")


def _network(missing: Any, reliability: Any) -> MRAF:
    """A small untrained network of always the same weights; global random state is kept."""
    config = ModelConfig(speakers=5, tokens=2, width=16, heads=2, dropout=0.0,
                         missing_reliability=missing, reliability=reliability)  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return network(config).eval()
