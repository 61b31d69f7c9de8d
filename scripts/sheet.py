"""Write docs/sheet.html, the network on one printed page: equations 1–17, symbols and settings.

Equations and modules are those of the live explorer, symbols and shapes those of the lessons.
"""

from __future__ import annotations

import argparse
import html
import json
from pathlib import Path

import recording

from mraf.export.export import script
from mraf.files import write_text
from mraf_lessons.kit.arrays import SYMBOLS
from mraf_lessons.kit.style import CONDITIONS

ROOT = Path(__file__).resolve().parents[1]
SHEET = ROOT / "docs" / "sheet.html"
NAMED = (
    "The fused head names the speaker",
    "ŷ = argmax<sub>c</sub> p(y = c), p = softmax(z<sub>c</sub>) (Eq. 1)",
    "MRAF.fused_head",
)
LOSSES = [  # what training adds to the forward pass, as mraf/losses.py says it
    (
        "Three heads learn to name the speaker",
        "L<sub>ce</sub> = λ<sub>f</sub> CE(z<sub>f</sub>, y) + λ<sub>a</sub> CE(z<sub>a</sub>, y)"
        " + λ<sub>c</sub> CE(z<sub>c</sub>, y) (Eq. 15)",
        "Objective.cross_entropy",
    ),
    (
        "With its face, a clip teaches itself without",
        "L<sub>kd</sub> = T² KL(p<sup>AV</sup> ‖ p<sup>A</sup>), p = softmax(z<sub>c</sub> / T)"
        " (Eq. 16)",
        "distillation_loss",
    ),
    (
        "The whole objective, with a pull towards class centres",
        "L = L<sub>ce</sub> + λ<sub>kd</sub> L<sub>kd</sub> + λ<sub>center</sub> L<sub>center</sub>"
        ", L<sub>center</sub> = ½ Σ ‖e<sub>c</sub> − μ<sub>y</sub>‖² (Eq. 17)",
        "Objective · CenterLoss",
    ),
]
STYLE = """
@page { size: A4; margin: 9mm }
body { font: 8pt/1.25 "DejaVu Sans", system-ui, sans-serif; color: #222; max-width: 192mm;
  margin: 0 auto }
h1 { font-size: 14pt; margin: 0 } h2 { font-size: 10pt; margin: 2.2mm 0 0.6mm }
p { margin: 0.6mm 0 } table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: 0.25mm 1.5mm 0.25mm 0; vertical-align: middle;
  border-bottom: 0.1mm solid #bbb }
code { font-size: 7.5pt } sub, sup { line-height: 0 }
.picture svg { width: 100%; height: auto; max-height: 84mm }
.columns { display: grid; grid-template-columns: 62% 36%; gap: 2% }
"""


def steps() -> list[tuple[str, str, str]]:
    """Title, equation in HTML and module of each step, as the live explorer names them."""
    text = script("steps.js")
    found = json.loads(text[text.index("[") : text.rindex("]") + 1])
    forward = [(step["title"], step["equation"], step["code"]) for step in found[:-1]]
    return [*forward, NAMED, *LOSSES]


def page() -> str:
    equations = "".join(
        f"<tr><td>{html.escape(title)}</td><td>{equation}</td>"
        f"<td><code>{html.escape(module)}</code></td></tr>"
        for title, equation, module in steps()
    )
    symbols = "".join(
        f"<tr><td><b>{name}</b></td><td>{html.escape(what)}</td><td>{shape}</td></tr>"
        for name, (what, _, _, shape) in SYMBOLS.items()
    )
    settings = "".join(
        f"<tr><td><b>{name}</b></td><td>{text}</td></tr>" for name, text in CONDITIONS.items()
    )
    picture = (ROOT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>MRAF on one page</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body><main>
<h1>MRAF on one page</h1>
<p>Names the speaker of a clip from a face and a voice. The face may be missing, and the language
may change. (arXiv:2606.12495)</p>
<div class="picture">{picture[picture.index("<svg") :]}</div>
<h2>The equations, and where they stand in the code</h2>
<table><tr><th>step</th><th>equation</th><th>code</th></tr>{equations}</table>
<div class="columns"><section><h2>Symbols: what they are, and their shapes</h2>
<table>{symbols}</table></section>
<section><h2>The settings</h2><table>{settings}</table>
<p>B clips, K tokens, width d, H attention heads, C speakers. m is f (face) or a (voice). σ is the
sigmoid, LN a LayerNorm, CE the cross-entropy, KL the Kullback–Leibler divergence.</p>
</section></div>
<p>Text and figures: CC BY 4.0. Written by <code>make sheet</code>.</p>
</main></body></html>
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=SHEET)
    write_text(parser.parse_args().out, page())


if __name__ == "__main__":
    recording.run(main)
