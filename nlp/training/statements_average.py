"""Averages the weights of two trainings of the statement branch that began from the same pretrained weights.

usage: statements_average.py ONE.onnx OTHER.onnx OUT.onnx [FIXTURES.json [SHARE]]
OUT has no path of integers, whose scales belong to other weights: quantize.py gives it one. SHARE is that of OTHER, half
without it.
FIXTURES.json gets new expected outputs for its inputs. Averaging two fine-tunings of one start often beats both
("model soups", Wortsman et al. 2022, https://arxiv.org/abs/2203.05482).
"""
import json, sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from quantize import exact


def average(one, other, share):
    """The first model with the weighted mean of both's half-precision weights."""
    weights = {it.name: numpy_helper.to_array(it) for it in other.graph.initializer}
    for tensor in one.graph.initializer:
        a, b = numpy_helper.to_array(tensor), weights[tensor.name]
        if a.dtype == np.float16:
            mean = ((1 - share) * a.astype(np.float32) + share * b.astype(np.float32)).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(mean, tensor.name))
    return one


def refresh(fixtures, model):
    """Computes the expected outputs of both looks anew."""
    session = onnxruntime.InferenceSession(model)
    kinds = {it.name: np.int64 if "int64" in it.type else np.float32 for it in session.get_inputs()}
    for look in ("first_look", "second_look"):
        inputs = {name: np.array(values, kinds[name]) for name, values in fixtures[look]["inputs"].items()}
        names = list(fixtures[look]["outputs"])
        for name, values in zip(names, session.run(names, inputs)):
            fixtures[look]["outputs"][name] = np.round(values, 4).tolist()


def main(one, other, out, fixtures=None, share=0.5):
    onnx.save(average(exact(onnx.load(one)), onnx.load(other), float(share)), out)
    if fixtures:
        with open(fixtures, encoding="utf-8") as file:
            values = json.load(file)
        refresh(values, out)
        with open(fixtures, "w", encoding="utf-8") as file:
            json.dump(values, file, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
