"""Equations 2–17 once more, in plain NumPy, a clip at a time; shares no code with the package."""

import numpy as np


def linear(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def layer_norm(w, name, x):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def multi_head_attention(w, name, heads, query, memory):  # Eq. 4–5
    q, k, v = (
        linear(w, f"{name}.{part}", x)
        for part, x in (("query", query), ("key", memory), ("value", memory))
    )
    size = q.shape[-1] // heads
    outputs, maps = [], []
    for h in range(heads):
        own = slice(h * size, (h + 1) * size)
        maps.append(softmax(q[:, own] @ k[:, own].T / np.sqrt(size)))
        outputs.append(maps[-1] @ v[:, own])
    return linear(w, f"{name}.output", np.concatenate(outputs, axis=-1)), np.stack(maps)


def encode(w, name, config, x):  # Eq. 2–8
    tokens = linear(w, f"{name}.projection", x).reshape(config.tokens, config.width)
    hidden = tokens + w[f"{name}.position"]
    for layer in range(config.layers):
        part = f"{name}.layers.{layer}"
        attended, _ = multi_head_attention(w, f"{part}.attention", config.heads, hidden, hidden)
        u = layer_norm(w, f"{part}.attention_norm", hidden + attended)
        inner = np.maximum(linear(w, f"{part}.feed_forward.0", u), 0)
        ffn = linear(w, f"{part}.feed_forward.2", inner)
        hidden = layer_norm(w, f"{part}.feed_forward_norm", u + ffn)
    pooled = layer_norm(w, f"{name}.norm", hidden.mean(0))
    return tokens, hidden, pooled / np.linalg.norm(pooled)


def mraf(w, config, face, voice):
    """One clip: face (512,), voice (192,). Cross-attention, learnable token, r_f = 0 if missing."""
    missing = not face.any()
    x_a = voice / np.linalg.norm(voice) * np.sqrt(len(voice))
    x_f = w["missing_face.token"] if missing else face / np.linalg.norm(face) * np.sqrt(len(face))
    out = {}
    out["T_f"], out["H_f"], out["e_f"] = encode(w, "face_encoder", config, x_f)  # Eq. 9
    out["T_a"], out["H_a"], out["e_a"] = encode(w, "voice_encoder", config, x_a)
    out["r_f"] = 0.0 if missing else sigmoid(linear(w, "reliability.face", out["e_f"]))[0]  # Eq. 10
    out["r_a"] = sigmoid(linear(w, "reliability.voice", out["e_a"]))[0]
    total = out["r_f"] + out["r_a"] + config.epsilon
    out["w_f"], out["w_a"] = out["r_f"] / total, out["r_a"] / total  # Eq. 11
    h_f, h_a = out["w_f"] * out["H_f"], out["w_a"] * out["H_a"]  # Eq. 12
    part = ("fusion.face_to_voice", "fusion.voice_to_face")
    c_f, out["A_f"] = multi_head_attention(w, part[0], config.heads, h_f, h_a)  # Eq. 13
    c_a, out["A_a"] = multi_head_attention(w, part[1], config.heads, h_a, h_f)
    out["C_f"] = layer_norm(w, "fusion.face_norm", h_f + c_f)
    out["C_a"] = layer_norm(w, "fusion.voice_norm", h_a + c_a)
    out["e_c"] = layer_norm(
        w, "fusion.norm", (out["C_f"].mean(0) + out["C_a"].mean(0)) / 2
    )  # Eq. 14
    out["z_f"] = linear(w, "face_head", out["e_f"])
    out["z_a"] = linear(w, "voice_head", out["e_a"])
    out["z_c"] = linear(w, "fused_head", out["e_c"])
    return out


def cross_entropy(z, y):
    return -np.log(softmax(z)[y])


def distillation(teacher, student, temperature):  # Eq. 16, one clip
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return temperature**2 * (p * np.log(p / q)).sum()


def objective(w, centers, config, training, batch, teachers):
    """Eq. 17 for clips (face, voice, y, audio_only); ``teachers`` holds the fixed z_c^AV."""
    total = 0.0
    for (face, voice, y, audio_only), teacher in zip(batch, teachers, strict=True):
        complete = mraf(w, config, face, voice)
        without = mraf(w, config, np.zeros_like(face), voice)
        seen = without if audio_only else complete
        total += training.face_weight * cross_entropy(seen["z_f"], y)
        total += training.voice_weight * cross_entropy(seen["z_a"], y)
        total += training.fused_weight * cross_entropy(seen["z_c"], y)
        kd = distillation(teacher, without["z_c"], training.kd_temperature)
        total += training.kd_weight * kd
        center = 0.5 * ((seen["e_c"] - centers[y]) ** 2).sum()
        scale = len(batch) if training.center_reduction == "sum" else 1 / config.width
        total += training.center_weight * scale * center
    return total / len(batch)
