// MRAF in plain JavaScript: Eq. 2–14 of arXiv 2606.12495, named and shaped as in mraf/model.py.
// K tokens, width d, H heads, C speakers. A matrix is a Float32Array, row after row. `forward`
// takes one clip, so no shape has a batch; a batch is a loop, since clips never meet.

/** The network that `mraf export` wrote into weights.js: {config, weights by name}. */
export async function network({ config, tensors, data }) {
  const packed = atob(data), bytes = new Uint8Array(packed.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = packed.charCodeAt(i);
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const values = fromFloat16(new Uint8Array(await new Response(inflated).arrayBuffer()));
  const weights = {};
  let begin = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const end = begin + shape.reduce((product, size) => product * size, 1);
    weights[name] = values.subarray(begin, end);
    begin = end;
  }
  return { config, weights };
}

/** Numbers of float16, given as all their low bytes and then all their high bytes. */
function fromFloat16(bytes) {
  const count = bytes.length / 2, values = new Float32Array(count);
  const unit = Float32Array.from({ length: 32 }, (_, e) => 2 ** (Math.max(e, 1) - 25));
  for (let i = 0; i < count; i++) {
    const high = bytes[count + i], exponent = (high >> 2) & 31;
    const digits = ((high & 3) << 8) | bytes[i] | (exponent && 1024); // below 2^-14 no leading 1
    values[i] = (high & 128 ? -digits : digits) * unit[exponent];
  }
  return values;
}

/** Σ a[i + n] b[j + n] for n < size, in four sums that a processor adds at once. */
function dot(a, i, b, j, size) {
  let s = 0, t = 0, u = 0, v = 0, n = 0;
  for (; n + 3 < size; n += 4, i += 4, j += 4) {
    s += a[i] * b[j];
    t += a[i + 1] * b[j + 1];
    u += a[i + 2] * b[j + 2];
    v += a[i + 3] * b[j + 3];
  }
  for (; n < size; n++) s += a[i++] * b[j++];
  return s + t + u + v;
}

/** Rows W x + b of the rows of x. */
function linear({ weights }, name, x) {
  const weight = weights[`${name}.weight`], bias = weights[`${name}.bias`];
  const outs = bias.length, ins = weight.length / outs, rows = x.length / ins;
  const y = new Float32Array(rows * outs);
  for (let out = 0; out < outs; out++) {
    for (let row = 0; row < rows; row++) {
      y[row * outs + out] = bias[out] + dot(weight, out * ins, x, row * ins, ins);
    }
  }
  return y;
}

/** Layer normalisation of each row. */
function layerNorm({ weights }, name, x) {
  const scale = weights[`${name}.weight`], shift = weights[`${name}.bias`], width = scale.length;
  const y = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += width) {
    let mean = 0, variance = 0;
    for (let i = 0; i < width; i++) mean += x[row + i] / width;
    for (let i = 0; i < width; i++) variance += (x[row + i] - mean) ** 2 / width;
    const size = 1 / Math.sqrt(variance + 1e-5);
    for (let i = 0; i < width; i++) y[row + i] = (x[row + i] - mean) * size * scale[i] + shift[i];
  }
  return y;
}

export const length = (x) => Math.sqrt(dot(x, 0, x, 0, x.length));
export const normalise = (x) => times(1 / Math.max(length(x), 1e-12), x);
const plus = (x, y) => x.map((value, i) => value + y[i]);
const times = (factor, x) => x.map((value) => factor * value);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const standardise = (x) => times(Math.sqrt(x.length), normalise(x));

/** Probabilities of logits. */
export function softmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((z) => Math.exp(z - most));
  return times(1 / powers.reduce((a, b) => a + b), powers);
}

/** Mean over the tokens (K, d), shape (d,). */
function meanToken({ config }, tokens) {
  const mean = new Float32Array(config.width);
  tokens.forEach((value, i) => (mean[i % config.width] += value / config.tokens));
  return mean;
}

/** Eq. 4–5: attended tokens (K, d), and attention maps (H, K, K), from query to memory. */
function multiHeadAttention(net, name, query, memory) {
  const { heads, tokens, width } = net.config, size = width / heads;
  const q = linear(net, `${name}.query`, query);
  const k = linear(net, `${name}.key`, memory), v = linear(net, `${name}.value`, memory);
  const attention = new Float32Array(heads * tokens * tokens);
  const attended = new Float32Array(tokens * width);
  for (let head = 0; head < heads; head++) {
    for (let i = 0; i < tokens; i++) {
      const own = i * width + head * size;
      const scores = Float32Array.from({ length: tokens }, (_, j) =>
        dot(q, own, k, j * width + head * size, size) / Math.sqrt(size));
      const shares = softmax(scores);
      attention.set(shares, (head * tokens + i) * tokens);
      for (let j = 0; j < tokens; j++) {
        const other = j * width + head * size;
        for (let n = 0; n < size; n++) attended[own + n] += shares[j] * v[other + n];
      }
    }
  }
  return [linear(net, `${name}.output`, attended), attention];
}

