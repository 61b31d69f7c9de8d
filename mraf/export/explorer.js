// The reliability explorer: one clip, made worse, and what the network in this page makes of it.
// The same component for JupyterLab, Voilà and pages without a kernel; module.js comes before it.

const MOST_PROBABLE = 5;
const LOOK = `
.mraf-network { --face: #e69f00; --voice: #2c88bf; --fused: #009e73; font: 1rem/1.5 system-ui, sans-serif;
  color: var(--jp-content-font-color1, inherit); max-width: 62rem; }
.mraf-network h3 { font-size: 1rem; margin: 0 0 .4rem; }
.mraf-network form, .mraf-network .cards { display: grid; gap: .6rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.mraf-network form { border-block: 1px solid; padding-block: .6rem; margin-block: .6rem; align-items: end; }
.mraf-network label { display: block; }
.mraf-network :is(select, input[type=range], input[type=file]) { width: 100%; font: inherit; accent-color: var(--voice); }
.mraf-network select { color: CanvasText; background: Canvas; }
.mraf-network input[type=checkbox] { width: 1.2rem; height: 1.2rem; vertical-align: -.2rem; }
.mraf-network :focus-visible { outline: 3px solid var(--voice); outline-offset: 2px; }
.mraf-network .row { display: grid; grid-template-columns: 7.5rem 1fr 2.5rem; gap: .5rem; align-items: center; }
.mraf-network .row > :last-child { text-align: right; font-variant-numeric: tabular-nums; }
.mraf-network .rail { height: .9rem; background: rgb(128 128 128 / .3); position: relative; }
.mraf-network .bar { height: 100%; width: calc(100% * var(--x, 0)); background: var(--color); }
.mraf-network .was { position: absolute; inset: -.15rem auto -.15rem calc(100% * var(--was, -9)); border-left: 3px solid; }
.mraf-network [data-of=face] { --color: var(--face); }
.mraf-network [data-of=voice] { --color: var(--voice); }
.mraf-network [data-of=fused] { --color: var(--fused); }
.mraf-network .own, .mraf-network [role=status] { font-weight: bold; }
.mraf-network [role=status] { min-height: 3rem; }
`;
const KINDS = { noise: "noise", other: "another person's" };
const worse = (what, name) => `
  <div><label>${what}, made worse towards <select name="${name}-kind">${Object.entries(KINDS).map(
    ([kind, words]) => `<option value="${kind}">${words}`).join("")}</select></label>
  <label>How far: <span class="amount">0%</span>
    <input type="range" name="${name}" aria-label="${what}, how far" min="0" max="100" step="5" value="0"></label></div>`;
const PARTS = `<style>${LOOK}</style>
<form autocomplete="off">
  <div><label>Clip <select name="clip"></select></label>
  <label><input type="checkbox" name="present" checked> The face is there</label></div>
  ${worse("Face", "face")}${worse("Voice", "voice")}
</form>
<p role="status"></p>
<div class="cards">
  <section data-part="trust"><h3>Reliability r and weight w (Eq. 10–11)</h3></section>
  <section data-part="fused"><h3>Fused head: the answer</h3></section>
  <section data-part="face"><h3>Face head</h3></section>
  <section data-part="voice"><h3>Voice head</h3></section>
</div>
<p>Each head shows its five most probable speakers. A ✓ marks the true one, a black line the value of the
clip as it is. Computed in <span class="time">–</span> ms. <span class="origin"></span></p>
<p><label>Show a run of yours, its <code>weights.js</code> from <code>mraf export</code>
<input type="file" name="run" accept=".js"></label></p>`;

/** A named bar; returns what sets its value in [0, 1], where it was, and its name. */
function bar(section, of, name = "", spoken = name) {
  const row = document.createElement("div");
  row.className = "row";
  row.dataset.of = of;
  row.innerHTML = `<span>${name}</span><div class="rail" role="meter" aria-label="${spoken}"
    aria-valuemin="0" aria-valuemax="1"><div class="bar"></div><div class="was"></div></div><span></span>`;
  section.append(row);
  const [label, meter, number] = row.children;
  return (value, was, named, own) => {
    meter.style.setProperty("--x", value);
    meter.style.setProperty("--was", was);
    meter.setAttribute("aria-valuenow", value.toFixed(3));
    number.textContent = value.toFixed(2);
    if (!named) return;
    label.textContent = named + (own ? " ✓" : "");
    meter.setAttribute("aria-label", own ? `${named}, the true one` : named);
    row.classList.toggle("own", own);
  };
}

