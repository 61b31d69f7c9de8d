"""What the paper claims, and what would refute it: `data/claims.toml`."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, Field, model_validator

from mraf.errors import RunError
from mraf.evaluation.differences import METRICS
from mraf.evidence.declared import Declaration, Text, checked, read_toml
from mraf.evidence.recorded import paper_table
from mraf.evidence.tables import Condition

FILE = Path("data") / "claims.toml"
PAPER, NEIGHBOURS, OURS = "MRAF", "neighbours", "ours"
WHOSE = {
    PAPER: "Claims of MRAF, the paper reproduced here (arXiv 2606.12495)",
    NEIGHBOURS: "Claims of neighbouring papers",
    OURS: "Our own claims",
}
ARXIV = re.compile(r"\d{4}\.\d{5}")


class PaperRows(BaseModel, frozen=True, strict=True):
    """Rows of a table of the paper."""

    table: int
    of: str
    over: str = ""


def _several(names: object) -> object:
    """A tuple, also of one name that stands alone."""
    return tuple(names) if isinstance(names, list | tuple) else (names,)


Names = Annotated[
    tuple[str, ...], BeforeValidator(_several), Field(description="a name or a list of names")
]
Kind = Annotated[Literal["better", "equal"], Field(description="'better' or 'equal'")]
Flag = Annotated[bool, Field(description="true or false")]
Row = Annotated[
    dict[str, Any] | None, Field(description='values by column, as in { metric = "EER" }')
]
OfPaper = Annotated[
    PaperRows | None, Field(description='as in { table = 3, of = "a row", over = "another" }')
]


class Claim(Declaration):
    """One sentence that a measurement could refute."""

    name: Text  # short and unique
    section: Text  # where in the paper; the arXiv number of a neighbour's paper; or "ours"
    says: Text  # the claim in our words
    quote: Text = ""  # the paper's words, as they stand there
    limits: Text = ""  # the authors' measure, ours, and what cannot be judged here
    metric: Text  # a key of METRICS; of a study, whatever it measures
    of: Text  # the arm or system that it is about
    over: Names = ()  # its rivals; the claim is about all of them
    kind: Kind = "better"  # than each rival, or said to come to the same
    sweep: Text = ""  # the table of data/sweeps/ whose arms ``of`` and ``over`` are
    damage: Text = ""  # as in "swapped face 0.3": the claim is about what it costs; less is better
    systems: Text = ""  # the recorded evaluation whose systems they are, if there is no sweep
    # a recorded study of `mraf related` with a row for their difference, or with counts by video
    study: Text = ""
    row: Row = None  # the values by column that pick this row, or the rows of ``of`` and ``over``
    twin_only: Flag = False  # it needs sound, which only the waveform twin has
    smaller: Flag = False  # less is better, as of an error rate: the difference is turned round
    paper: OfPaper = None  # the rows of the paper's table that say so
    untestable: Text = ""  # why it cannot be tested here
    telling: Flag = False  # README shows it

    @model_validator(mode="after")
    def _refutable(self) -> "Claim":
        if self.metric not in METRICS and (self.paper or not (self.study or self.untestable)):
            raise RunError(f"unknown metric; there are: {', '.join(METRICS)}.")
        if sum(map(bool, (self.sweep, self.systems, self.study, self.untestable))) != 1:
            raise RunError("name a sweep, systems, a study or why it is untestable.")
        if bool(self.study) != bool(self.row):
            raise RunError("a study and a row of it belong together.")
        if not self.untestable and not self.over:
            raise RunError("nothing could refute it; name a rival in 'over'.")
        Condition.of(self.damage)
        return self

    @property
    def whose(self) -> str:
        """Who claims it, a key of WHOSE."""
        if self.section.startswith(OURS):
            return OURS
        return NEIGHBOURS if ARXIV.fullmatch(self.section) else PAPER

    @property
    def published(self) -> float | None:
        """What the paper's tables say: the difference, or without rivals the value, as a fraction.

        Raises as `cells`.
        """
        values = self.cells
        return float(values.iloc[0] - values.iloc[1:].sum()) if len(values) else None

    @property
    def cells(self) -> pd.Series:
        """The metric in the rows of the paper's table that say so, as fractions; empty of none.

        Raises DataError, RunError where there is no such table or row.
        """
        if self.paper is None:
            return pd.Series(dtype=float)
        table, weights = paper_table(self.paper.table), pd.Series(METRICS[self.metric])
        sides = [name for name in (self.paper.of, self.paper.over) if name]
        for name in sides:
            if name not in table.index:
                raise RunError(f"claim '{self.name}': the paper's table has no row '{name}'.")
        if missing := [setting for setting in weights.index if setting not in table.columns]:
            raise RunError(f"claim '{self.name}': the paper's table has no {missing[0]}.")
        return table.loc[sides, weights.index] @ weights


def read_claims(file: Path) -> list[Claim]:
    """The claims of a file, in its order. A RunError names the file and the claim."""
    claims = []
    for name, declared in read_toml(file).items():
        if not isinstance(declared, dict) or "name" in declared:
            raise RunError(f"{file}: '{name}' is not a claim; a claim starts with [{name}].")
        claims.append(checked(Claim, {"name": name, **declared}, f"{file}: claim '{name}'"))
    if not claims:  # to write an empty ledger over a full one is nobody's wish
        raise RunError(f"{file}: declares no claim; a claim starts with [NAME].")
    return claims
