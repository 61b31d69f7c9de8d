// The explorers of one clip: what the network in this page makes of it. The same component for
// JupyterLab, Voilà and pages without a kernel; module.js, steps.js and views.js come before it.

const LOOK = `
.mraf-network { --face: #e69f00; --voice: #2c88bf; --fused: #009e73; font: 1rem/1.5 system-ui, sans-serif;
  color: var(--jp-content-font-color1, inherit); max-width: 62rem; }
.mraf-network h3 { font-size: 1rem; margin: 0 0 .4rem; }
.mraf-network form, .mraf-network .cards { display: grid; gap: .6rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.mraf-network form { border-block: 1px solid; padding-block: .6rem; margin-block: .6rem; align-items: start; }
.mraf-network label { display: block; }
.mraf-network :is(select, input[type=range], input[type=file]) { width: 100%; margin: 0; box-sizing: border-box; font: inherit; accent-color: var(--voice); }
.mraf-network select { color: CanvasText; background: Canvas; }
.mraf-network input[type=checkbox] { width: 1.2rem; height: 1.2rem; vertical-align: -.2rem; }
.mraf-network :focus-visible { outline: 3px solid var(--voice); outline-offset: 2px; }
.mraf-network .why:empty { display: none; }
.mraf-network .why { font-style: italic; margin: 0; }
.mraf-network .row { display: grid; grid-template-columns: 7.5rem 1fr 3rem; gap: .5rem; align-items: center; }
.mraf-network .row > :last-child { text-align: right; font-variant-numeric: tabular-nums; }
.mraf-network .rail { height: .9rem; background: rgb(128 128 128 / .3); position: relative; }
.mraf-network .bar { height: 100%; width: calc(100% * var(--x, 0)); background: var(--color); }
.mraf-network .was { position: absolute; inset: -.15rem auto -.15rem calc(100% * var(--was, -9)); border-left: 3px solid; }
.mraf-network [data-of=face] { --color: var(--face); }
.mraf-network [data-of=voice] { --color: var(--voice); }
.mraf-network [data-of=fused] { --color: var(--fused); }
.mraf-network canvas { width: 100%; image-rendering: pixelated; border: 1px solid; box-sizing: border-box; }
.mraf-network .own, .mraf-network [role=status] { font-weight: bold; }
.mraf-network [role=status] { min-height: 3rem; }
`;
const MOST_PROBABLE = 5;
let reasons = 0; // each has a name of its own on the page
/** What a file says, as text: it may come from anybody. */
const escaped = (x) => String(x).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** A label with its control, and room for the reason why it changes nothing now. */
const control = (words, tag) => {
  const why = `mraf-why-${++reasons}`;
  return `<div><label>${words} ${tag.replace(" ", ` aria-describedby="${why}" `)}</label><p class="why" id="${why}"></p></div>`;
};
const choice = (name, words, options) => control(words, `<select name="${name}">${Object.entries(options)
  .map(([value, said]) => `<option value="${value}">${said}</option>`).join("")}</select>`);
const box = (name, words, on) =>
  control("", `<input type="checkbox" name="${name}"${on ? " checked" : ""}> ${words}`);
const slider = (name, words, { min = 0, max = 100, step = 5, value = min } = {}) =>
  control(`${words}: <span class="amount"></span>`, `<input type="range" name="${name}"
    aria-label="${words}" min="${min}" max="${max}" step="${step}" value="${value}">`);
const card = (part, title) => `<section data-part="${part}"><h3>${title}</h3></section>`;

/** A named bar; returns what sets its value in [0, most], where it was, and its name. */
function bar(section, of, name = "", spoken = name) {
  const row = document.createElement("div");
  row.className = "row";
  row.dataset.of = of;
  row.innerHTML = `<span>${name}</span><div class="rail" role="meter" aria-label="${spoken}"
    aria-valuemin="0"><div class="bar"></div><div class="was"></div></div><span></span>`;
  section.append(row);
  const [label, meter, number] = row.children;
  return (value, was, named, own, most = 1) => {
    meter.style.setProperty("--x", value / most);
    meter.style.setProperty("--was", was / most);
    meter.setAttribute("aria-valuemax", most.toFixed(3));
    meter.setAttribute("aria-valuenow", value.toFixed(3));
    number.textContent = value.toFixed(most < 1 ? 3 : 2);
    if (!named) return;
    label.textContent = named + (own ? " ✓" : "");
    meter.setAttribute("aria-label", own ? `${named}, the true one` : named);
    row.classList.toggle("own", own);
  };
}

/** Bars of r_f, r_a, w_f and w_a; returns what sets them to what `forward` gave, and gave before. */
function trustBars(section) {
  const bars = [["reliability", "face"], ["reliability", "voice"], ["weight", "face"], ["weight", "voice"]].map(
    ([word, of]) => [word, of, bar(section, of, `${word[0]}<sub>${of === "face" ? "f" : "a"}</sub> ${of}`, `${word} of the ${of}`)]);
  return (now, before) => bars.forEach(([word, of, set]) => set(now[word][of], before[word][of]));
}

