#!/usr/bin/env python3
"""Turns a trained tagger into the files that the engines load: one ONNX file, its labels, its tokenizer.

usage: export_onnx.py MODEL_DIR OUT_DIR
MODEL_DIR holds one *.safetensors, config.json (with "heads") and tokenizer.json. OUT_DIR gets tagger.onnx,
labels.json and tokenizer.json. The same input always gives the same bytes.
needs: requirements.txt

The graph is written by hand rather than traced, so that it holds the fused operators that engines run
fastest: one matrix for query, key and value, ONNX `Attention`, `Gelu`, `LayerNormalization`, and one matrix
for all word heads. Weights are stored in half precision (as trained) and cast to float32 when they are
loaded; everything is computed in float32. The table of word pieces, half of all weights, is stored as int8
with a half-precision scale for every 32 numbers; only the rows that are looked up become float32.

inputs   input_ids, token_type_ids (casing), attention_mask   int64 [batch, sequence]
outputs  hidden    float32 [batch, sequence, 384]   last hidden states
         layer3    float32 [batch, sequence, 384]   hidden states after layer 3, for the statement branch
         logits    float32 [batch, sequence, 42]    the heads of HEADS side by side
         quad      float32 [batch, 5]               sentence class, before softmax
         embedding float32 [batch, 384]             not normalised
"""
import json, math, shutil, sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

OPSET = 23  # The first with Attention.
N_SHARED = 3  # Layers that the tagger and the statement branch have in common.
N_SCALES = 12  # Scales of a row of the word-piece table, one for 32 numbers.
HEADS = ["ner", "cyber", "role", "st"]  # The engines slice `logits` in this order.


