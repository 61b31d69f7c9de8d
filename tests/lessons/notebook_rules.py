"""What holds for every notebook. Each rule returns complaints; a good notebook gives none."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

from nbformat import NotebookNode

Rule = Callable[[NotebookNode], list[str]]

HEADINGS = ("Set-up", "Exercises", "Take-away", "References")  # sections 1, 2, … after Set-up
OPENING = ("**You will learn**", "**You need**", "**Time**")
RESTARTED = "after a restart"
ABSOLUTE = re.compile(
    r"(?<![\w.:/~])/(?:home|root|tmp|work|Users|usr|opt|mnt|var|private|srv|data)/|\b[A-Z]:\\\\?\w"
)
# percent signs and decimals look like results; what is computed belongs into a cell's output
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?\s?(?:%|percent)|(?<![\w./:])\d+\.\d+(?!\w|\.\d|/)")
LEVEL = "95%"  # of an interval: a convention, not a result
TEX = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\([^)]*\)|https?://\S+|arXiv:\S+")
MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")


class Images(HTMLParser):
    """The alt texts of the images of a piece of HTML; None where an image has none."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.alts: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.alts.append(dict(attributes).get("alt"))


def of_type(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    for cell in of_type(notebook, "code"):
        for output in cell.outputs:
            yield cell, output


def written(output: NotebookNode) -> str:
    """All text of an output, images left out."""
    texts = [output.get("text", ""), *output.get("traceback", [])]
    texts += [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return re.sub(r"data:image/[^\"]+", "", "\n".join(map(str, texts)))


def draws(cell: NotebookNode) -> bool:
    return any(
        "<img" in output.get("data", {}).get("text/html", "") for output in cell.get("outputs", [])
    )


def cells_have_content(notebook: NotebookNode) -> list[str]:
    found = [f"{cell.id}: empty" for cell in notebook.cells if not cell.source.strip()]
    if len(of_type(notebook, "code")) < 5 or len(of_type(notebook, "markdown")) < 5:
        found.append("fewer than five cells of code or of text")
    if not any("assert " in cell.source for cell in of_type(notebook, "code")):
        found.append("no cell asserts anything")
    return found


def ran_from_top_to_bottom(notebook: NotebookNode) -> list[str]:
    counts = [cell.execution_count for cell in of_type(notebook, "code")]
    expected = list(range(1, len(counts) + 1))
    return [] if counts == expected else [f"executed in the order {counts}; run it anew"]


def follows_the_template(notebook: NotebookNode) -> list[str]:
    texts = [cell.source for cell in of_type(notebook, "markdown")]
    title = notebook.cells[0].source
    found = [f"the first cell lacks {part}" for part in OPENING if part not in title]
    if not re.match(r"# \d\d[a-z]? · \S.*\n\n\S", title):
        found.append("the first cell is not '# 01 · title' and a sentence")
    if not any(text.startswith("## Set-up") and RESTARTED in text for text in texts):
        found.append(f"the set-up does not say what to do '{RESTARTED} of the kernel'")
    headings = [line[3:] for text in texts for line in text.split("\n") if line.startswith("## ")]
    sections = [heading for heading in headings if re.match(r"\d+\. ", heading)]
    if sections != sorted(sections, key=lambda heading: int(heading.split(".")[0])):
        found.append(f"sections are numbered {sections}")
    expected = [HEADINGS[0], *sections, *HEADINGS[1:]]
    if not sections or headings != expected:
        found.append(f"headings are {headings}, expected {expected}")
    return found


def discusses(cell: NotebookNode) -> bool:
    """Whether a cell displays what is to be seen."""
    shown = [output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", [])]
    return any("**What you see" in text for text in shown)


def readings_have_numbers_of_the_run(notebook: NotebookNode) -> list[str]:
    """ "What you see" is written by a cell, so that it cannot contradict another run."""
    said = [cell for cell in notebook.cells if "**What you see" in cell.source]
    found = [f"{cell.id}: a reading that is typed, not computed" for cell in said]
    for cell in of_type(notebook, "code"):
        shown = [out.get("data", {}).get("text/markdown", "") for out in cell.outputs]
        if any("**What you see" in text and not re.search(r"\d", text) for text in shown):
            found.append(f"{cell.id}: a reading without a number")
    return found


def figures_are_predicted_and_discussed(notebook: NotebookNode) -> list[str]:
    """Before each figure a question since the last discussion, after it a discussion."""
    found, asked, pending = [], False, ""
    for cell in notebook.cells:
        if draws(cell):
            pending = cell.id
            if not asked:
                found.append(f"{cell.id}: a figure before a prediction")
        if discusses(cell):
            asked, pending = False, ""
        if re.search(r"^> \*\*Predict\.\*\*|^quiz\.ask\(", cell.source, re.MULTILINE):
            asked = True
        if pending and cell.cell_type == "markdown" and "## " in cell.source:
            found.append(f"{pending}: a figure, and nobody says what is to be seen")
            pending = ""
    return found


def images_have_alt_text(notebook: NotebookNode) -> list[str]:
    """Images are HTML, once: JupyterLab gives those of other kinds no text."""
    found = []
    for cell, output in outputs(notebook):
        bundle: dict[str, Any] = output.get("data", {})
        alts = Images(bundle.get("text/html", "")).alts
        if any(kind.startswith("image/") for kind in bundle):
            alts.append(None)
        if any(not (alt or "").strip() for alt in alts):
            found.append(f"{cell.id}: an image without alt text")
    for cell in of_type(notebook, "markdown"):
        alts = [match["alt"] for match in MARKDOWN_IMAGE.finditer(cell.source)]
        if any(not (alt or "").strip() for alt in [*alts, *Images(cell.source).alts]):
            found.append(f"{cell.id}: an image without alt text")
    return found


def names_no_absolute_path(notebook: NotebookNode) -> list[str]:
    texts = [(cell.id, cell.source) for cell in notebook.cells]
    texts += [(cell.id, html.unescape(written(output))) for cell, output in outputs(notebook)]
    return [f"{name}: {found[0]}" for name, text in texts if (found := ABSOLUTE.search(text))]


def shows_no_error_or_warning(notebook: NotebookNode) -> list[str]:
    found = []
    for cell, output in outputs(notebook):
        if output.output_type == "error" or "Traceback (most recent call last)" in written(output):
            found.append(f"{cell.id}: a traceback")
        if output.get("name") == "stderr":
            found.append(f"{cell.id}: something on stderr")
        if warning := re.search(r"\w*Warning\b", written(output)):
            found.append(f"{cell.id}: {warning[0]}")
    return found


def text_holds_no_results(notebook: NotebookNode) -> list[str]:
    """Numbers that look like results, in Markdown: nobody would notice when they turn wrong."""
    found = []
    for cell in of_type(notebook, "markdown"):
        text = cell.source
        for harmless in (TEX, CODE, LINK):
            text = harmless.sub("", text)
        text = re.sub(r"^#+ .*$|\bsections? \d+\.\d+", "", text, flags=re.MULTILINE)
        numbers = [match[0] for match in NUMBER.finditer(text) if match[0] != LEVEL]
        found += [f"{cell.id}: {number}" for number in numbers]
    return found


def comes_from_the_twin(notebook: NotebookNode) -> list[str]:
    """Features of real people never belong in the repository, in no output either."""
    text = "\n".join(written(output) for _, output in outputs(notebook))
    return [] if re.search(r"^corpus: twin$", text, re.MULTILINE) else ["not run on the twin"]


def ends_no_cell_with_a_semicolon(notebook: NotebookNode) -> list[str]:
    return [
        f"{cell.id}: a trailing ';'; write `_ = …`"
        for cell in of_type(notebook, "code")
        if cell.source.rstrip().endswith(";")
    ]


def code_needs_no_magic(notebook: NotebookNode) -> list[str]:
    """Plain Python: no %magic and no !shell, which run nowhere else."""
    found = []
    for cell in of_type(notebook, "code"):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            found.append(f"{cell.id}: {error}")
    return found


def exercises_wait_for_answers(notebook: NotebookNode) -> list[str]:
    stubs = [cell for cell in of_type(notebook, "code") if "# your answer" in cell.source]
    found = [] if 3 <= len(stubs) <= 5 else [f"{len(stubs)} exercises; three to five are wanted"]
    for cell in stubs:
        if not any("Not answered yet" in written(output) for output in cell.outputs):
            found.append(f"{cell.id}: does not say that it is not answered yet")
    return found


def predictions_are_answered(notebook: NotebookNode) -> list[str]:
    """What `quiz` asks is answered below it, and counted at the end."""
    asked: list[str] = []
    found: list[str] = []
    code = [cell.source for cell in of_type(notebook, "code")]
    for source in code:
        asked += re.findall(r"\bquiz\.ask\(\"([^\"]+)\"\)", source)
        for name in re.findall(r"\bquiz\.answer\(\s*\"([^\"]+)\"", source):
            if name in asked:
                asked.remove(name)
            else:
                found.append(f"{name}: answered before it is asked")
    found += [f"{name}: asked and never answered" for name in asked]
    if any("quiz.ask(" in source for source in code) != any("quiz.score(" in x for x in code):
        found.append("predictions are asked and not counted, or the other way round")
    return found


def comparisons_are_corrected(notebook: NotebookNode) -> list[str]:
    """Verdicts that stand together are corrected together: no verdict of a single test is shown."""
    return [
        f"{cell.id}: {found}"
        for cell in of_type(notebook, "code")
        for found in uncorrected(cell.source)
    ]


SINGLE = {"paired_difference", "difference", "weighted_sum", "cost_difference"}
OWN_TESTS = {"ppf", "sf", "ttest_rel", "ttest_ind", "ttest_1samp", "wilcoxon", "permutation_test"}
WORDS = {"better", "worse", "less", "more", "holds", "does not hold", "cannot be told apart"}
BY_HAND = "by hand"  # in a line that teaches a test, and says nothing about a system


def uncorrected(source: str) -> list[str]:
    """Comparisons of a piece of code without `corrected`, and verdicts by a rule of its own."""
    tree, lines = ast.parse(source), source.splitlines()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    around = [call for call in calls if called(call) == "corrected"]
    within = {id(node) for call in around for node in ast.walk(call)}
    found = []
    for call in calls:
        if called(call) in SINGLE | OWN_TESTS and id(call) not in within:
            found.append((call, f"`{called(call)}` alone; take `compare_…`, or `corrected` around"))
    for choice in (node for node in ast.walk(tree) if isinstance(node, ast.IfExp)):
        asked = {getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(choice.test)}
        words = {getattr(side, "value", "") for side in (choice.body, choice.orelse)}
        if words & WORDS and asked & {"low", "high", "p"}:
            found.append((choice, "a rule of its own for a verdict; take that of `corrected`"))
    return [said for node, said in found if BY_HAND not in lines[node.lineno - 1]]


def called(call: ast.Call) -> str:
    """The name of what is called, without what it is an attribute of."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


RULES: tuple[Rule, ...] = (
    cells_have_content,
    ran_from_top_to_bottom,
    follows_the_template,
    readings_have_numbers_of_the_run,
    figures_are_predicted_and_discussed,
    images_have_alt_text,
    names_no_absolute_path,
    shows_no_error_or_warning,
    text_holds_no_results,
    comes_from_the_twin,
    ends_no_cell_with_a_semicolon,
    code_needs_no_magic,
    exercises_wait_for_answers,
    predictions_are_answered,
    comparisons_are_corrected,
)
