"""Measure the scalars that calibrate the twin, or compare two corpora, from the project's root.

python -m tools.fit_twin DIR [--out FILE]       writes mraf/data/twin/twin.json
python -m tools.fit_twin --compare twin DIR     is the twin like the real one?
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.resources import files
from pathlib import Path

from mraf.data import load
from mraf.errors import MrafError
from mraf.files import check_target, write_text
from tools.fit_twin.compare import compare
from tools.fit_twin.moments import fit_twin


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 after an error that the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m tools.fit_twin", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("data", metavar="DIR", help="a folder of official features, or twin")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: the shipped twin.json")
    parser.add_argument(
        "--compare", metavar="OTHER", help="print the same numbers of OTHER and DIR side by side"
    )
    options = parser.parse_args(arguments)
    try:
        if options.compare is not None:
            print(compare(load(options.compare), load(options.data)))
            return 0
        out = options.out or Path(str(files("mraf.data.twin") / "twin.json"))
        check_target(out)
        corpus = load(options.data)
        if corpus.name == "twin":
            raise MrafError(
                "the twin cannot be fitted to itself; give a folder of official features."
            )
        write_text(out, json.dumps(fit_twin(corpus), indent=1) + "\n")
        print(out)
    except MrafError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