/** A direction of length 1 that is the same for the same seed. */
function direction(seed, size) {
  const random = () => { // mulberry32
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return normalise(Float32Array.from({ length: size }, normal));
}

/** A feature turned towards another by an amount in [0, 1], of its own length (mraf_related/degradation.py). */
function turned(x, target, amount) {
  const own = normalise(x), size = length(x);
  return normalise(own.map((v, i) => (1 - amount) * v + amount * target[i])).map((v) => size * v);
}

/** Bring an element to life with what `mraf export` wrote: {config, run, clips, tensors, data}. */
export async function explore(root, exported) {
  const { clips, run, config } = exported, net = await network(exported);
  root.classList.add("mraf-network");
  root.innerHTML = PARTS;
  const find = (what) => root.querySelector(what), field = (name) => find(`[name=${name}]`);
  for (const input of root.querySelectorAll("select, input")) {
    input.dataset.lmSuppressShortcuts = "true"; // keys are for the control, not for JupyterLab
  }
  const trust = find("[data-part=trust]");
  const bars = [["face", "r", "reliability"], ["voice", "r", "reliability"], ["face", "w", "weight"],
    ["voice", "w", "weight"]].map(([of, letter, word]) =>
    bar(trust, of, `${letter}<sub>${of === "face" ? "f" : "a"}</sub> ${of}`, `${word} of the ${of}`));
  const heads = {};
  for (const head of ["face", "voice", "fused"]) {
    const section = find(`[data-part=${head}]`), count = Math.min(MOST_PROBABLE, config.speakers);
    section.dataset.of = head;
    heads[head] = Array.from({ length: count }, () => bar(section, head));
  }
  clips.forEach(({ speaker, language }, i) => field("clip").add(new Option(`speaker ${speaker}, ${language}`, i)));
  find(".origin").textContent = `Trained on ${run.corpus}, preset ${run.preset}, seed ${run.seed}.`;

  const row = (what, i) => net.weights[`clips.${what}`].slice(i * config[`${what}_dim`], (i + 1) * config[`${what}_dim`]);
  const answer = (face, voice) => {
    const { reliability: r, weight: w, logits } = forward(net, face, voice);
    const shares = Object.fromEntries(Object.keys(heads).map((head) => [head, softmax(logits[head])]));
    return { trust: [r.face, r.voice, w.face, w.voice], shares };
  };
  let before; // the clip as it is, computed once for each clip
  const made = (what, i) => {
    const input = field(what), x = row(what, i), said = `${input.value}%`;
    input.previousElementSibling.textContent = said;
    const kind = field(`${what}-kind`).value;
    input.setAttribute("aria-valuetext", `${said} towards ${KINDS[kind]}`);
    const next = clips.findIndex((clip, j) => j > i && clip.speaker !== clips[i].speaker);
    const other = () => normalise(row(what, next < 0 ? 0 : next));
    const target = kind === "noise" ? direction(2 * i + (what === "voice"), x.length) : other();
    return turned(x, target, input.value / 100);
  };
  function show() {
    const started = performance.now(), i = Number(field("clip").value), { speaker } = clips[i];
    const there = field("present").checked;
    for (const name of ["face", "face-kind"]) field(name).disabled = !there;
    if (before?.clip !== i) before = { clip: i, ...answer(row("face", i), row("voice", i)) };
    const face = made("face", i), voice = made("voice", i);
    const now = answer(there ? face : face.fill(0), voice);
    now.trust.forEach((value, n) => bars[n](value, before.trust[n]));
    for (const [head, own] of Object.entries(heads)) {
      const p = now.shares[head], best = [...p.keys()].sort((a, b) => p[b] - p[a]);
      own.forEach((set, n) => set(p[best[n]], before.shares[head][best[n]], `speaker ${best[n]}`, best[n] === speaker));
      if (head !== "fused") continue;
      const right = best[0] === speaker ? "That is right" : `The speaker is ${speaker}`;
      find("[role=status]").textContent =
        `The network names speaker ${best[0]} with probability ${p[best[0]].toFixed(2)}. ${right}. ` +
        `The face has weight ${now.trust[2].toFixed(2)}, the voice ${now.trust[3].toFixed(2)}.`;
    }
    find(".time").textContent = (performance.now() - started).toFixed(0);
  }
  const alert = (words) => (find("[role=status]").textContent = words);
  field("run").addEventListener("change", async ({ target }) => {
    try {
      const theirs = JSON.parse((await target.files[0].text()).replace(/^globalThis\.mraf = /, "").replace(/;\s*$/, ""));
      if (!theirs.clips.length) return alert("This run was trained on people, so it has no clips to show.");
      await explore(root, theirs);
    } catch {
      alert("This is not a weights.js that mraf export wrote.");
    }
  });
  find("form").addEventListener("input", show);
  find("form").addEventListener("submit", (event) => event.preventDefault());
  show();
}
