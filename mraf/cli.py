"""The command line, `mraf` or `python -m mraf`: thin calls of the package."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from mraf import __version__
from mraf.errors import MrafError

DATA_HELP = "twin, or a folder in the official layout (default: $MRAF_DATA, else the twin)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 on success, 1 when `doctor` finds a fault, 2 on bad input, 130 when interrupted.
    """
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
        hint = " The finished epochs are kept: go on with --resume." if "resume" in options else ""
        print(f"\nmraf: stopped.{hint}", file=sys.stderr)
        return 130


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"mraf: note: {message}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(
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
        epilog: str | None = None,
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = into.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    command("doctor", _doctor, "say what is wrong with this environment and how to mend it")

    data = commands.add_parser("data", help="look at, fetch and pack features")
    kinds = data.add_subparsers(title="commands", metavar="COMMAND", required=True)
    describe = command("describe", _describe, "counts, norms, similarities, flaws", kinds)
    describe.add_argument("data", nargs="?", metavar="DATA", help=DATA_HELP)
    describe.add_argument(
        "--compare",
        metavar="OTHER",
        help="print the same numbers of OTHER beside DATA's, as in: --compare twin DIR",
    )
    download = command("download", _download, "fetch the official archives into a folder", kinds)
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
    pack = command("pack", _pack, "pack a folder's features into its cache", kinds)
    pack.add_argument("folder", type=Path, metavar="DIR")
    pack.add_argument("--force", action="store_true", help="also when the cache is up to date")
    fit = command("fit-twin", _fit_twin, "measure the scalars that calibrate the twin", kinds)
    fit.add_argument("data", metavar="DIR")
    fit.add_argument(
        "--out", type=Path, metavar="FILE", help="default: the package's own mraf/data/twin.json"
    )

    train = command("train", _train, "train MRAF", epilog=_settings_help())
    _add_training_options(train)
    train.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    train.add_argument("--resume", action="store_true", help="go on with an unfinished run")

    evaluate = command("evaluate", _evaluate, "judge a run in P3-P6, with intervals over videos")
    evaluate.add_argument("path", type=Path, metavar="RUN")
    evaluate.add_argument("--data", metavar="D", help=DATA_HELP)
    evaluate.add_argument(
        "--split",
        choices=["validation", "test"],
        default="validation",
        help="held-out videos (default), or the test clips where their labels are known",
    )
    evaluate.add_argument("--fop", action="store_true", help="train the FOP baseline beside it")
    evaluate.add_argument("--device", default="auto", metavar="D")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write every outcome")
    evaluate.add_argument("--record", type=Path, metavar="FILE", help="append the table to a CSV")

    submit = command("submit", _submit, "write the two CSV files of the challenge")
    submit.add_argument("path", type=Path, metavar="RUN")
    submit.add_argument("--data", metavar="D", help=DATA_HELP)
    submit.add_argument("--device", default="auto", metavar="D")
    submit.add_argument("--out", type=Path, required=True, metavar="DIR")

    score = command("score", _score, "score a submission folder where the labels are known")
    score.add_argument("folder", type=Path, metavar="DIR")
    score.add_argument(
        "--labels", type=Path, required=True, metavar="FILE", help="CSV: key,language,speaker"
    )

    reproduce = command(
        "reproduce", _reproduce, "train, evaluate, compare and report", epilog=_settings_help()
    )
    _add_training_options(reproduce)
    reproduce.set_defaults(preset="quick")
    reproduce.add_argument(
        "--out",
        type=Path,
        default=Path("build/reproduce"),
        metavar="DIR",
        help="default: %(default)s",
    )

    figure = command("figure", _figure, "draw the picture of the pipeline")
    figure.add_argument("name", choices=["pipeline"])
    figure.add_argument("--out", type=Path, required=True, metavar="FILE", help=".svg, .png, .pdf")
    return parser


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    from mraf.configuration import PRESETS

    parser.add_argument("--data", metavar="D", help=DATA_HELP)
    parser.add_argument("--preset", default="paper", metavar="|".join(PRESETS))
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="see below"
    )
    parser.add_argument("--epochs", metavar="N", help="short for --set epochs=N")
    parser.add_argument("--seed", metavar="S", help="short for --set seed=S")
    parser.add_argument(
        "--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:N, mps"
    )