class Graph:
    """Nodes and half-precision weights in the order in which they are added."""

    def __init__(self):
        self.nodes, self.initializers = [], []

    def node(self, op, inputs, name, n_outputs=1, **attributes):
        """Adds an operator; returns its output's name (or names)."""
        names = [name] if n_outputs == 1 else [f"{name}.{i}" for i in range(n_outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        return names[0] if n_outputs == 1 else names

    def weight(self, name, values):
        """Adds a weight; returns the name of its float32 form."""
        half = np.ascontiguousarray(values, dtype=np.float16)
        self.initializers.append(numpy_helper.from_array(half, f"{name}.f16"))
        return self.node("Cast", [f"{name}.f16"], name, to=TensorProto.FLOAT)

    def raw(self, name, values):
        """Adds a constant as it is."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def quantised_rows(self, name, table, indices):
        """Rows of an int8 table with a scale for each part of a row."""
        parts = table.reshape(len(table), N_SCALES, -1)
        scales = (np.abs(parts).max(-1, keepdims=True) / 127).astype(np.float16).clip(min=1e-6)
        steps = np.round(parts / scales.astype(np.float32)).clip(-127, 127).astype(np.int8)
        whole = self.node("Cast", [self.node("Gather", [self.raw(f"{name}.i8", steps), indices], f"{name}.steps")],
                          f"{name}.whole", to=TensorProto.FLOAT)
        scale = self.node("Gather", [self.weight(f"{name}.scale", scales), indices], f"{name}.scales")
        shape = self.integers(f"{name}.shape", [0, 0, table.shape[1]])
        return self.node("Reshape", [self.node("Mul", [whole, scale], f"{name}.scaled"), shape], name)

    def integers(self, name, values):
        """Adds a constant of integers (shapes, axes)."""
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def linear(self, x, name, weight, bias):
        """x · weightᵀ + bias, the weight as PyTorch keeps it: [out, in]."""
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", weight.T)], f"{name}.matmul")
        return self.node("Add", [product, self.weight(f"{name}.bias", bias)], name)

    def norm(self, x, name, weights, epsilon):
        """Layer normalisation over the last axis."""
        scale = self.weight(f"{name}.weight", weights[f"{name}.weight"])
        bias = self.weight(f"{name}.bias", weights[f"{name}.bias"])
        return self.node("LayerNormalization", [x, scale, bias], name, axis=-1, epsilon=epsilon)


def square_mask(g):
    """For each piece the pieces that it may look at: [batch, 1, sequence, sequence]. ONNX Runtime refuses a mask
    that is still to be broadcast over the rows."""
    keep = g.node("Cast", ["attention_mask"], "keep", to=TensorProto.BOOL)
    rows = g.node("Unsqueeze", [keep, g.integers("mask_axes", [1, 2])], "mask.rows")
    n_rows = g.node("Shape", ["input_ids"], "n_rows", start=0, end=1)
    n_pieces = g.node("Shape", ["input_ids"], "n_pieces", start=1, end=2)
    shape = g.node("Concat", [n_rows, g.integers("one", [1]), n_pieces, n_pieces], "mask.shape", axis=0)
    return g.node("Expand", [rows, shape], "mask")


def embed(g, w, cfg):
    """Sum of word, position and casing embeddings, normalised."""
    prefix = "bert.embeddings"
    table = lambda kind: g.weight(f"{prefix}.{kind}", w[f"{prefix}.{kind}_embeddings.weight"])
    words = g.quantised_rows("words", w[f"{prefix}.word_embeddings.weight"], "input_ids")
    casing = g.node("Gather", [table("token_type"), "token_type_ids"], "casing")
    axes = g.integers("first_axis", [0])
    places = g.node("Slice", [table("position"), g.integers("zero", [0]), "n_pieces", axes], "places")
    summed = g.node("Add", [g.node("Add", [words, casing], "words+casing"), places], "embedded")
    return g.norm(summed, f"{prefix}.LayerNorm", w, cfg["layer_norm_eps"])


def layer(g, w, cfg, x, n, mask):
    """One transformer layer."""
    p, n_heads = f"bert.encoder.layer.{n}", cfg["num_attention_heads"]
    parts = [f"{p}.attention.self.{part}" for part in ("query", "key", "value")]
    weight = np.concatenate([w[f"{part}.weight"] for part in parts])
    bias = np.concatenate([w[f"{part}.bias"] for part in parts])
    qkv = g.linear(x, f"{p}.qkv", weight, bias)
    q, k, v = g.node("Split", [qkv], f"{p}.split", n_outputs=3, axis=-1, num_outputs=3)
    context = g.node("Attention", [q, k, v, mask], f"{p}.attention", q_num_heads=n_heads, kv_num_heads=n_heads,
                     scale=1 / math.sqrt(cfg["hidden_size"] // n_heads))
    dense = lambda y, name: g.linear(y, name, w[f"{name}.weight"], w[f"{name}.bias"])
    attended = g.node("Add", [dense(context, f"{p}.attention.output.dense"), x], f"{p}.attended")
    x = g.norm(attended, f"{p}.attention.output.LayerNorm", w, cfg["layer_norm_eps"])
    wide = g.node("Gelu", [dense(x, f"{p}.intermediate.dense")], f"{p}.gelu")
    out = g.node("Add", [dense(wide, f"{p}.output.dense"), x], f"{p}.out")
    return g.norm(out, f"{p}.output.LayerNorm", w, cfg["layer_norm_eps"])


def heads(g, w, x):
    """Word heads on every piece; sentence heads on the mean over the pieces that are no padding."""
    weight = np.concatenate([w[f"h.{name}.weight"] for name in HEADS])
    bias = np.concatenate([w[f"h.{name}.bias"] for name in HEADS])
    g.node("Identity", [g.linear(x, "heads", weight, bias)], "logits")
    ones = g.node("Cast", ["attention_mask"], "ones", to=TensorProto.FLOAT)
    row = g.node("Unsqueeze", [ones, g.integers("row_axis", [1])], "ones.row")
    total = g.node("MatMul", [row, x], "total")
    count = g.node("ReduceSum", [row, g.integers("last_axis", [-1])], "count", keepdims=1)
    mean = g.node("Squeeze", [g.node("Div", [total, count], "mean.row"), "row_axis"], "mean")
    g.node("Identity", [g.linear(mean, "q", w["q.weight"], w["q.bias"])], "quad")
    g.node("Identity", [g.linear(mean, "emb", w["emb.weight"], w["emb.bias"])], "embedding")


def build(w, cfg):
    """The whole model as an ONNX protobuf."""
    g = Graph()
    mask = square_mask(g)
    x = embed(g, w, cfg)
    for n in range(cfg["num_hidden_layers"]):
        x = layer(g, w, cfg, x, n, mask)
        if n + 1 == N_SHARED:
            g.node("Identity", [x], f"layer{N_SHARED}")
    g.node("Identity", [x], "hidden")
    heads(g, w, x)
    integers = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
    floats = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
    n_labels, size = sum(len(cfg["heads"][head]) for head in HEADS), cfg["hidden_size"]
    graph = helper.make_graph(
        g.nodes, "tagger",
        [integers("input_ids"), integers("token_type_ids"), integers("attention_mask")],
        [floats("hidden", "batch", "sequence", size), floats("logits", "batch", "sequence", n_labels),
         floats("quad", "batch", 5), floats("embedding", "batch", size), floats(f"layer{N_SHARED}", "batch", "sequence", size)],
        g.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="harbinger")
    model.ir_version = 10
    onnx.checker.check_model(model, full_check=True)
    return model


def main(model_dir, out_dir):
    model_dir, out_dir = Path(model_dir), Path(out_dir)
    cfg = json.loads((model_dir / "config.json").read_text())
    [weights] = model_dir.glob("*.safetensors")
    w = {name: values.astype(np.float32) for name, values in load_file(weights).items()}
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "tagger.onnx").write_bytes(build(w, cfg).SerializeToString(deterministic=True))
    (out_dir / "labels.json").write_text(json.dumps({head: cfg["heads"][head] for head in HEADS}, indent=1) + "\n")
    shutil.copyfile(model_dir / "tokenizer.json", out_dir / "tokenizer.json")
    for file in sorted(out_dir.iterdir()):
        print(f"{file.stat().st_size:>10} {file.name}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