/** Bars of the most probable speakers; returns what sets them and says the first of them. */
function speakerBars(section, head, speakers) {
  section.dataset.of = head;
  const bars = Array.from({ length: Math.min(MOST_PROBABLE, speakers) }, () => bar(section, head));
  return (p, was, own) => {
    const best = [...p.keys()].sort((a, b) => p[b] - p[a]);
    bars.forEach((set, n) => set(p[best[n]], was?.[best[n]] ?? -9, `speaker ${best[n]}`, best[n] === own));
    return best[0];
  };
}

/** Numbers as an image of equal rows, white at 0; blue above and orange below, up to the limit. */
function heatMap(section, values, rows, spoken) {
  const canvas = section.appendChild(document.createElement("canvas")), columns = values.length / rows;
  canvas.width = columns;
  canvas.height = rows;
  canvas.style.aspectRatio = `${columns} / ${Math.max(rows, columns / 12)}`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", spoken);
  const paint = canvas.getContext("2d"), image = paint.createImageData(columns, rows);
  const limit = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  values.forEach((value, i) => {
    const strength = Math.abs(value) / limit, colour = value > 0 ? [0, 90, 160] : [200, 90, 0];
    image.data.set([...colour.map((c) => 255 - strength * (255 - c)), 255], 4 * i);
  });
  paint.putImageData(image, 0, 0);
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

/**
 * Bring an element to life with what `mraf export` wrote: {config, run, clips, tensors, data}.
 *
 * views: names in VIEWS; the first is shown, and where there are more, one chooses among them.
 */
export async function explore(root, exported, views = Object.keys(VIEWS)) {
  const { clips, run, config } = exported, net = await network(exported), view = VIEWS[views[0]];
  const find = (what) => root.querySelector(what), field = (name) => find(`[name=${name}]`);
  const titles = Object.fromEntries(Object.keys(VIEWS).filter((name) => views.includes(name))
    .map((name) => [name, VIEWS[name].title]));
  const shown = clips.map(({ speaker, language }) => escaped(`speaker ${speaker}, ${language}`));
  root.classList.add("mraf-network");
  root.dataset.view = views[0];
  root.innerHTML = `<style>${LOOK}</style>
    ${views.length > 1 ? choice("view", "What to see", titles) : ""}
    <form autocomplete="off">${choice("clip", "Clip", shown)}${view.controls()}</form>
    <p role="status"></p><div class="cards">${view.cards()}</div>
    <p>${view.note} Computed in <span class="time">–</span> ms.
    Trained on ${escaped(run.corpus ?? "clips of this notebook")}, ${run.preset ? `preset ${escaped(run.preset)}, ` : ""}seed ${escaped(run.seed)}.</p>
    <p><label>Show a run of yours, its <code>weights.js</code> from <code>mraf export</code>
    <input type="file" name="run" accept=".js"></label></p>`;
  for (const input of root.querySelectorAll("select, input")) {
    input.dataset.lmSuppressShortcuts = "true"; // keys are for the control, not for JupyterLab
  }
  const stage = {
    net, clips, config, find, field,
    /** The features of a clip, as they are. */
    row: (what, i) => net.weights[`clips.${what}`].slice(i * config[`${what}_dim`], (i + 1) * config[`${what}_dim`]),
    /** Show the value of a slider, and say it. */
    say: (name, words) => {
      field(name).setAttribute("aria-valuetext", words);
      field(name).parentElement.querySelector(".amount").textContent = words;
    },
    /** Switch a control off and say why; no reason switches it on. */
    idle: (name, reason) => {
      field(name).disabled = Boolean(reason);
      find(`#${field(name).getAttribute("aria-describedby")}`).textContent = reason;
    },
  };
  const show = view.begin(stage), status = find("[role=status]");
  const answer = () => {
    const started = performance.now();
    status.textContent = show(Number(field("clip").value));
    find(".time").textContent = (performance.now() - started).toFixed(0);
  };
  stage.idle("clip", clips.length > 1 ? "" : "There is one clip to choose from.");
  field("run").addEventListener("change", async ({ target }) => {
    try {
      const theirs = JSON.parse((await target.files[0].text()).replace(/^globalThis\.mraf = /, "").replace(/;\s*$/, ""));
      if (!theirs.clips.length) return (status.textContent = "This run was trained on people, so it has no clips to show.");
      await explore(root, theirs, views);
    } catch { // maybe after it was drawn, with a status of its own
      find("[role=status]").textContent = "This is not a weights.js that mraf export wrote.";
    }
  });
  if (views.length > 1) {
    field("view").value = views[0];
    field("view").addEventListener("change", async ({ target: { value } }) => {
      await explore(root, exported, [value, ...views.filter((other) => other !== value)]);
      field("view").focus();
    });
  }
  find("form").addEventListener("input", answer);
  find("form").addEventListener("submit", (event) => event.preventDefault());
  answer();
}