/** Eq. 6–7: post-norm Transformer layer on tokens (K, d). */
function encoderLayer(net, name, tokens) {
  const [attended] = multiHeadAttention(net, `${name}.attention`, tokens, tokens);
  const u = layerNorm(net, `${name}.attention_norm`, plus(tokens, attended)); // Eq. 6
  const wide = linear(net, `${name}.feed_forward.0`, u).map((value) => Math.max(value, 0));
  const narrow = linear(net, `${name}.feed_forward.2`, wide);
  return layerNorm(net, `${name}.feed_forward_norm`, plus(u, narrow)); // Eq. 7
}

/** Eq. 2–8: a feature becomes tokens T_m, T_m + P_m and H_m (K, d), and embedding e_m (d,). */
function encoder(net, name, input) {
  const tokens = linear(net, `${name}.projection`, input); // Eq. 2
  const placed = plus(tokens, net.weights[`${name}.position`]); // Eq. 3
  let encoded = placed;
  for (let i = 0; i < net.config.layers; i++) {
    encoded = encoderLayer(net, `${name}.layers.${i}`, encoded);
  }
  const embedding = normalise(layerNorm(net, `${name}.norm`, meanToken(net, encoded))); // Eq. 8
  return { input, tokens, placed, encoded, embedding };
}

/** Eq. 13–14: e_c (d,), C̃_f and C̃_a (K, d) and both attention maps, of Ĥ_f and Ĥ_a (K, d). */
function crossAttention(net, { face, voice }) {
  const [c_f, faceMap] = multiHeadAttention(net, "fusion.face_to_voice", face, voice); // Eq. 13
  const [c_a, voiceMap] = multiHeadAttention(net, "fusion.voice_to_face", voice, face);
  const context = {
    face: layerNorm(net, "fusion.face_norm", plus(face, c_f)),
    voice: layerNorm(net, "fusion.voice_norm", plus(voice, c_a)),
  };
  const both = times(0.5, plus(meanToken(net, context.face), meanToken(net, context.voice)));
  const fused_embedding = layerNorm(net, "fusion.norm", both); // Eq. 14
  return { context, attention: { face: faceMap, voice: voiceMap }, fused_embedding };
}

/**
 * Everything a forward pass computes, the `Output` of mraf/model.py, and `placed`, T_m + P_m.
 *
 * face: x_f, 512 numbers by default; all zeros: it is missing. voice: x_a, 192 numbers by default.
 * Throws a RangeError where there are more or fewer. For a missing face, `token` stands in;
 * `scored` says whether the scorer judges it like a face (missing_reliability="learned").
 */
export function forward(net, face, voice, { token, scored = false } = {}) {
  const { config, weights } = net, standIn = token ?? weights["missing_face.token"];
  for (const [what, x] of Object.entries({ face, voice })) {
    const dim = config[`${what}_dim`];
    if (x.length !== dim) throw new RangeError(`a ${what} has ${dim} numbers, not ${x.length}`);
  }
  const missing = face.every((value) => value === 0);
  const [x_f, x_a] = [face, voice].map((x) => standardise(Float32Array.from(x)));
  const f = encoder(net, "face_encoder", missing ? standIn : x_f); // Eq. 9
  const a = encoder(net, "voice_encoder", x_a);
  const r_f = missing && !scored ? 0 : sigmoid(linear(net, "reliability.face", f.embedding)[0]); // Eq. 10
  const r_a = sigmoid(linear(net, "reliability.voice", a.embedding)[0]);
  const total = r_f + r_a + config.epsilon;
  const weight = { face: r_f / total, voice: r_a / total }; // Eq. 11
  const weighted = { // Eq. 12
    face: times(weight.face, f.encoded),
    voice: times(weight.voice, a.encoded),
  };
  const fused = crossAttention(net, weighted);
  const logits = {
    face: linear(net, "face_head", f.embedding),
    voice: linear(net, "voice_head", a.embedding),
    fused: linear(net, "fused_head", fused.fused_embedding),
  };
  const reliability = { face: r_f, voice: r_a };
  return { face: f, voice: a, reliability, weight, weighted, ...fused, logits };
}
