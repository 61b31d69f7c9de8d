"""What each command does: thin calls of the package, of which each loads only what it needs."""

import argparse
import shlex
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from mraf.errors import RunError

if TYPE_CHECKING:
    from mraf.training.experiment import Experiment
    from mraf.training.runs import Run


def doctor(options: argparse.Namespace) -> int:
    from mraf.cli.doctor import checks, table

    if options.install:
        from mraf_lessons.kit.install import install

        install()
        return 0
    results = checks()
    print(table(results))
    return int(any(check.status == "fail" for check in results))


def lessons(options: argparse.Namespace) -> None:
    from mraf.evidence.recorded import SITE
    from mraf.files import read_text, write_text

    new, remedy = {}, "move it away, or choose another folder"
    for pages in ("notebooks/*.ipynb", "docs/glossary.md", "docs/speed.md", "data/README.md"):
        found = sorted(SITE.glob(f"mraf_{pages}")) or sorted(SITE.glob(pages))  # or in a clone
        if not found:
            raise RunError(f"{SITE}/mraf_{pages}: missing; install mraf again.")
        for page in found:
            target = options.folder / pages.replace("notebooks/*.ipynb", page.name)
            text = page.read_text(encoding="utf-8")
            if page.suffix == ".ipynb":  # these are one folder higher than in the clone
                text = text.replace("](../", "](")
            if not target.exists():
                new[target] = text
            elif read_text(target, remedy, RunError) != text:
                raise RunError(f"{target}: is there and has been changed; {remedy}.")
    for target, text in new.items():
        write_text(target, text)
    print(*new, f"{len(new)} files are new. Next: jupyter lab", sep="\n")


def describe(options: argparse.Namespace) -> None:
    from mraf import data
    from mraf.data.describe import describe

    print(describe(data.load(options.data)))


def download(options: argparse.Namespace) -> int:
    from mraf.data.official import download as archives

    print(archives.CONSENT_NOTE)
    answer = "y" if options.yes else ""
    with suppress(EOFError):
        answer = answer or input("Do you accept? [y/N] ")
    if answer.strip().lower() not in {"y", "yes"}:
        print("Nothing was fetched. Accept with y, or with --yes.", file=sys.stderr)
        return 2
    for archive in options.from_archive:
        archives.extract(archive, options.folder)
    if not options.from_archive:
        archives.download(options.folder)
    print(f"Next: mraf data describe {shlex.quote(str(options.folder))}")
    return 0


def pack(options: argparse.Namespace) -> None:
    from mraf.data.official.pack import pack

    print(pack(options.folder, force=options.force))


def import_table(options: argparse.Namespace) -> None:
    from mraf.data.imported.folder import import_table

    corpus = import_table(options.table, options.out, options.train_on, options.cross)
    sizes = "faces of {face_dim} and voices of {voice_dim} numbers".format(**corpus.sizes)
    print(f"{corpus.name}: {corpus.speakers} speakers, {sizes}")
    for name, part in corpus.parts.items():
        missing = f"{part.face_missing.sum():,} without a face"
        hidden = ", speakers hidden" if part.speaker is None else ""
        print(f"  {name:<12} {part.language:<12} {len(part):>9,} clips, {missing}{hidden}")
    print(f"Next: mraf train --data {shlex.quote(str(options.out))} --preset quick --out runs/own")


def embed(options: argparse.Namespace) -> int:
    from mraf_related.embedding.folder import embed_folder

    found = embed_folder(options.folder, options.out, options.voice, options.face)
    faces = (found.table.face != "").sum()
    print(f"{options.out}: {len(found.table):,} clips, {faces:,} of them with a face")
    for path, reason in found.failed.items():
        print(f"mraf: failed: {path}: {reason.removeprefix(f'{path}: ')}", file=sys.stderr)
    print(f"Next: mraf data import {shlex.quote(str(options.out))} --out own")
    return int(bool(found.failed))


def forget(options: argparse.Namespace) -> None:
    from mraf_related.embedding.forget import forget

    print("deleted:", *forget(options.folder), sep="\n")


def train(options: argparse.Namespace) -> None:
    from mraf.training.experiment import train_run

    run = train_run(_experiment(options), options.out, resume=options.resume)
    last = run.history.iloc[-1]
    done = f"epoch {last.epoch:.0f}, loss {last.loss:.3g}, {last.accuracy:.1%} on training"
    judge = ["submit", "--out", "submission"] if options.final else ["evaluate"]
    data = ["--data", options.data] if options.data else []
    print(f"{run.path}: {done}\nNext: {shlex.join(['mraf', *judge, *data, str(run.path)])}")


