// What the explorer shows, by name. Each view has a title, controls, cards for the answer, a note,
// and `begin`, which returns what shows clip number i and says it in words.

const KINDS = { noise: "noise", other: "another person's" };
const THREE_HEADS = () => card("fused", "Fused head: the answer") + card("face", "Face head") + card("voice", "Voice head");
const HEADS = ["face", "voice", "fused"];
const SHOWS = "Each head shows its five most probable speakers. A ✓ marks the true one, a black line";

/** Bars of all three heads; returns what shows the logits beside earlier ones and says who is named. */
function threeHeads({ find, config, clips }) {
  const bars = HEADS.map((head) => [head, speakerBars(find(`[data-part=${head}]`), head, config.speakers)]);
  return (logits, before, i) => {
    const { speaker } = clips[i], best = bars.map(([head, set]) => set(softmax(logits[head]), softmax(before[head]), speaker))[2];
    const right = best === speaker ? "That is right" : `The speaker is ${speaker}`;
    return `The network names speaker ${best} with probability ${softmax(logits.fused)[best].toFixed(2)}. ${right}.`;
  };
}

/** What a function of a clip's number answers, computed once for each clip. */
function once(compute) {
  const found = new Map();
  return (i) => found.get(i) ?? found.set(i, compute(i)).get(i);
}

/** A feature turned towards another by an amount in [0, 1], of its own length (mraf_related/degradation.py). */
function turned(x, target, amount) {
  const own = normalise(x), size = length(x);
  return normalise(own.map((v, i) => (1 - amount) * v + amount * target[i])).map((v) => size * v);
}

const most = (x, y) => x.reduce((found, value, i) => Math.max(found, Math.abs(value - y[i])), 0);
const moved = (distance) => (distance === 0 ? "do not move at all" : `move by up to ${distance.toPrecision(2)}`);

