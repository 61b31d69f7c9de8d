"""The command line, `mraf` or `python -m mraf`: what can be asked for."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from mraf import __version__
from mraf.cli import commands as actions
from mraf.errors import MrafError
from mraf.related import SYSTEMS

DATA_HELP = "twin, or a folder in the official layout (default: $MRAF_DATA, else the twin)"

PROTOCOL_HELP = (
    "what may be seen without a face: clip (default; each alone), batch (all voices), batch+faces "
    "(faces of other videos too), leaderboard (faces of the same clips too)"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 on success, 1 when `doctor` finds a fault or a run of `sweep` fails, 2 on bad input,
        130 when interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # where it is not UTF-8, a ✓ becomes a ?
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:] if argv is None else list(argv)
    options = build_parser().parse_args(arguments)
    options.command_line = "mraf " + shlex.join(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return int(options.run(options) or 0)
    except MrafError as error:
        print(f"mraf: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, head or less, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  nothing more to flush into the pipe
        return 0
    except KeyboardInterrupt:
        print(f"\nmraf: stopped. {getattr(options, 'kept', '')}".rstrip(), file=sys.stderr)
        return 130


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"mraf: note: {message}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = _Parser(
        prog="mraf",
        description="Name the speaker of a clip from a face and a voice embedding, also when the "
        "face is missing and the language changes (MRAF, arXiv 2606.12495).",
        epilog="Start with: mraf doctor, then mraf reproduce. Without data of your own everything "
        "runs on the built-in synthetic twin of MAV-Celeb.",
    )
    parser.add_argument("--version", action="version", version=f"mraf {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(
        name: str,
        run: Callable[[argparse.Namespace], int | None],
        help: str,
        into: argparse._SubParsersAction = commands,
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = into.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    command("doctor", actions.doctor, "say what is wrong with this environment and how to mend it")

    data = commands.add_parser("data", help="look at, fetch and pack features")
    kinds = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    describe = command("describe", actions.describe, "counts, norms, similarities, flaws", kinds)
    describe.add_argument("data", nargs="?", metavar="DATA", help=DATA_HELP)
    download = command(
        "download", actions.download, "fetch the official archives into a folder", kinds
    )
    download.add_argument("folder", type=Path, metavar="DIR")
    download.add_argument(
        "--from-archive",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="unpack archives fetched by hand (zip, tar, tar.gz) instead",
    )
    download.add_argument("--yes", action="store_true", help="accept the licence and consent note")
    pack = command("pack", actions.pack, "pack a folder's features into its cache", kinds)
    pack.add_argument("folder", type=Path, metavar="DIR")
    pack.add_argument("--force", action="store_true", help="also when the cache is up to date")

    train = command("train", actions.train, "train MRAF")
    _add_training_options(train)
    train.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    train.add_argument("--resume", action="store_true", help="go on with an unfinished run")
    train.set_defaults(kept="The finished epochs are kept: go on with --resume.")

    evaluate = command(
        "evaluate", actions.evaluate, "judge a run in P3-P6, with intervals over videos"
    )
    evaluate.add_argument("path", type=Path, metavar="RUN")
    evaluate.add_argument("--data", metavar="D", help=DATA_HELP)
    evaluate.add_argument(
        "--split",
        choices=["validation", "test"],
        default="validation",
        help="held-out videos (default), or the test clips where their labels are known",
    )
    evaluate.add_argument(
        "--protocol", default="clip", metavar="P", help=PROTOCOL_HELP + ", or all of them"
    )
    evaluate.add_argument("--fop", action="store_true", help="train the FOP baseline beside it")
    evaluate.add_argument("--device", default="auto", metavar="D")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write every outcome")
    evaluate.add_argument("--record", type=Path, metavar="FILE", help="append the table to a CSV")

    submit = command("submit", actions.submit, "write the two CSV files of the challenge")
    submit.add_argument("path", type=Path, metavar="RUN")
    submit.add_argument("--data", metavar="D", help=DATA_HELP)
    submit.add_argument("--protocol", default="clip", metavar="P", help=PROTOCOL_HELP)
    submit.add_argument("--device", default="auto", metavar="D")
    submit.add_argument("--out", type=Path, required=True, metavar="DIR")

    score = command("score", actions.score, "score a submission folder where the labels are known")
    score.add_argument("folder", type=Path, metavar="DIR")
    score.add_argument(
        "--labels", type=Path, required=True, metavar="FILE", help="CSV: key,language,speaker"
    )

    reproduce = command("reproduce", actions.reproduce, "train, evaluate, compare and report")
    _add_training_options(reproduce)
    reproduce.set_defaults(preset="quick")
    reproduce.add_argument(
        "--out",
        type=Path,
        default=Path("build/reproduce"),
        metavar="DIR",
        help="default: %(default)s",
    )

    sweep = command(
        "sweep", actions.sweep, "train and judge every arm of a table with several seeds"
    )
    sweep.add_argument(
        "tables", nargs="+", type=Path, metavar="TABLE", help="a file, or a name of data/sweeps"
    )
    sweep.add_argument("--data", metavar="D", help=DATA_HELP)
    sweep.add_argument(
        "--preset", default="quick", metavar="P", help="paper or quick (default: %(default)s)"
    )
    sweep.add_argument(
        "--seeds", default="10", metavar="N", help="0 to N-1, or FIRST-LAST (default: %(default)s)"
    )
    sweep.add_argument("--arms", nargs="+", metavar="ARM", help="only these")
    sweep.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:N, mps")
    where = sweep.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", type=int, metavar="N", help="processes of one thread each (default: one a core)"
    )
    where.add_argument(
        "--cluster",
        metavar="dask://HOST:PORT",
        help="run on the workers of a Dask scheduler, which find the data at the same path",
    )
    sweep.add_argument(
        "--folder", type=Path, metavar="DIR", help="of finished runs (default: in the user's cache)"
    )
    sweep.add_argument(
        "--record", type=Path, metavar="DIR", help="write what is done as CSV, as in data/recorded"
    )
    sweep.set_defaults(kept="The finished runs are kept: the same command goes on.")

    ledger = command("ledger", actions.ledger, "judge every claim of the paper by what is recorded")
    ledger.add_argument("--claims", type=Path, metavar="TOML", help="default: data/claims.toml")
    ledger.add_argument("--recorded", type=Path, metavar="DIR", help="default: data/recorded")
    ledger.add_argument("--out", type=Path, metavar="FILE", help="write it as CSV")
    ledger.add_argument(
        "--readme", type=Path, metavar="FILE", help="write the telling rows into a page"
    )

    related = commands.add_parser("related", help="measure a system of a neighbouring paper")
    systems = related.add_subparsers(title="systems", metavar="NAME", required=True, dest="name")
    for name, what in SYSTEMS.items():
        measured = command(name, actions.related, what, systems)
        measured.add_argument("--data", metavar="D", help=DATA_HELP)
        measured.add_argument(
            "--record", type=Path, metavar="DIR", help="write the table as CSV, as in data/recorded"
        )

    figure = command("figure", actions.figure, "draw the picture of the pipeline")
    figure.add_argument("name", choices=["pipeline"])
    figure.add_argument("--out", type=Path, required=True, metavar="FILE", help=".svg, .png, .pdf")
    return parser


class _Parser(argparse.ArgumentParser):
    """Describes the settings only to who asks for help: that loads torch, which may be broken."""

    settings = False

    def format_help(self) -> str:
        if self.settings:
            from mraf.training.config import describe_settings

            title = "settings for --set (value in the paper preset; what it is):\n"
            self.epilog = title + describe_settings()
        return super().format_help()


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    parser.settings = True  # type: ignore[attr-defined]  # a _Parser, as its subparsers are
    parser.add_argument("--data", metavar="D", help=DATA_HELP)
    parser.add_argument(
        "--preset", default="paper", metavar="P", help="paper or quick (default: %(default)s)"
    )
    parser.add_argument(
        "--recipe",
        default="paper",
        choices=["paper", "team", "best"],
        help="as the paper has it, as the team's public code, or ours (default: %(default)s)",
    )
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="see below"
    )
    parser.add_argument("--epochs", metavar="N", help="short for --set epochs=N")
    parser.add_argument("--seed", metavar="S", help="short for --set seed=S")
    parser.add_argument(
        "--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:N, mps"
    )
