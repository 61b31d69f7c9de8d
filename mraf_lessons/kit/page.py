"""What explorers need of the page that shows them: their layout, and names for screen readers."""

from __future__ import annotations

STILL = (
    "<p>This picture is still: open the notebook in JupyterLab and choose "
    "<em>Run ▸ Run All Cells</em> to move its controls.</p>"
)

# Beside the picture where there is room, below it where there is not; both fit on the screen.
LIVE = """<style>
.mraf-explorer { container-type: inline-size; width: 100%; overflow: visible; }
.mraf-explorer > .widget-box {
  display: grid; grid-template-columns: minmax(260px, 1fr) minmax(0, 2.4fr); gap: 4px 12px;
  width: 100%; max-height: calc(100vh - 130px); overflow: hidden;
}
.mraf-explorer > .widget-box > .widget-vbox { display: block; overflow-y: auto; }
.mraf-explorer img { display: block; max-width: 100%; max-height: calc(100vh - 140px); }
.mraf-explorer .mraf-question {
  margin: -4px 0 4px 111px; font-size: 12px; line-height: 1.25;
  color: var(--jp-content-font-color1, inherit);
}
.mraf-explorer [disabled], .mraf-explorer .disabled { opacity: 0.5; }
@container (max-width: 600px) {
  .mraf-explorer > .widget-box {
    grid-template-columns: minmax(0, 1fr); grid-template-rows: auto minmax(80px, 1fr);
  }
  .mraf-explorer > .widget-box > .widget-html { order: -1; }
  .mraf-explorer img { max-height: 45vh; }
}
.jp-OutputArea:has(.mraf-explorer:not(.jupyter-widgets-disconnected)) .mraf-still,
.jp-OutputArea:has(.mraf-still) .mraf-explorer.jupyter-widgets-disconnected,
.jp-OutputArea:has(.mraf-still) .jupyter-widgets:not(:has(*)) { display: none; }
</style><script>
(() => {
  const area = document.currentScript.closest(".jp-OutputArea");
  const name = () => area.querySelectorAll(".mraf-explorer .widget-slider").forEach((slider) => {
    const handle = slider.querySelector("[role=slider]");
    const label = slider.querySelector(".widget-label");
    const value = slider.querySelector(".widget-readout");
    if (!handle || !label || !value) return;
    handle.setAttribute("aria-label", label.textContent);
    handle.setAttribute("aria-valuetext", value.textContent);
    value.setAttribute("role", "textbox");
    value.setAttribute("aria-label", `${label.textContent}, as a number`);
  });
  if (area) new MutationObserver(name).observe(area, { childList: true, subtree: true });
})();
</script>"""

RECORDED = """
(() => {
  const root = document.getElementById("NAME"), data = DATA, picture = root.querySelector("img");
  const make = (parent, kind, about) =>
    parent.appendChild(Object.assign(document.createElement(kind), about));
  const controls = Object.entries(data.controls).map(([label, words], number) => {
    const box = make(root.querySelector("div"), "div", { className: "mraf-choice" });
    const id = `NAME-${number}`, numbers = words.every((word) => /^[\\d.]+%?$/.test(word));
    make(box, "label", { htmlFor: id, textContent: label });
    const input = make(box, numbers ? "input" : "select", { id });
    if (numbers) Object.assign(input, { type: "range", min: 0, max: words.length - 1, value: 0 });
    else words.forEach((textContent, value) => make(input, "option", { value, textContent }));
    return { words, input, numbers, said: make(box, "output", { htmlFor: id }) };
  });
  const shown = (moved, to) => data.shown[controls.reduce((at, { words, input }, number) =>
    at * words.length + (number === moved ? to : Number(input.value)), 0)];
  const show = () => {
    const now = shown();
    controls.forEach(({ words, input, numbers, said }, number) => {
      const word = words[input.value];
      input.disabled = words.every((_, to) => shown(number, to) === now);
      said.textContent = (numbers ? word : "") + (input.disabled ? " changes nothing here" : "");
      if (numbers) input.setAttribute("aria-valuetext", word);
    });
    picture.src = "data:image/png;base64," + data.pictures[now];
    picture.alt = data.alts[now];
  };
  controls.forEach(({ input }) => input.addEventListener("input", show));
  root.querySelector("p + p").remove();
  show();
})();
"""

RECORDING = """<style>
.mraf-recording img { display: block; max-width: 100%; max-height: calc(100vh - 230px); }
.mraf-choice { display: inline-flex; gap: 0.6em; align-items: center; margin: 0 1.5em 0.6em 0; }
</style>"""
