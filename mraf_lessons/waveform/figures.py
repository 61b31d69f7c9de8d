"""Figures and players of notebook 13: made-up voices, their spectra, errors by length."""

import base64
import html
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML, Audio
from numpy.typing import NDArray
from scipy import signal

from mraf_lessons.kit import charts, style
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, styled
from mraf_related.short_segment.encoder import HOP
from mraf_related.waveform import RATE


def players(
    waves: Mapping[str, NDArray[Any]], pictures: Mapping[str, tuple[bytes, str]] | None = None
) -> HTML:
    """An audio player for each clip, under its name and its picture; all are equally loud.

    Pictures are PNG and say in words what they show; a clip may have none.
    """
    items = []
    for name, wave in waves.items():
        shown, image = html.escape(name), ""
        if pictures and name in pictures:
            content, words = pictures[name]
            source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
            image = f'<img src="{source}" width="96" alt="{html.escape(words)}"><br>'
        items.append(
            f"<figure style='display:inline-block;margin:4px'><figcaption>{shown}</figcaption>"
            f"{image}{Audio(wave, rate=RATE)._repr_html_()}</figure>"
        )
    return HTML("".join(items))


@styled
def spectra(waves: Mapping[str, NDArray[Any]], bands: Mapping[str, NDArray[Any]]) -> Figure:
    """Spectrograms of clips (n,), and the log energies (bands, T) of a filterbank, by name."""
    figure = style.new_figure(4.1 * len(waves), 4.6)
    panels = figure.subplots(2, len(waves), squeeze=False, sharex="all", sharey="row")
    said = ["Two rows for each clip, a spectrogram and the filterbank."]
    for column, (name, wave) in enumerate(waves.items()):
        above, below = panels[:, column]
        frequency, _, power = signal.spectrogram(wave, RATE, "hamming", 400, 320, 512)
        level = 10 * np.log10(power + 1e-12)
        ends = (0, len(wave) / RATE)
        above.imshow(
            level, extent=(*ends, 0, RATE / 2000), aspect="auto", origin="lower", cmap="Greys",
            vmin=np.quantile(level, 0.2), vmax=level.max(),
        )  # fmt: skip
        above.set_title(name)
        below.imshow(
            bands[name], extent=(0, bands[name].shape[1] * HOP / RATE, 0, len(bands[name])),
            aspect="auto", origin="lower", cmap="Blues",
        )  # fmt: skip
        below.set(xlabel="seconds", xlim=ends)
        loud = frequency[power.mean(axis=1).argmax()]
        said.append(f"{name}: most energy at {loud:.0f} Hz.")
    panels[0, 0].set_ylabel("spectrogram, kHz")
    panels[1, 0].set_ylabel("filterbank, band")
    return describe(figure, *said)


@draws("system", "condition", "length", "value", "low", "high")
def by_length(table: pd.DataFrame, title: str = "") -> Figure:
    """EER of each system by the seconds of the tested clip, in the language heard and unheard."""
    rows = table.assign(octave=np.log2(table.length))
    lengths, names = sorted(table.length.unique()), table.system.unique()
    looks = {name: {"color": colour, "marker": "o"}
             for name, colour in zip(names, style.CYCLE, strict=False)}  # fmt: skip
    figure = charts.curves(
        rows, "octave", "value", "system", "condition", looks=looks, title=title, width=4.2,
        text="Equal error rate against the length of the tested clip.",
    )  # fmt: skip
    for axes in figure.axes:
        axes.set_xticks(np.log2(lengths), [f"{length:g}" for length in lengths])
        axes.set(xlabel="seconds of the tested clip", ylim=(0, None))
    figure.axes[0].set_ylabel("EER on strangers")
    percent_axis(figure.axes[0])
    style.legend_below(figure, columns=min(3, len(names)))
    return figure
