"""Table and readings of notebook 01b: they say what a network and its figures show."""

from collections.abc import Mapping

from IPython.display import Markdown
from torch import Tensor, nn

from mraf.model import Output
from mraf_lessons.kit.arrays import symbols as symbols
from mraf_lessons.kit.reading import seen
from mraf_related.interventions import normalised_entropy


def sizes(model: nn.Module) -> Markdown:
    """Which part of a network holds how many of its numbers."""
    parts = {name: sum(p.numel() for p in x.parameters()) for name, x in model.named_children()}
    (most, largest), *others = sorted(parts.items(), key=lambda part: -part[1])
    return seen(
        f"The network has learned {sum(parts.values()):,} numbers. The largest part is `{most}` "
        f"with {largest:,}, or {largest / sum(parts.values()):.1%}. The other parts, as the code "
        f"names them, hold {', '.join(f'{count:,} (`{name}`)' for name, count in others)}."
    )


def heads(outputs: Mapping[str, Output], speaker: Tensor) -> Markdown:
    """What hiding the face does to each head, of outputs with faces, then without; names (B,)."""
    before, after = (output.logits._asdict() for output in outputs.values())
    right = {
        head: [float((z[head].argmax(1) == speaker).float().mean()) for z in (before, after)]
        for head in before
    }
    moved = [f"{(z - after[head]).abs().max():.1f} ({head} head)" for head, z in before.items()]
    names = len(after["face"].argmax(1).unique())
    rows = [f"| {head} head | {one:.1%} | {two:.1%} |" for head, (one, two) in right.items()]
    return seen(
        f"Over {len(speaker)} clips, hiding the face moves a logit by up to {', '.join(moved)}. "
        f"Without faces, the face head gives all clips {names} name{'s' * (names > 1)}. The fused "
        f"head goes from {right['fused'][0]:.1%} to {right['fused'][1]:.1%} of right names.",
        "\n".join(["\n\n| names right | with faces | without |", "|---|---|---|", *rows]),
    )


def most_and_even(outputs: Mapping[str, Output]) -> tuple[float, float, float]:
    """Largest share of the first clip, the share drawn in full colour, and the least entropy.

    The entropy is the mean over all rows of a map with faces, as a share of the largest possible.
    """
    maps = [m for output in outputs.values() for m in output.attention or ()]
    even, first = 1 / maps[0].shape[-1], [m[0] for m in maps]
    reach = max(float((m - even).abs().max()) for m in first)
    entropy = min(float(normalised_entropy(m).mean()) for m in maps[:2])
    return max(float(m.max()) for m in first), even + reach, entropy


def evenness(output: Output) -> str:
    """How even the maps of Eq. 13 are over all clips, in a sentence."""
    assert output.attention is not None
    tokens, largest = output.attention.face.shape[-1], max(m.max() for m in output.attention)
    face, voice = (float(normalised_entropy(maps).mean()) for maps in output.attention)
    return (
        f"The maps {'are nearly even' if min(face, voice) > 0.95 else 'have preferences'}. Over "
        f"{len(output.attention.face)} clips, the entropy of a row is {face:.1%} of the largest "
        f"possible where the face asks, and {voice:.1%} where the voice asks. The largest share "
        f"is {largest:.2f}; an even share is {1 / tokens:.2f}."
    )


def attention(outputs: Mapping[str, Output]) -> Markdown:
    """How even the maps are with faces, and how they answer without, of outputs in this order."""
    complete, missing = outputs.values()
    assert missing.attention is not None
    blind, deaf = missing.attention
    apart = float((deaf - 1 / deaf.shape[-1]).abs().max())
    rows = float((blind.amax(dim=-2) - blind.amin(dim=-2)).max())
    evenly = f"shares go up to {apart:.2f} from even"
    if apart < 1e-6:
        evenly = "every share is exactly even: all keys are the same bias"
    alike = "are equal: all queries are the same bias" if rows < 1e-6 else f"differ by {rows:.2f}"
    return seen(
        evenness(complete),
        f"Where the voice asks a missing face, {evenly}. Where the missing face asks, the rows "
        f"{alike}.",
    )