def _settings_help() -> str:
    from mraf.configuration import describe_settings

    return "settings for --set (value in the paper preset; what it is):\n" + describe_settings()


def _doctor(options: argparse.Namespace) -> int:
    from mraf.doctor import report

    text, healthy = report()
    print(text)
    return 0 if healthy else 1


def _describe(options: argparse.Namespace) -> None:
    from mraf import data

    if options.compare is None:
        from mraf.data.inspection import describe

        print(describe(data.load(options.data)))
    else:
        from mraf.comparison import compare

        print(compare(data.load(options.compare), data.load(options.data)))


def _download(options: argparse.Namespace) -> int:
    from mraf.data import archives

    print(archives.CONSENT_NOTE)
    if not options.yes:
        try:
            agreed = input("Do you accept? [y/N] ").strip().lower() in {"y", "yes"}
        except EOFError:
            agreed = False
        if not agreed:
            print("Nothing was fetched. Accept with y, or with --yes.", file=sys.stderr)
            return 2
    if options.from_archive:
        for archive in options.from_archive:
            archives.extract(archive, options.folder)
    else:
        archives.download(options.folder)
    print(f"Next: mraf data describe {shlex.quote(str(options.folder))}")
    return 0


def _pack(options: argparse.Namespace) -> None:
    from mraf.data.cache import pack

    print(pack(options.folder, force=options.force))


def _fit_twin(options: argparse.Namespace) -> None:
    import json
    from importlib.resources import files

    from mraf import data
    from mraf.data.fit import fit_twin
    from mraf.files import write_text

    corpus = data.load(options.data)
    if corpus.name == "twin":
        raise MrafError("the twin cannot be fitted to itself; give a folder of official features.")
    out = options.out or Path(str(files("mraf.data") / "twin.json"))
    write_text(out, json.dumps(fit_twin(corpus), indent=1) + "\n")
    print(out)


def _train(options: argparse.Namespace) -> None:
    from mraf import experiment

    run = experiment.train_run(_experiment(options), options.out, resume=options.resume)
    last = run.history.iloc[-1]
    print(
        f"{run.path}: epoch {last.epoch:.0f}, loss {last.loss:.3g}, {last.accuracy:.1%} on training"
    )
    print(f"Next: mraf evaluate {shlex.quote(str(run.path))}")


def _experiment(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from mraf import experiment
    from mraf.configuration import parse_overrides

    overrides = parse_overrides(options.set)
    for key in ("epochs", "seed"):
        if getattr(options, key) is not None:
            overrides[key] = getattr(options, key)
    return experiment.Experiment.of(options.data, options.preset, overrides, options.device)


def _evaluate(options: argparse.Namespace) -> None:
    from mraf import experiment
    from mraf.files import write_text
    from mraf.runs import Run

    run = Run.load(options.path, _device(options))
    evaluation = experiment.evaluate_run(run, options.data, options.split, fop=options.fop)
    if options.json:
        write_text(options.json, evaluation.to_json())
    if options.record:
        experiment.record(evaluation, run, options.command_line, options.record)
    print(evaluation.markdown)


def _device(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from mraf.configuration import resolve_device

    return resolve_device(options.device)


def _submit(options: argparse.Namespace) -> None:
    from mraf import experiment
    from mraf.runs import Run

    run = Run.load(options.path, _device(options))
    for path in experiment.submit_run(run, options.data, options.out):
        print(path)


def _score(options: argparse.Namespace) -> None:
    from mraf.submission import score_submission

    print(score_submission(options.folder, options.labels).markdown)


def _reproduce(options: argparse.Namespace) -> None:
    from mraf.reproduction import reproduce

    evaluation, report = reproduce(_experiment(options), options.out, options.command_line)
    print(f"\n{evaluation.markdown}\n\nReport: {report.resolve()}")


def _figure(options: argparse.Namespace) -> None:
    from mraf.plots.pipeline import save_pipeline

    save_pipeline(options.out)
    print(options.out)
