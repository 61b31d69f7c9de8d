"""Systems of neighbouring papers, rebuilt on these features; `mraf related NAME` measures one."""

from typing import NamedTuple


class Related(NamedTuple):
    """A system that `mraf related NAME` measures.

    Args:
        help: what is measured, for the command line.
        module: has ``table(corpus) -> DataFrame``, tidy results on a labelled corpus, and
            ``summary(table) -> str``, the same to read. It is imported when it is asked for.
    """

    help: str
    module: str


SYSTEMS = {
    "decision": Related(
        "decide among MRAF's three heads (after arXiv 2512.14961)",
        "mraf.related.decision.study",
    ),
    "shared-space": Related(
        "tell whether a face and a voice are of one stranger (FAME 2026, arXiv 2512.04814)",
        "mraf.related.shared_space.study",
    ),
    "heads": Related(
        "margins and hyperbolic distances on the voice alone (after arXiv 2601.19709)",
        "mraf.related.heads.study",
    ),
    "open-set": Related(
        "name the enrolled and reject all others (SpeakerRPL v2, arXiv 2604.13605)",
        "mraf.related.open_set.study",
    ),
}
