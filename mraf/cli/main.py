"""The command line, `mraf` or `python -m mraf`: what can be asked for."""

import argparse
import errno
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mraf import __version__
from mraf.cli import commands as actions
from mraf.errors import MrafError
from mraf.files import checked_path
from mraf_related import SYSTEMS

DATA = "twin, or a folder: official layout or imported corpus (default: $MRAF_DATA, else the twin)"
TABLE = ".parquet, .npz, .csv of paths: face, voice, speaker, video, language, maybe split, key"
DEFAULT = "default: %(default)s"
DEVICE = "auto, cpu, cuda, cuda:N, mps"
PROTOCOL = (
    "what a system may use to name clips without a face: clip (default; each clip alone), batch "
    "(also all other voices), batch+faces (also faces of other videos), leaderboard (also faces of "
    "the same clips, except that of the judged clip)"
)
ENCODER = "ecapa, facenet, small-ecapa or module:Class, and where its weights are; "
PATHS = {"DIR", "FILE", "RUN", "TABLE", "TOML"}  # stand for a path in the help


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives 0, 1 where some work failed, 2 on bad input, 130 when stopped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # where it is not UTF-8, a ✓ becomes a ?
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:] if argv is None else list(argv)
    options = build_parser().parse_args(arguments)
    options.command_line = "mraf " + shlex.join(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = int(getattr(actions, options.run)(options) or 0)
            print(end="", flush=True)
            return code
    except MrafError as error:
        print(f"mraf: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = error.filename or arguments[0]
        if error.filename is None and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EPIPE}:
            where, sys.stdout = "the output", open(os.devnull, "w")  # noqa: SIM115
            if isinstance(error, BrokenPipeError):  # the reader, head or less, has seen enough
                return 0
        print(f"mraf: error: {where}: {error.strerror or error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nmraf: stopped. {getattr(options, 'kept', '')}".rstrip(), file=sys.stderr)
        return 130


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"mraf: note: {message}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """Describes the settings only to who asks for help: that loads torch, which may be broken."""

    settings = False

    def format_help(self) -> str:
        if self.settings:
            from mraf.training.config import describe_settings

            title = "settings for --set (value in the paper preset; what it is):\n"
            self.epilog = title + describe_settings()
        return super().format_help()

    def take(self, name: str, metavar: str, help: str | None = None, **more: Any) -> None:
        """Add an argument with a value, which is a path where ``metavar`` stands for one."""
        if metavar in PATHS:
            more["type"] = partial(checked_path, error=argparse.ArgumentTypeError)
        self.add_argument(name, metavar=metavar, help=help, **more)


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = _Parser(
        prog="mraf",
        description="Name the speaker of a clip from a face and a voice embedding. The face may be "
        "missing, and the language may change (MRAF, arXiv 2606.12495).",
        epilog="Start with: mraf doctor, then mraf reproduce. Without data of your own, every "
        "command uses the built-in synthetic twin of MAV-Celeb.",
    )
    parser.add_argument("--version", action="version", version=f"mraf {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, help: str, into: Any = commands, run: str = "") -> _Parser:
        """A command; the function of its name in ``mraf.cli.commands`` runs it."""
        added: _Parser = into.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run or name)
        return added

    doctor = command("doctor", "say what is wrong with this environment and how to fix it")
    lacking = "install what the notebooks need and is missing; torch stays as it is"
    doctor.add_argument("--install", action="store_true", help=lacking)

    command("lessons", "copy the notebooks and their pages into a folder").take("folder", "DIR")

    data = commands.add_parser("data", help="describe, fetch, pack and import features")
    kinds = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    describe = command("describe", "show counts, norms, similarities and flaws of a corpus", kinds)
    describe.take("data", "DATA", DATA, nargs="?")
    download = command("download", "fetch the official archives into a folder", kinds)
    download.take("folder", "DIR")
    fetched = "unpack archives that you fetched by hand (zip, tar, tar.gz), and download nothing"
    download.take("--from-archive", "FILE", fetched, nargs="+", default=[])
    download.add_argument("--yes", action="store_true", help="accept the licence and consent note")
    pack = command("pack", "pack a folder's features into its cache", kinds)
    pack.take("folder", "DIR")
    pack.add_argument("--force", action="store_true", help="pack again, even if the cache is valid")

    imported = command("import", "make a corpus from a table of embeddings", kinds, "import_table")
    imported.take("table", "FILE", TABLE)
    imported.take("--out", "DIR", "folder of the corpus", required=True)
    imported.take("--train-on", "LANGUAGE", "default: English, else the language with most clips")
    imported.take("--cross", "LANGUAGE", "second language (default: the other with most clips)")

    embed = command("embed", "turn sounds and pictures into a table for `mraf data import`")
    embed.set_defaults(kept="The embedded clips are kept. The same command continues.")
    embed.take("folder", "DIR", "SPEAKER/LANGUAGE/VIDEO/clip.wav, with clip.jpg beside it or not")
    embed.take("--out", "FILE", "the table, a CSV", required=True)
    embed.take("--voice", "NAME[=PATH]", ENCODER + DEFAULT, default="ecapa")
    embed.take("--face", "NAME[=PATH]", ENCODER + DEFAULT, default="facenet")
    forget = command("forget", "delete a folder of clips, table, corpus and runs; kept runs, too")
    forget.take("folder", "DIR")

    train = command("train", "train MRAF")
    train.set_defaults(kept="The finished epochs are kept. Continue with --resume.")
    _take_training_options(train, preset="paper")
    train.take("--out", "RUN", "folder of the run", required=True)
    train.add_argument("--resume", action="store_true", help="continue an unfinished run")
    final = "train on the validation videos, too: for a submission (--set holdout=false)"
    train.add_argument("--final", action="store_true", help=final)

    evaluate = command("evaluate", "evaluate a run in P3-P6, with intervals over videos")
    evaluate.take("path", "RUN")
    evaluate.take("--data", "D", DATA)
    how = "held-out videos (default), or the test clips if their labels are known"
    evaluate.add_argument("--split", choices=["validation", "test"], default="validation", help=how)
    evaluate.take("--protocol", "P", PROTOCOL + ", or all of them", default="clip")
    evaluate.add_argument("--fop", action="store_true", help="also train and judge FOP, a baseline")
    evaluate.take("--device", "D", DEVICE, default="auto")
    evaluate.take("--json", "FILE", "write all results as JSON")
    evaluate.take("--record", "FILE", "append the table to a CSV")

    submit = command("submit", "write the two CSV files of the challenge")
    submit.take("path", "RUN")
    submit.take("--data", "D", DATA)
    submit.take("--protocol", "P", PROTOCOL, default="clip")
    submit.take("--device", "D", DEVICE, default="auto")
    submit.take("--out", "DIR", required=True)

    score = command("score", "score a submission folder against known labels")
    score.take("folder", "DIR")
    score.take("--labels", "FILE", "CSV: key,language,speaker", required=True)

    reproduce = command("reproduce", "train, evaluate, compare and write a report")
    _take_training_options(reproduce, preset="quick")
    reproduce.take("--out", "DIR", DEFAULT, default=Path("build/reproduce"))

    sweep = command("sweep", "train and evaluate every arm of a table with several seeds")
    sweep.set_defaults(kept="The finished runs are kept. The same command continues.")
    sweep.take("tables", "TABLE", "a TOML file, or the name of one in data/sweeps", nargs="+")
    sweep.take("--data", "D", DATA)
    sweep.take("--preset", "P", f"paper, quick or fast ({DEFAULT})", default="quick")
    sweep.take("--seeds", "N", f"0 to N-1, or FIRST-LAST ({DEFAULT})", default="10")
    sweep.take("--arms", "ARM", "train only these arms", nargs="+")
    sweep.take("--device", "D", DEVICE, default="auto")
    where = sweep.add_mutually_exclusive_group()
    here = "processes of one thread each (default: one per core)"
    where.add_argument("--jobs", type=int, metavar="N", help=here)
    there = "run on the workers of a Dask scheduler; all need the data at the same path"
    where.add_argument("--cluster", metavar="dask://HOST:PORT", help=there)
    stack = "train S runs of the same shape at once (default: 16 on CUDA, else 1)"
    sweep.take("--stack", "S", stack, type=int)
    sweep.take("--folder", "DIR", "folder of finished runs (default: in the user's cache)")
    sweep.take("--record", "DIR", "write the results as CSV, as in data/recorded")

    ledger = command("ledger", "judge every claim by the recorded results")
    ledger.take("--claims", "TOML", "default: data/claims.toml")
    ledger.take("--recorded", "DIR", "default: data/recorded")
    ledger.take("--out", "FILE", "write the ledger as CSV")

    related = commands.add_parser("related", help="measure a system of a neighbouring paper")
    systems = related.add_subparsers(title="systems", metavar="NAME", required=True, dest="name")
    for name, what in SYSTEMS.items():
        measured = command(name, what, systems, run="related")
        measured.take("--data", "D", DATA)
        measured.take("--record", "DIR", "write the table as CSV, as in data/recorded")

    export = command("export", "write a run as a page and a module for the browser")
    export.take("path", "RUN", "default: quick preset on the twin, from the run store", nargs="?")
    export.take("--out", "DIR", required=True)
    export.add_argument("--onnx", action="store_true", help="also model.onnx (needs mraf[export])")
    export.set_defaults(device="cpu")

    figure = command("figure", "draw the picture of the pipeline")
    figure.add_argument("name", choices=["pipeline"])
    figure.take("--out", "FILE", ".svg, .png, .pdf", required=True)
    return parser


def _take_training_options(parser: _Parser, preset: str) -> None:
    parser.settings = True
    parser.take("--data", "D", DATA)
    parser.take("--preset", "P", f"paper, quick or fast ({DEFAULT})", default=preset)
    recipe = f"recipe of the paper, of the team's public code, or our best ({DEFAULT})"
    parser.add_argument("--recipe", default="paper", choices=["paper", "team", "best"], help=recipe)
    parser.take("--set", "KEY=VALUE", "see the list below", nargs="+", action="extend", default=[])
    parser.take("--epochs", "N", "short for --set epochs=N")
    parser.take("--seed", "S", "short for --set seed=S")
    parser.take("--device", "D", DEVICE, default="auto")
