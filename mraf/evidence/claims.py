"""What the paper claims, and what would refute it: `data/claims.toml`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from mraf.errors import RunError
from mraf.evaluation.differences import METRICS
from mraf.evidence.damage import Condition
from mraf.evidence.recorded import paper_table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path("data") / "claims.toml"


@dataclass(frozen=True)
class Claim:
    """One sentence that a measurement could refute.

    Args:
        name: short and unique.
        section: where in the paper, or "ours".
        says: the claim in our words.
        metric: a key of `mraf.evaluation.differences.METRICS`; of a study, whatever it measures.
        of: the arm or system that it is about.
        over: its rivals; the claim is about all of them.
        kind: "better" where ``of`` is said to be better than each rival, "equal" where the two are
            said to come to the same.
        sweep: the table of `data/sweeps/` whose arms ``of`` and ``over`` are.
        damage: where the claim is about what a damage costs, as in "swapped face 0.3"; less is
            better. From `mraf.evidence.damage.Damage`.
        systems: the recorded evaluation whose systems they are, where there is no sweep.
        study: the recorded study of `mraf related` with a row for their difference, or with counts
            by video for each of them, where the claim is about another system than MRAF.
        row: the values by column that pick this row, or the rows of ``of`` and ``over``.
        smaller: less is better, as of an error rate: the recorded difference is turned round.
        paper: the rows of the paper's table that say so: {"table": 3, "of": …, "over": …}.
        untestable: why it cannot be tested here.
        telling: whether README shows it.
    Raises:
        RunError: neither a test nor a reason, no rival, an unknown metric or kind, or a field that
            holds something else than it should.
    """

    name: str
    section: str
    says: str
    metric: str
    of: str
    over: tuple[str, ...] = ()
    kind: Literal["better", "equal"] = "better"
    sweep: str = ""
    damage: str = ""
    systems: str = ""
    study: str = ""
    row: Mapping[str, Any] | None = None
    smaller: bool = False
    paper: Mapping[str, Any] | None = None
    untestable: str = ""
    telling: bool = False

    def __post_init__(self) -> None:
        self._checked_kinds()
        if self.metric not in METRICS and (self.paper or not self.study):
            raise RunError(f"claim '{self.name}': unknown metric; there are: {', '.join(METRICS)}.")
        if self.kind not in ("better", "equal"):
            raise RunError(f"claim '{self.name}': kind is 'better' or 'equal', not '{self.kind}'.")
        sources = (self.sweep, self.systems, self.study, self.untestable)
        if [bool(source) for source in sources].count(True) != 1:
            raise RunError(
                f"claim '{self.name}': name a sweep, systems, a study or why it is untestable."
            )
        if bool(self.study) != bool(self.row):
            raise RunError(f"claim '{self.name}': a study and a row of it belong together.")
        if not self.untestable and not self.over:
            raise RunError(f"claim '{self.name}': nothing could refute it; name a rival in 'over'.")
        if self.damage:
            try:
                Condition.of(self.damage)
            except RunError as error:
                raise RunError(f"claim '{self.name}': damage {error}") from None

    def _checked_kinds(self) -> None:
        """What stands in a file may be anything; each field is used as what it says it is."""
        plain = {"str": (str, "text"), "bool": (bool, "true or false")}  # as annotated above
        checks = [
            (entry.name, isinstance(getattr(self, entry.name), kind), wanted)
            for entry in fields(self)
            for kind, wanted in [plain.get(str(entry.type), (object, ""))]
        ]
        names = all(isinstance(name, str) for name in self.over)
        row = self.row is None or isinstance(self.row, Mapping)
        paper = self.paper is None or _names_rows(self.paper)
        checks += [
            ("over", names, "a name or a list of names"),
            ("row", row, 'values by column, as in { metric = "EER" }'),
            ("paper", paper, 'as in { table = 3, of = "a row", over = "another" }'),
        ]
        for name, fits, wanted in checks:
            if not fits:
                raise RunError(f"claim '{self.name}': '{name}' must be {wanted}.")

    @property
    def published(self) -> float | None:
        """What the paper's tables say: the difference, or without rivals the value, as a fraction.

        Raises:
            DataError, RunError: no such table or row.
        """
        if self.paper is None:
            return None
        table = paper_table(self.paper["table"])
        sides = [name for name in (self.paper["of"], self.paper.get("over")) if name]
        if missing := [name for name in sides if name not in table.index]:
            raise RunError(f"claim '{self.name}': the paper's table has no row '{missing[0]}'.")
        if missing := [setting for setting in self.weights if setting not in table.columns]:
            raise RunError(f"claim '{self.name}': the paper's table has no {missing[0]}.")
        values = [
            sum(weight * table.loc[name, setting] for setting, weight in self.weights.items())
            for name in sides
        ]
        return float(values[0] - sum(values[1:]))

    @property
    def weights(self) -> dict[str, float]:
        """Of the settings in the metric."""
        return METRICS[self.metric]


def read_claims(file: Path) -> list[Claim]:
    """The claims of a file, in its order.

    Raises:
        RunError: not such a file, no claim in it, an unknown or missing field, a name that occurs
            twice, or a claim that is none (see `Claim`); it names the file and the claim.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{file}: no file of claims ({error.strerror}).") from None
    except ValueError as error:
        raise RunError(f"{file}: not valid TOML: {error}.") from None
    claims = []
    known = {field.name for field in fields(Claim)}
    for name, declared in content.items():
        if not isinstance(declared, dict):
            raise RunError(f"{file}: '{name}' is not a claim; a claim starts with [{name}].")
        if unknown := sorted(set(declared) - known):
            raise RunError(f"{file}: claim '{name}' has an unknown field: {unknown[0]}.")
        over = declared.get("over", [])
        declared["over"] = tuple(over) if isinstance(over, list) else (over,)
        try:
            claims.append(Claim(name, **declared))
        except RunError as error:
            raise RunError(f"{file}: {error}") from None
        except TypeError as error:
            raise RunError(f"{file}: claim '{name}': {error}.") from None
    if not claims:  # to write an empty ledger over a full one is nobody's wish
        raise RunError(f"{file}: declares no claim; a claim starts with [NAME].")
    return claims


def _names_rows(paper: object) -> bool:
    """Whether this says which rows of which table of the paper."""
    if not isinstance(paper, Mapping) or not isinstance(paper.get("table"), int):
        return False
    return isinstance(paper.get("of"), str) and isinstance(paper.get("over", ""), str)
