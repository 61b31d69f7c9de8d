"""`mraf reproduce`: the whole story in one go, ending in a table and one HTML report."""

from pathlib import Path

import pandas as pd

from mraf.data.splits import SETTINGS, Split, validation_split
from mraf.errors import RunError
from mraf.evaluation.differences import compare_systems
from mraf.evaluation.predict import forward
from mraf.evaluation.results import Evaluation
from mraf.evaluation.run import evaluate_run
from mraf.files import slug_of, write_text
from mraf.training.experiment import Experiment, train_run
from mraf.training.runs import CONFIG, HISTORY, MODEL, Run
from mraf_lessons.data import figures as data_plots
from mraf_lessons.kit import results
from mraf_lessons.kit.pipeline import pipeline
from mraf_lessons.kit.report import Item, write_report

BASELINE = "class means, sum (clip-weighted)"


def reproduce(experiment: Experiment, out: Path, command: str) -> tuple[Evaluation, Path]:
    """Train, judge beside the baselines, draw and report; gives the path of the report, too.

    A finished run in the folder `out` is replaced, an unfinished one of the same configuration is
    resumed. Raises RunError where no video is held out, so that nothing could be judged.
    """
    if not experiment.config.training.holdout:
        raise RunError("holdout=false leaves no unseen video to judge and report; use mraf train "
                       "--final, then mraf submit.")  # fmt: skip
    folder = out / f"{slug_of(experiment.corpus.name)}-{experiment.preset}"
    run = train_run(experiment, folder / "training", resume=True)
    _replace(folder / "run", run)
    evaluation = evaluate_run(run, experiment.corpus, fop=True)
    write_text(folder / "evaluation.json", evaluation.to_json())
    facts = {
        "data": experiment.corpus.name, "preset": experiment.preset,
        "seed": run.config.training.seed, "device": next(run.model.parameters()).device,
        "training": f"{run.history['seconds'].sum():.0f} s",
    }  # fmt: skip
    sections, report = _sections(experiment, run, evaluation), folder / "report.html"
    write_report(report, "MRAF, reproduced", sections, command=command, facts=facts)
    return evaluation, report


def _replace(path: Path, run: Run) -> None:
    """Put a new run in the place of the old one, which is there until then.

    The weights go first and the settings last: what a kill leaves behind is then trained anew.
    """
    assert run.path is not None
    path.mkdir(parents=True, exist_ok=True)
    order = [MODEL, HISTORY, CONFIG]
    others = [file.name for file in run.path.iterdir() if file.name not in order]
    for name in [*others, *order]:
        (run.path / name).replace(path / name)
    run.path.rmdir()
    run.path = path


def _weights(run: Run, split: Split, clips: int = 1000) -> pd.DataFrame:
    """w_f and w_a (Eq. 11) of up to ``clips`` evenly spaced clips of each setting."""
    parts = []
    for setting in SETTINGS:
        judged = split.clips(setting)
        weight = forward(run.model, judged[:: max(1, len(judged) // clips)]).weight
        values = {name: w[:, 0].cpu().numpy() for name, w in weight._asdict().items()}
        parts.append(pd.DataFrame({"setting": setting.name, **values}))
    return pd.concat(parts, ignore_index=True)


def _difference(evaluation: Evaluation) -> pd.DataFrame:
    """MRAF minus the class means, in points, as text."""
    table = compare_systems(evaluation, [("MRAF", BASELINE)]).droplevel(["first", "second"])
    points = 100 * table[["difference", "low", "high"]]
    return table.assign(
        **points.apply(lambda values: values.map("{:+.1f}".format)),
        **table[["p", "p_holm"]].apply(lambda values: values.map("{:.2g}".format)),
    )


def _sections(experiment: Experiment, run: Run, evaluation: Evaluation) -> dict[str, list[Item]]:
    corpus = experiment.corpus
    split = validation_split(corpus, run.config.training.split_seed)
    language, other, sizes = corpus.train.language, corpus.cross.language, corpus.sizes
    settings = (
        f"P3 and P4 are {language} clips with and without their faces, P5 and P6 "
        f"those of {other}. {' '.join(split.notes)} Intervals are 95% over videos."
    )
    without_training = (
        "The class means train nothing: they compare a clip with the mean embedding of each "
        "speaker by cosine. A network that stays below them has lost something on the way."
    )
    against = f"Difference in points on the same clips: MRAF minus {BASELINE}."
    weights = (
        "Modality weights of Eq. 11. Without a face, w_f is 0 exactly and the fused prediction "
        "cannot depend on the missing token."
    )
    what = (
        f"One clip is a face embedding of {sizes['face_dim']} numbers and a voice embedding of "
        f"{sizes['voice_dim']}. {corpus.speakers} speakers have {len(corpus.train):,} {language} "
        f"training clips, and {len(corpus.cross):,} {other} clips that are never trained on."
    )
    if corpus.name == "twin":
        what += (
            "\n\nThese are clips of the synthetic twin: invented people with the statistics of "
            "MAV-Celeb. Set MRAF_DATA to the folder of the official features for the real ones."
        )
    accuracy = results.accuracy_table(evaluation.scores)
    counts, norms = data_plots.counts_and_imbalance(corpus), data_plots.norms(corpus)
    return {
        "The method": [pipeline()],
        "Accuracy": [settings, evaluation.table, accuracy, without_training],
        "MRAF against the class means": [against, _difference(evaluation)],
        "Training": [results.history(run.history)],
        "Whom it trusts": [weights, results.reliability_and_weights(_weights(run, split))],
        "Speakers": [results.per_speaker_accuracy(evaluation.per_speaker, "MRAF")],
        "The data": [what, counts, norms],
    }
