"""Writes the statement branch as ONNX: weights in half precision, computed in float32, with the operators of
export_onnx.py.

inputs   words     float32 [rows, words, 426]  state after layer 3 of the word's first piece, then the label
                                               probabilities of ner, cyber, role and st
         mask      int64   [rows, words]       1 for words, 0 for padding
         marks     int64   [rows, words]       0 none; 1 on the trigger, 2-5 before, 6-9 behind it
         contexts  float32 [rows, 4, 384]      embeddings of length 8: sentence before, after, first; mean of all
outputs  trigger   float32 [rows, words, 3]    O, B, I                     | first look, nothing marked
         sentence  float32 [rows, 7]           any statement; its kinds    |
         role      float32 [rows, words, 9]    O, then B, I of actor, target, means, speaker | second look
         class     float32 [rows, 18]          kind 6, domain 4, modality 4, tense 3, valid 1 |
         sector    float32 [rows, words, 34]                                                 |
All outputs are logits.
"""
import json, math

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from export_onnx import OPSET, Graph
from statements_data import HIDDEN, N_LABELS, ROLE_LABELS, SECTORS, Document
from statements_model import CLASSES, N_CONTEXTS, N_HEADS, N_LAYERS, Branch
from statements_read import collate


def is_mark(g, number, name):
    """1.0 where the mark is `number`."""
    equal = g.node("Equal", ["marks", g.integers(f"{name}.number", number)], f"{name}.equal")
    return g.node("Cast", [equal], name, to=TensorProto.FLOAT)


def mean_over(g, x, weights, name):
    """Mean of the rows of `x` [rows, words, n] by `weights` [rows, words]."""
    row = g.node("Unsqueeze", [weights, "axis_1"], f"{name}.row")
    total = g.node("MatMul", [row, x], f"{name}.total")
    count = g.node("ReduceSum", [row, "axis_last"], f"{name}.count", keepdims=1)
    count = g.node("Max", [count, "one.f"], f"{name}.count1")
    return g.node("Squeeze", [g.node("Div", [total, count], f"{name}.mean"), "axis_1"], name)


def layer(g, w, p, x, mask):
    """One transformer layer; `p` is the prefix of its weights."""
    dense = lambda y, name: g.linear(y, f"{p}.{name}", w[f"{p}.{name}.weight"], w[f"{p}.{name}.bias"])
    q, k, v = g.node("Split", [dense(x, "qkv")], f"{p}.split", n_outputs=3, axis=-1, num_outputs=3)
    mixed = g.node("Attention", [q, k, v, mask], f"{p}.attention", q_num_heads=N_HEADS, kv_num_heads=N_HEADS,
                   scale=1 / math.sqrt(HIDDEN // N_HEADS))
    x = g.norm(g.node("Add", [dense(mixed, "out"), x], f"{p}.attended"), f"{p}.norm1", w, 1e-12)
    wide = g.node("Gelu", [dense(x, "up")], f"{p}.gelu")
    return g.norm(g.node("Add", [dense(wide, "down"), x], f"{p}.added"), f"{p}.norm2", w, 1e-12)


def build(state):
    """The branch as an ONNX protobuf."""
    w = {name: value.float().numpy() for name, value in state.items()}
    g = Graph()
    dense = lambda x, name: g.linear(x, name, w[f"{name}.weight"], w[f"{name}.bias"])
    g.integers("axis_1", [1]), g.integers("axis_last", [-1]), g.integers("zero", [0]), g.integers("one", [1])
    g.raw("one.f", np.ones(1, np.float32))
    g.integers("parts", [HIDDEN, N_LABELS])
    g.nodes.append(helper.make_node("Split", ["words", "parts"], ["states", "probabilities"], name="split", axis=-1))
    x = g.node("Add", ["states", dense("probabilities", "labels")], "states+labels")
    rows = g.node("Gather", [g.weight("marks.weight", w["marks.weight"]), "marks"], "marks.rows")
    x = g.node("Add", [x, rows], "read")
    around = g.node("Add", [dense("contexts", "contexts_in"), g.weight("places", w["places"])], "around")
    x = g.node("Concat", [x, around], "all", axis=1)
    n_rows = g.node("Shape", ["mask"], "n_rows", start=0, end=1)
    n_words = g.node("Shape", ["mask"], "n_words", start=1, end=2)
    n_all = g.node("Add", [n_words, g.integers("n_contexts", [N_CONTEXTS])], "n_all")
    ones = g.node("Expand", [g.integers("always", [[1] * N_CONTEXTS]),
                             g.node("Concat", [n_rows, "n_contexts"], "always.shape", axis=0)], "always.rows")
    keep = g.node("Cast", [g.node("Concat", ["mask", ones], "mask.all", axis=1)], "keep", to=TensorProto.BOOL)
    keep = g.node("Unsqueeze", [keep, g.integers("mask_axes", [1, 2])], "keep.rows")
    shape = g.node("Concat", [n_rows, "one", n_all, n_all], "keep.shape", axis=0)
    keep = g.node("Expand", [keep, shape], "keep.square")
    for number in range(N_LAYERS):
        x = layer(g, w, f"layers.{number}", x, keep)
    x = g.node("Slice", [x, "zero", n_words, "axis_1"], "x")
    present = g.node("Cast", ["mask"], "present", to=TensorProto.FLOAT)
    mean = mean_over(g, x, present, "mean")
    column = g.node("Unsqueeze", [present, "axis_last"], "present.column")
    padding = g.node("Sub", ["one.f", column], "padding")
    away = g.node("Mul", [padding, g.raw("far", np.array([1e4], np.float32))], "away")
    only = g.node("Mul", [x, column], "x.present")
    highest = g.node("ReduceMax", [g.node("Sub", [only, away], "x.high"), "axis_1"], "highest", keepdims=0)
    seen = g.node("Mul", ["probabilities", column], "probabilities.present")
    label_highest = g.node("ReduceMax", [seen, "axis_1"], "labels.highest", keepdims=0)
    label_mean = mean_over(g, "probabilities", present, "labels.mean")
    trigger = mean_over(g, x, is_mark(g, 1, "at"), "at.mean")
    sentence = g.node("Concat", [mean, highest, label_highest, label_mean], "sentence.in", axis=-1)
    classes = g.node("Concat", [trigger, mean, highest], "class.in", axis=-1)
    heads = [("trigger", x, "trigger"), ("sentence", sentence, "sentence"), ("role", x, "role"),
             ("class", classes, "cls"), ("sector", x, "sector")]
    for output, source, name in heads:
        g.node("Identity", [g.linear(source, f"{output}.out", w[f"{name}.weight"], w[f"{name}.bias"])], output)
    integers = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "words"])
    floats = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *shape])
    graph = helper.make_graph(
        g.nodes, "statements",
        [floats("words", "words", HIDDEN + N_LABELS), integers("mask"), integers("marks"),
         floats("contexts", N_CONTEXTS, HIDDEN)],
        [floats("trigger", "words", 3), floats("sentence", 7), floats("role", "words", len(ROLE_LABELS)),
         floats("class", sum(CLASSES)), floats("sector", "words", len(SECTORS))],
        g.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="harbinger")
    model.ir_version = 10
    onnx.checker.check_model(model, full_check=True)
    return model


