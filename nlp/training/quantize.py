#!/usr/bin/env python3
"""Gives a network a second, faster path that multiplies integers, beside the exact one, from the same weights.

usage: quantize.py tagger [MODEL.onnx]
       quantize.py statements [MODEL.onnx]    needs torch and transformers, as statements.py
needs: ../../../shared (HARBINGER_SHARED), requirements.txt. Default MODEL: the one in ../model. A path that is there
already is made anew; the same input gives the same bytes.

Every product x · W of a transformer layer becomes
    round(x · even / step) + 128 as uint8   times   round(rows · W / columns) as int8
summed in int32, times step · columns. `even` and its inverse `rows` bring the numbers of x to ranges that are nearer
each other (SmoothQuant, Xiao et al. 2022, https://arxiv.org/abs/2211.10438, with the ranges of x alone); they and
`step` are fixed, measured on CALIBRATION sentences, so that what a sentence says does not depend on its batch.
Weights stay within ±63: pairs of products then fit 16 bits, which processors without VNNI add them in. The file
gains vectors only: engines compute the int8 weights when they load it. Outputs of the second path begin with `int8.`.
"""
import gzip, json, os, random, re, sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from words import SHARED, Reader

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = "int8."
PRODUCT = re.compile(r"(bert\.encoder\.layer|layers)\.\d+\.")
CALIBRATION = [("ner.train", 4000), ("cyber.train", 1500), ("role.train", 1500)]  # 250 of the first so many.
N_SENTENCES = 250
N_DOCUMENTS = 60
WEIGHT_MAX = 63
RANGE, STEP = 99.99, 99.9999  # Percentiles of each column, and of all evened numbers.
EVENNESS = 0.5  # 0 leaves x as it is, 1 gives every column the same range.
ZERO = 128


def exact(model):
    """`model` without a second path."""
    for part in (model.graph.node, model.graph.initializer, model.graph.output):
        kept = [it for it in part if not (it.output[0] if hasattr(it, "op_type") else it.name).startswith(PREFIX)]
        del part[:]
        part.extend(kept)
    return model


def products(model):
    """The multiplications by weights in transformer layers."""
    weights = {it.name for it in model.graph.initializer}
    is_one = lambda it: it.op_type == "MatMul" and PRODUCT.match(it.input[1]) and f"{it.input[1]}.f16" in weights
    return [it for it in model.graph.node if is_one(it)]


def factors(model, batches):
    """For each product's input all rows that it has in `batches`, by name, without padding."""
    names = list(dict.fromkeys(it.input[0] for it in products(model)))
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(it, TensorProto.FLOAT, None) for it in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString())
    rows = {name: [] for name in names}
    for inputs, present in batches:
        for name, values in zip(names, session.run(names, inputs)):
            rows[name].append(values[present])
    return {name: np.concatenate(parts) for name, parts in rows.items()}


class Path:
    """The nodes and constants of the second path."""

    def __init__(self, model):
        self.graph, self.names, self.nodes = model.graph, {}, []
        self.weights = {it.name: it for it in model.graph.initializer}
        self.constant(f"{PREFIX}zero", np.uint8(ZERO))

    def constant(self, name, values):
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def product(self, old, rows):
        """`old` by integers; `rows` are what its first factor is like."""
        name = PREFIX + old.output[0]
        weight = numpy_helper.to_array(self.weights[f"{old.input[1]}.f16"]).astype(np.float32)
        ranges = np.percentile(np.abs(rows), RANGE, axis=0) + 1e-6
        evened = ((ranges / ranges.max()) ** EVENNESS).astype(np.float32)
        step = np.float32(np.percentile(np.abs(rows / evened), STEP) / (ZERO - 1))
        columns = (np.abs(weight * evened[:, None]).max(0) / WEIGHT_MAX).astype(np.float32)
        x = self.node("Mul", [self.names.get(old.input[0], old.input[0]), self.constant(f"{name}.even", 1 / evened)],
                      f"{name}.evened")
        x = self.node("QuantizeLinear", [x, self.constant(f"{name}.step", step), f"{PREFIX}zero"], f"{name}.uint8")
        w = self.node("Mul", [old.input[1], self.constant(f"{name}.rows", evened[:, None])], f"{name}.weight")
        w = self.node("Div", [w, self.constant(f"{name}.columns", columns)], f"{name}.steps")
        w = self.node("Cast", [self.node("Round", [w], f"{name}.whole")], f"{name}.int8", to=TensorProto.INT8)
        summed = self.node("MatMulInteger", [x, w, f"{PREFIX}zero"], f"{name}.int32")
        summed = self.node("Cast", [summed], f"{name}.float", to=TensorProto.FLOAT)
        self.node("Mul", [summed, self.constant(f"{name}.scale", columns * step)], name)
        self.names[old.output[0]] = name

    def copy(self, old):
        """`old`, reading what the second path has of its inputs."""
        new = onnx.NodeProto()
        new.CopyFrom(old)
        new.name = PREFIX + old.name
        for at, name in enumerate(old.input):
            new.input[at] = self.names.get(name, name)
        for at, name in enumerate(old.output):
            new.output[at] = self.names[name] = PREFIX + name
        self.nodes.append(new)


