"""Write docs/sheet.html, the network on one printed page: equations 1–17, symbols and settings.

Equations, modules and shapes come from the package, so the sheet says what the code does.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import re
import sys
from pathlib import Path

import matplotlib
from matplotlib.mathtext import math_to_image

from mraf import data
from mraf.files import write_text
from mraf.training.config import configure
from mraf.variants.build import build
from mraf_lessons.kit.arrays import SYMBOLS
from mraf_lessons.kit.style import CONDITIONS
from mraf_lessons.missing_token.steps import forward_steps

ROOT = Path(__file__).resolve().parents[1]
SHEET = ROOT / "docs" / "sheet.html"
NAMED = (
    "The fused head names the speaker",
    r"$\hat{y} = \mathrm{argmax}_c\, p(y = c)$, $p = \mathrm{softmax}(z_c)$ (Eq. 1)",
    "MRAF.fused_head",
)
LOSSES = [  # what training adds to the forward pass, as mraf/losses.py says it
    (
        "Three heads learn to name the speaker",
        r"$L_{ce} = \lambda_f CE(z_f, y) + \lambda_a CE(z_a, y) + \lambda_c CE(z_c, y)$ (Eq. 15)",
        "Objective.cross_entropy",
    ),
    (
        "With its face, a clip teaches itself without",
        r"$L_{kd} = T^2 KL(p^{AV} || p^A)$, $p = \mathrm{softmax}(z_c / T)$ (Eq. 16)",
        "distillation_loss",
    ),
    (
        "The whole objective, with a pull towards class centres",
        r"$L = L_{ce} + \lambda_{kd} L_{kd} + \lambda_{center} L_{center}$,  "
        r"$L_{center} = \frac{1}{2}\sum ||e_c - \mu_y||^2$ (Eq. 17)",
        "Objective · CenterLoss",
    ),
]  # fmt: skip
STYLE = """
@page { size: A4; margin: 9mm }
body { font: 8pt/1.25 "DejaVu Sans", system-ui, sans-serif; color: #222; max-width: 192mm;
  margin: 0 auto }
h1 { font-size: 14pt; margin: 0 } h2 { font-size: 10pt; margin: 2.2mm 0 0.6mm }
p { margin: 0.6mm 0 } table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: 0.25mm 1.5mm 0.25mm 0; vertical-align: middle;
  border-bottom: 0.1mm solid #bbb }
code { font-size: 7.5pt }
.picture svg { width: 100%; height: auto; max-height: 84mm }
.columns { display: grid; grid-template-columns: 62% 36%; gap: 2% }
"""


def drawn(equation: str) -> str:
    """An equation as an image, with its text as the alternative."""
    out = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "sheet", "mathtext.fontset": "dejavusans"}):
        math_to_image(equation, out, format="svg")
    text = html.escape(equation.replace("$", "").replace("\\mathrm", ""))
    code = base64.b64encode(out.getvalue()).decode()
    height = 0.72 * float(re.findall(rb'height="([\d.]+)pt"', out.getvalue())[0])
    look = f'style="height: {height:.1f}pt"'
    return f'<img alt="{text}" {look} src="data:image/svg+xml;base64,{code}">'


def steps() -> list[tuple[str, str, str]]:
    """Title, equation and module of each step, from a small network."""
    corpus = data.load("twin")
    config = configure("quick", corpus.speakers, {"width": 16, "tokens": 2, "precision": "float32"})
    found = forward_steps(build(config.model).eval(), corpus.train[:1])
    forward = [(step.title, step.equation, step.module) for step in found[:-1]]
    return [*forward, NAMED, *LOSSES]


def page() -> str:
    equations = "".join(
        f"<tr><td>{html.escape(title)}</td><td>{drawn(equation)}</td>"
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=SHEET)
    write_text(parser.parse_args().out, page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