def export(state, path):
    """Writes a trained state as ONNX; the same state always gives the same bytes."""
    state = dict(state)
    for kind in ("weight", "bias"):
        state[f"contexts_in.{kind}"] = state.pop(f"contexts.{kind}")
    data = build(state).SerializeToString(deterministic=True)
    open(path, "wb").write(data)
    print(f"{path}: {len(data)} bytes")


def state_of(path):
    """The weights of an exported branch by their names in `Branch`, as float32."""
    outputs = {"trigger.out": "trigger", "sentence.out": "sentence", "role.out": "role", "class.out": "cls",
               "sector.out": "sector", "contexts_in": "contexts"}
    state = {}
    for it in onnx.load(path).graph.initializer:
        if not it.name.endswith(".f16"):
            continue
        name, values = it.name[: -len(".f16")], numpy_helper.to_array(it).astype(np.float32)
        part, _, kind = name.rpartition(".")
        if kind == "weight" and part != "marks" and "norm" not in part:
            values = np.ascontiguousarray(values.T)  # As PyTorch keeps it.
        state[f"{outputs.get(part, part)}.{kind}".lstrip(".")] = values
    return state


SENTENCES = ["Masked raiders of the Dune Front burned a fuel depot near Marl.",
             "On Tuesday they vowed to shell the port if the blockade goes on."]
TRIGGERS = [(6, 7), (3, 6)]


def write_fixtures(state, tagger, path):
    """All inputs and expected outputs of two invented sentences, for the parity test of the program."""
    raw = dict(id="fixture", sentences=SENTENCES)
    document = Document(raw, dict(statements=[]))
    words = [[s[a:b] for a, b in spans] for s, spans in zip(SENTENCES, document.spans)]
    document.features = tagger.read(words)
    document.finish()
    model = Branch()
    model.load_state_dict({name: value.half().float() for name, value in state.items()})
    model.eval()
    looks = []
    for marked in (False, True):
        rows = [(document, i, TRIGGERS[i] if marked else None) for i in range(len(SENTENCES))]
        values, mask, marks, around = collate(rows)
        values, around = (torch.from_numpy(v.numpy().round(4)) for v in (values, around))
        with torch.no_grad():
            outs = model(values, mask, marks, around)
        names = ("trigger", "sentence", "role", "class", "sector")
        shown = names[2:] if marked else names[:2]
        inputs = dict(words=values, mask=mask, marks=marks, contexts=around)
        rounded = lambda t: np.round(t.numpy().astype(float), 5).tolist() if t.is_floating_point() else t.tolist()
        looks.append(dict(inputs={k: rounded(v) for k, v in inputs.items()},
                          outputs={k: rounded(v) for k, v in zip(names, outs) if k in shown}))
    keys = dict(sentences=SENTENCES, words=words, triggers=TRIGGERS, first_look=looks[0], second_look=looks[1])
    json.dump(keys, open(path, "w"), separators=(",", ":"))