def _experiment(options: argparse.Namespace) -> "Experiment":
    from mraf.training.config import parse_overrides
    from mraf.training.experiment import Experiment

    short = {"epochs": options.epochs, "seed": options.seed}
    given = {key: value for key, value in short.items() if value is not None}
    overrides = parse_overrides(options.set) | given
    if getattr(options, "final", False):
        overrides["holdout"] = False
    preset = options.preset if options.recipe == "paper" else f"{options.preset}+{options.recipe}"
    return Experiment.of(options.data, preset, overrides, options.device)


def evaluate(options: argparse.Namespace) -> None:
    from mraf.evaluation.run import record
    from mraf.files import check_target, write_text
    from mraf_related.leaderboard.run import evaluate_run

    for file in filter(None, (options.json, options.record)):
        check_target(file)
    run, data, split = _run(options), options.data, options.split
    evaluation = evaluate_run(run, data, split, fop=options.fop, protocol=options.protocol)
    try:
        if options.json:
            write_text(options.json, evaluation.to_json())
        if options.record:
            record(evaluation, run, options.command_line, options.record)
    finally:  # neither a full disk nor a closed pipe takes the other half of the work
        print(evaluation.markdown)


def _run(options: argparse.Namespace) -> "Run":
    from mraf.training.device import resolve_device
    from mraf.training.runs import Run

    return Run.load(options.path, resolve_device(options.device))


def submit(options: argparse.Namespace) -> None:
    from mraf_related.leaderboard.run import submit_run

    print(*submit_run(_run(options), options.data, options.out, options.protocol), sep="\n")


def score(options: argparse.Namespace) -> None:
    from mraf.evaluation.submission import score_submission

    print(score_submission(options.folder, options.labels).markdown)


def reproduce(options: argparse.Namespace) -> None:
    from mraf_lessons.kit.reproduce import reproduce

    evaluation, report = reproduce(_experiment(options), options.out, options.command_line)
    print(f"\n{evaluation.markdown}\n\nReport: {report.resolve()}")


def sweep(options: argparse.Namespace) -> int:
    from mraf.evidence.sweeps.sweep import Sweep, parse_seeds
    from mraf.evidence.sweeps.tables import read_table, table_file
    from mraf.evidence.sweeps.workers import Cluster, Processes, Workers
    from mraf.files import check_target

    if options.record:
        check_target(options.record / "sweep.csv")
    tables = [read_table(table_file(name), options.preset) for name in options.tables]
    workers: Workers
    workers = Processes(options.jobs) if options.cluster is None else Cluster(options.cluster)
    with closing(workers):
        sweep = Sweep(
            tables,
            workers,
            preset=options.preset,
            seeds=parse_seeds(options.seeds),
            arms=options.arms,
            source=options.data,
            folder=options.folder,
            device=options.device,
            stack=options.stack,
        )
        try:
            failed = sweep.run()
        finally:  # what was finished before an interruption is recorded, too
            recorded = sweep.record(options.record) if options.record else []
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

    if options.out:
        check_target(options.out)
    declared = claims.read_claims(options.claims or recorded.find(claims.FILE) or claims.FILE)
    folder = options.recorded or recorded.find(recorded.FOLDER) or recorded.FOLDER
    table = ledger.ledger(declared, folder)
    if options.out:
        write_text(options.out, ledger.to_csv(table))
    print(ledger.summary(table))


def related(options: argparse.Namespace) -> None:
    from mraf import data
    from mraf.files import check_target
    from mraf_related import measure, record

    if options.record:
        check_target(options.record / "study.csv")
    corpus = data.load(options.data)
    table, text = measure(options.name, corpus)
    print(text)
    if options.record:
        print(record(table, options.name, corpus.name, options.command_line, options.record))


def export(options: argparse.Namespace) -> None:
    from mraf.export.export import export_run, quick_run

    run = _run(options) if options.path else quick_run()
    print(*export_run(run, options.out, onnx=options.onnx), sep="\n")


def figure(options: argparse.Namespace) -> None:
    from mraf_lessons.kit.pipeline import pipeline
    from mraf_lessons.kit.style import save

    save(pipeline(), options.out)
    print(options.out)