const VIEWS = {
  reliability: {
    title: "Make a face or a voice worse",
    controls: () => box("present", "The face is there", true) + ["Face", "Voice"].map((what) =>
      choice(`${what.toLowerCase()}-kind`, `${what}, made worse towards`, KINDS) + slider(what.toLowerCase(), `${what}, how far`)).join(""),
    cards: () => card("trust", "Reliability r and weight w (Eq. 10–11)") + THREE_HEADS(),
    note: `${SHOWS} the value of the clip as it is.`,
    begin(stage) {
      const { net, clips, find, field, row, say, idle } = stage;
      const trust = trustBars(find("[data-part=trust]")), heads = threeHeads(stage);
      const before = once((i) => forward(net, row("face", i), row("voice", i)));
      const made = (what, i) => {
        const amount = field(what).value, kind = field(`${what}-kind`).value, x = row(what, i);
        say(what, `${amount}% towards ${KINDS[kind]}`);
        const next = clips.findIndex((clip, j) => j > i && clip.speaker !== clips[i].speaker);
        const target = kind === "noise" ? direction(2 * i + (what === "voice"), x.length) : normalise(row(what, Math.max(next, 0)));
        return turned(x, target, amount / 100);
      };
      return (i) => {
        const there = field("present").checked, face = made("face", i), voice = made("voice", i);
        idle("face", there ? "" : "There is no face to make worse.");
        for (const what of ["face", "voice"]) {
          const none = field(what).value === "0" ? "At 0% no target counts." : "";
          idle(`${what}-kind`, what === "face" && !there ? "There is no face." : none);
        }
        const now = forward(net, there ? face : face.fill(0), voice);
        trust(now, before(i));
        return `${heads(now.logits, before(i).logits, i)} The face has weight ${now.weight.face.toFixed(2)}, ` +
          `the voice ${now.weight.voice.toFixed(2)}.`;
      };
    },
  },

  follow: {
    title: "Follow one clip, step by step",
    controls: () => box("present", "The face is there", true) + slider("step", "Step", { min: 1, max: STEPS.length, step: 1 }),
    cards: () => "",
    note: "Images are white at 0, blue above and orange below, up to the largest number in them.",
    begin({ net, clips, config, find, field, row, say }) {
      const face = once((i) => forward(net, row("face", i), row("voice", i)));
      const none = once((i) => forward(net, row("face", i).fill(0), row("voice", i)));
      const { tokens, heads, width } = config, cards = find(".cards");
      const shapes = { tokens: `${tokens} × ${width}`, maps: `${heads} × ${tokens} × ${tokens}` };
      const part = (output, path) => path.split(".").reduce((found, name) => found[name], output);
      const draw = (kind, name, value, other, own) => {
        const section = document.createElement("section"), plain = name.replace(/<\/?sub>/g, "");
        const head = name.replace(" head", ""), of = name.includes("<sub>f") ? "face" : "voice";
        section.dataset.part = plain;
        cards.append(section);
        if (kind === "number") {
          bar(section, of, name, plain)(value, other);
          return `${plain} is ${value.toFixed(3)}, ${otherwise()} ${other.toFixed(3)}.`;
        }
        if (kind === "speakers") {
          section.innerHTML = `<h3>${name}</h3>`;
          const p = softmax(value), best = speakerBars(section, head, config.speakers)(p, softmax(other), own);
          return `The ${plain} gives speaker ${best} ${p[best].toFixed(2)}.`;
        }
        const shape = shapes[kind] ?? value.length, size = (x) => length(x).toPrecision(3);
        section.innerHTML = `<h3>${name} <small>(${escaped(shape)})</small></h3>`;
        const rows = kind === "vector" ? Math.ceil(value.length / 64) : tokens; // long vectors are folded
        const beside = kind !== "maps" ? value : value.map((_, n) => { // maps stand side by side
          const column = n % (heads * tokens), k = column % tokens;
          return value[(column - k + Math.floor(n / (heads * tokens))) * tokens + k];
        });
        heatMap(section, beside, value.length % rows ? 1 : rows, `${plain}, ${shape} numbers`);
        section.append(`length ${size(value)}, ${otherwise()} ${size(other)}`);
        return `${plain} has ${shape} numbers of length ${size(value)}, ${otherwise()} ${size(other)}.`;
      };
      const otherwise = () => (field("present").checked ? "without its face" : "with its face");
      return (i) => {
        const number = Number(field("step").value), { title, missing, equation, code, kind, values } = STEPS[number - 1];
        const there = field("present").checked, [now, other] = there ? [face(i), none(i)] : [none(i), face(i)];
        const happens = there ? title : missing ?? title;
        say("step", `${number} of ${STEPS.length}, ${happens}`);
        cards.innerHTML = `<section><h3>${happens}</h3><p>${equation}<br><code>${code}</code></p></section>`;
        return Object.entries(values).map(([name, path]) =>
          draw(kind, name, part(now, path), part(other, path), clips[i].speaker)).join(" ");
      };
    },
  },

  token: {
    title: "Move the missing token",
    controls: () => choice("stand-in", "In place of the missing face", { token: "the trained token", zero: "zeros" }) +
      slider("size", "Length of the token", { max: 20, step: 1, value: 1 }) +
      slider("step", "Step in a random direction", { max: 24, step: 1 }) +
      box("scored", "Score the stand-in like a face", false),
    cards: () => card("trust", "Reliability r and weight w (Eq. 10–11)") + THREE_HEADS(),
    note: `No face is given. ${SHOWS} the paper's way: the trained token, not scored.`,
    begin(stage) {
      const { net, find, field, row, say, idle } = stage, trained = net.weights["missing_face.token"];
      const trust = trustBars(find("[data-part=trust]")), heads = threeHeads(stage);
      const missing = new Float32Array(trained.length), way = direction(7, trained.length);
      const before = once((i) => forward(net, missing, row("voice", i)));
      return (i) => {
        const zero = field("stand-in").value === "zero", scored = field("scored").checked;
        const [size, step] = ["size", "step"].map((name) => Number(field(name).value));
        const token = trained.map((value, n) => (zero ? 0 : size * value) + step * way[n]);
        say("size", zero ? "0" : `${size} times, ${length(trained.map((v) => size * v)).toFixed(1)}`);
        say("step", String(step));
        idle("size", zero ? "Zeros stay zeros, however often one takes them." : "");
        const now = forward(net, missing, row("voice", i), { token, scored });
        trust(now, before(i));
        const [face, fused] = ["face", "fused"].map((head) => most(now.logits[head], before(i).logits[head]));
        return `${heads(now.logits, before(i).logits, i)} The fused logits ${moved(fused)}, those of the face head ${moved(face)}.`;
      };
    },
  },

  temperature: {
    title: "The temperature of the distillation",
    controls: () => slider("temperature", "Temperature T", { min: 1, max: 16, step: 0.5 }),
    cards: () => card("teacher", "Teacher: softmax(z<sub>c</sub> / T) with the face") +
      card("student", "Student: softmax(z<sub>c</sub> / T) without the face") +
      card("gradient", "Gradient of Eq. 16 on the student, its length"),
    note: "A ✓ marks the true speaker, a black line the value at T = 1.",
    begin({ net, clips, config, find, field, row, say }) {
      const [teacher, student] = ["teacher", "student"].map((part) => speakerBars(find(`[data-part=${part}]`), "fused", config.speakers));
      const lengths = find("[data-part=gradient]");
      const [whole, plain] = ["with T²", "without T²"].map((name) => bar(lengths, "voice", name, `gradient ${name}`));
      const soft = (z, T) => softmax(z.map((value) => value / T));
      const logits = once((i) => [row("face", i), row("face", i).fill(0)].map((face) =>
        forward(net, face, row("voice", i)).logits.fused));
      const gradient = (i, T) => { // T² · (p_A - p_AV) / T
        const [p, q] = logits(i).map((z) => soft(z, T));
        return T * length(q.map((value, n) => value - p[n]));
      };
      const longest = once((i) => Math.max(...Array.from({ length: 31 }, (_, n) => gradient(i, 1 + n / 2)), 1e-6));
      return (i) => {
        const T = Number(field("temperature").value), [z, s] = logits(i), [p, q] = [soft(z, T), soft(s, T)];
        say("temperature", String(T));
        const best = teacher(p, softmax(z), clips[i].speaker), named = student(q, softmax(s), clips[i].speaker);
        whole(gradient(i, T), gradient(i, 1), "", false, longest(i));
        plain(gradient(i, T) / T ** 2, gradient(i, 1), "", false, longest(i));
        const loss = T ** 2 * p.reduce((sum, value, n) => sum + value * Math.log((value + 1e-38) / (q[n] + 1e-38)), 0);
        return `With its face the clip is named ${best} with probability ${p[best].toFixed(2)}, without it ${named} with ` +
          `${q[named].toFixed(2)}. The loss of Eq. 16 is ${loss.toFixed(3)}. No temperature changes a name.`;
      };
    },
  },
};
