"""What each command does: thin calls of the package, of which each loads only what it needs."""

from __future__ import annotations

import argparse
import shlex
import sys


def doctor(options: argparse.Namespace) -> int:
    from mraf.cli.doctor import report

    text, healthy = report()
    print(text)
    return 0 if healthy else 1


def describe(options: argparse.Namespace) -> None:
    from mraf import data
    from mraf.data.describe import describe

    print(describe(data.load(options.data)))


def download(options: argparse.Namespace) -> int:
    from mraf.data.official import download as archives

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
    from mraf.data.official.pack import pack

    print(pack(options.folder, force=options.force))


def train(options: argparse.Namespace) -> None:
    from mraf.training import experiment

    run = experiment.train_run(_experiment(options), options.out, resume=options.resume)
    last = run.history.iloc[-1]
    print(
        f"{run.path}: epoch {last.epoch:.0f}, loss {last.loss:.3g}, {last.accuracy:.1%} on training"
    )
    print(f"Next: mraf evaluate {shlex.quote(str(run.path))}")


def _experiment(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from mraf.training import experiment
    from mraf.training.config import parse_overrides

    overrides = parse_overrides(options.set)
    for key in ("epochs", "seed"):
        if getattr(options, key) is not None:
            overrides[key] = getattr(options, key)
    preset = options.preset if options.recipe == "paper" else f"{options.preset}+{options.recipe}"
    return experiment.Experiment.of(options.data, preset, overrides, options.device)


def evaluate(options: argparse.Namespace) -> None:
    from mraf.evaluation.run import record
    from mraf.files import check_target, write_text
    from mraf.related.leaderboard.run import evaluate_run
    from mraf.training.runs import Run

    for file in filter(None, (options.json, options.record)):
        check_target(file)
    run = Run.load(options.path, _device(options))
    evaluation = evaluate_run(
        run, options.data, options.split, fop=options.fop, protocol=options.protocol
    )
    try:
        if options.json:
            write_text(options.json, evaluation.to_json())
        if options.record:
            record(evaluation, run, options.command_line, options.record)
    finally:  # neither a full disk nor a closed pipe takes the other half of the work
        print(evaluation.markdown)


def _device(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from mraf.training.device import resolve_device

    return resolve_device(options.device)


def submit(options: argparse.Namespace) -> None:
    from mraf.related.leaderboard.run import submit_run
    from mraf.training.runs import Run

    run = Run.load(options.path, _device(options))
    for path in submit_run(run, options.data, options.out, options.protocol):
        print(path)


def score(options: argparse.Namespace) -> None:
    from mraf.evaluation.submission import score_submission

    print(score_submission(options.folder, options.labels).markdown)


def reproduce(options: argparse.Namespace) -> None:
    from mraf.cli.reproduce import reproduce

    evaluation, report = reproduce(_experiment(options), options.out, options.command_line)
    print(f"\n{evaluation.markdown}\n\nReport: {report.resolve()}")


def sweep(options: argparse.Namespace) -> int:
    from mraf.evidence.sweeps.sweep import Sweep, parse_seeds
    from mraf.evidence.sweeps.tables import read_table, table_file
    from mraf.evidence.sweeps.workers import Cluster, Processes, Workers

    tables = [read_table(table_file(name), options.preset) for name in options.tables]
    workers: Workers = Cluster(options.cluster) if options.cluster else Processes(options.jobs)
    try:
        sweep = Sweep(
            tables,
            workers,
            preset=options.preset,
            seeds=parse_seeds(options.seeds),
            arms=options.arms,
            source=options.data,
            folder=options.folder,
            device=options.device,
        )
        try:
            failed = sweep.run()
        finally:  # what was finished before an interruption is recorded, too
            recorded = sweep.record(options.record) if options.record else []
    finally:
        workers.close()
    for table in tables:
        print(f"{table.title}\n{sweep.summary(table).to_string(float_format='{:.2f}'.format)}\n")
    for path in recorded:
        print(path)
    for what, reason in failed.items():
        print(f"mraf: failed: {what}: {reason}", file=sys.stderr)
    return 1 if failed else 0


def ledger(options: argparse.Namespace) -> None:
    from mraf.evidence import claims, ledger, recorded
    from mraf.files import check_target, write_text

    for file in filter(None, (options.out, options.readme)):
        check_target(file)
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
    from mraf.related import measure, record

    corpus = data.load(options.data)
    table, text = measure(options.name, corpus)
    print(text)
    if options.record:
        print(record(table, options.name, corpus.name, options.command_line, options.record))


def figure(options: argparse.Namespace) -> None:
    from mraf_lessons.kit.pipeline import pipeline
    from mraf_lessons.kit.style import save

    save(pipeline(), options.out)
    print(options.out)