def with_second_path(model, batches):
    rows = factors(model, batches)
    path, chosen = Path(model), {it.output[0] for it in products(model)}
    for node in list(model.graph.node):
        if node.output[0] in chosen:
            path.product(node, rows[node.input[0]])
        elif any(it in path.names for it in node.input):
            path.copy(node)
    model.graph.node.extend(path.nodes)
    for output in list(model.graph.output):
        new = onnx.ValueInfoProto()
        new.CopyFrom(output)
        new.name = PREFIX + output.name
        model.graph.output.append(new)
    onnx.checker.check_model(model, full_check=True)
    return model


def sentences():
    """Batches of sentences for the tagger: its inputs, and where there are pieces."""
    rng, reader, encoded = random.Random(1), Reader(f"{HERE}/../model/tokenizer.json"), []
    for name, n in CALIBRATION:
        with gzip.open(f"{SHARED}/data/nlp/{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            words = [it["t"] for it, _ in zip(map(json.loads, file), range(n)) if it.get("t")]
        encoded += [reader.sentence(it) for it in rng.sample(words, N_SENTENCES)]
    encoded.sort(key=lambda it: len(it[0]))
    for start in range(0, len(encoded), 16):
        part = encoded[start : start + 16]
        ids, casing, mask = (np.zeros((len(part), len(part[-1][0])), np.int64) for _ in range(3))
        for row, (pieces, cases, _) in enumerate(part):
            ids[row, : len(pieces)], casing[row, : len(pieces)], mask[row, : len(pieces)] = pieces, cases, 1
        inputs = dict(input_ids=ids, token_type_ids=casing, attention_mask=mask)
        yield inputs, mask.astype(bool)


def looks(cache):
    """Batches of sentences of training documents for the statement branch, both looks."""
    from statements_data import Tagger, load
    from statements_model import N_CONTEXTS
    from statements_read import collate

    documents = load(f"{SHARED}/data/statements/train", lambda: Tagger(f"{SHARED}/model"), cache)[:N_DOCUMENTS]
    rows = [(d, i, None) for d in documents for i, spans in enumerate(d.spans) if spans]
    rows += [(d, i, it["trigger"]) for d in documents for i, found in enumerate(d.statements) for it in found]
    rows.sort(key=lambda row: len(row[0].spans[row[1]]))
    for start in range(0, len(rows), 16):
        words, mask, marks, around = (it.numpy() for it in collate(rows[start : start + 16]))
        always = np.ones((len(mask), N_CONTEXTS), bool)
        present = np.concatenate([mask.astype(bool), always], 1)
        yield dict(words=words, mask=mask, marks=marks, contexts=around), present


def main(what, path=None):
    path = path or f"{HERE}/../model/{what}.onnx"
    model = exact(onnx.load(path))
    cache = os.environ.get("HARBINGER_CACHE")
    batches = sentences() if what == "tagger" else looks(cache and f"{cache}/train.pt")
    data = with_second_path(model, batches).SerializeToString(deterministic=True)
    with open(path, "wb") as file:
        file.write(data)
    print(f"{path}: {len(data)} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
