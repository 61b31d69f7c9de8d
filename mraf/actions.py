"""What each command does: thin calls of the package, of which each loads only what it needs."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from mraf.errors import MrafError


def doctor(options: argparse.Namespace) -> int:
    from mraf.doctor import report

    text, healthy = report()
    print(text)
    return 0 if healthy else 1


def describe(options: argparse.Namespace) -> None:
    from mraf import data

    if options.compare is None:
        from mraf.data.inspection import describe

        print(describe(data.load(options.data)))
    else:
        from mraf.comparison import compare

        print(compare(data.load(options.compare), data.load(options.data)))


def download(options: argparse.Namespace) -> int:
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


def pack(options: argparse.Namespace) -> None:
    from mraf.data.cache import pack

    print(pack(options.folder, force=options.force))


def fit_twin(options: argparse.Namespace) -> None:
    import json
    from importlib.resources import files

    from mraf import data
    from mraf.data.fit import fit_twin
    from mraf.files import check_target, write_text

    out = options.out or Path(str(files("mraf.data") / "twin.json"))
    check_target(out)
    corpus = data.load(options.data)
    if corpus.name == "twin":
        raise MrafError("the twin cannot be fitted to itself; give a folder of official features.")
    write_text(out, json.dumps(fit_twin(corpus), indent=1) + "\n")
    print(out)


def train(options: argparse.Namespace) -> None:
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
    preset = options.preset if options.recipe == "paper" else f"{options.preset}+{options.recipe}"
    return experiment.Experiment.of(options.data, preset, overrides, options.device)


def evaluate(options: argparse.Namespace) -> None:
    from mraf import experiment
    from mraf.files import check_target, write_text
    from mraf.runs import Run

    for file in filter(None, (options.json, options.record)):
        check_target(file)
    run = Run.load(options.path, _device(options))
    evaluation = experiment.evaluate_run(
        run, options.data, options.split, fop=options.fop, protocol=options.protocol
    )
    print(evaluation.markdown)  # first: whatever becomes of the files, the work is not lost
    if options.json:
        write_text(options.json, evaluation.to_json())
    if options.record:
        experiment.record(evaluation, run, options.command_line, options.record)


def _device(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from mraf.configuration import resolve_device

    return resolve_device(options.device)


def submit(options: argparse.Namespace) -> None:
    from mraf import experiment
    from mraf.runs import Run

    run = Run.load(options.path, _device(options))
    for path in experiment.submit_run(run, options.data, options.out, options.protocol):
        print(path)


def score(options: argparse.Namespace) -> None:
    from mraf.submission import score_submission

    print(score_submission(options.folder, options.labels).markdown)


def reproduce(options: argparse.Namespace) -> None:
    from mraf.reproduction import reproduce

    evaluation, report = reproduce(_experiment(options), options.out, options.command_line)
    print(f"\n{evaluation.markdown}\n\nReport: {report.resolve()}")


def sweep(options: argparse.Namespace) -> int:
    from mraf import sweeps

    tables = [sweeps.read_table(file, options.preset) for file in options.tables]
    pool: sweeps.Pool = (
        sweeps.ClusterPool(options.cluster) if options.cluster else sweeps.LocalPool(options.jobs)
    )
    try:
        sweep = sweeps.Sweep(
            tables,
            pool,
            preset=options.preset,
            seeds=sweeps.parse_seeds(options.seeds),
            arms=options.arms,
            source=options.data,
            folder=options.folder,
            device=options.device,
        )
        try:
            failed = sweep.run()
        finally:  # what was finished before an interruption is recorded, too
            recorded = sweeps.record(sweep, options.record) if options.record else []
    finally:
        pool.close()
    for table in tables:
        print(f"{table.title}\n{sweep.summary(table).to_string(float_format='{:.2f}'.format)}\n")
    for path in recorded:
        print(path)
    for what, reason in failed.items():
        print(f"mraf: failed: {what}: {reason}", file=sys.stderr)
    return 1 if failed else 0


def ledger(options: argparse.Namespace) -> None:
    from mraf import claims, ledger, recorded
    from mraf.files import write_text

    declared = claims.read_claims(options.claims or recorded.find(claims.FILE) or claims.FILE)
    folder = options.recorded or recorded.find(recorded.FOLDER) or recorded.FOLDER
    table = ledger.ledger(declared, folder)
    if options.out:
        write_text(options.out, ledger.to_csv(table))
    if options.readme:
        ledger.update_readme(options.readme, table, declared)
    print(ledger.summary(table))


def related(options: argparse.Namespace) -> None:
    from mraf import data
    from mraf.related.registry import measure, record

    corpus = data.load(options.data)
    table, text = measure(options.name, corpus)
    print(text)
    if options.record:
        print(record(table, options.name, corpus.name, options.command_line, options.record))


def figure(options: argparse.Namespace) -> None:
    from mraf.plots.pipeline import save_pipeline

    save_pipeline(options.out)
    print(options.out)
