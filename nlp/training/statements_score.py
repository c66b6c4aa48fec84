"""From readings to a calibrated score, and the figures of the shared scorer.

Each sentence has one best reading, that of the likeliest trigger. Whether that one holds, and whether a further one
in the same sentence holds, are two questions: each has its own logistic regression over the logits of the trigger's
and of the sentence's probability, fitted on documents that the branch has not seen. Both are known after the first
look, so the second look is needed only for readings that score well. (Whether the second look thinks the trigger
valid was tried as a third number and changed nothing.)
"""
import contextlib, io, json, os, sys, tempfile

import numpy as np
import torch
import torch.nn.functional as F

from statements_read import SHARED, statements


def logit(p):
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))


def mark_best(readings):
    """Marks the best reading of each sentence: that of the likeliest trigger."""
    best = {}
    for n, reading in enumerate(readings):
        if reading["parts"][0] > best.get(reading["sentence"], (-1, 0))[0]:
            best[reading["sentence"]] = reading["parts"][0], n
    chosen = {n for _, n in best.values()}
    for n, reading in enumerate(readings):
        reading["best"] = n in chosen


def holds(document, readings):
    """For each reading whether it can be paired with a statement of its sentence, the best first."""
    left = [len(s) for s in document.statements]
    answer = [False] * len(readings)
    for n in sorted(range(len(readings)), key=lambda n: -readings[n]["parts"][0]):
        i = readings[n]["sentence"]
        answer[n], left[i] = left[i] > 0, left[i] - 1
    return answer


def logistic(x, y, decay=1.0):
    """Weights and bias of a logistic regression."""
    x, y = torch.tensor(np.array(x), dtype=torch.float), torch.tensor(np.array(y), dtype=torch.float)
    weights, bias = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=100, line_search_fn="strong_wolfe")
    def loss():
        optimiser.zero_grad()
        misfit = F.binary_cross_entropy_with_logits(x @ weights + bias, y, reduction="sum")
        value = misfit + decay / 2 * (weights**2).sum()
        value.backward()
        return value
    optimiser.step(loss)
    return [round(v, 4) for v in weights.detach().tolist() + bias.detach().tolist()]


def calibrate(documents, readings):
    """The two regressions: `best` and `further`, each two weights and a bias."""
    rows = []
    for d in documents:
        mark_best(readings[d.id])
        rows += [(r["best"], logit(np.array(r["parts"][:2])), y) for r, y in zip(readings[d.id], holds(d, readings[d.id]))]
    part = lambda best: zip(*[(x, y) for b, x, y in rows if b == best])
    return dict(best=logistic(*part(True)), further=logistic(*part(False), decay=5.0))


def put_scores(calibration, readings):
    """Gives each reading of a document its calibrated score."""
    mark_best(readings)
    for reading in readings:
        *weights, bias = calibration["best" if reading["best"] else "further"]
        reading["score"] = float(1 / (1 + np.exp(-(np.dot(weights, logit(np.array(reading["parts"][:2]))) + bias))))


def reliability(documents, readings):
    """Of the readings with a score from 0, .2, .4, .6, .8 on: how many hold, of how many."""
    pairs = [(r["score"], y) for d in documents for r, y in zip(readings[d.id], holds(d, readings[d.id]))]
    bins = [[y for s, y in pairs if n <= 5 * s < n + 1] for n in range(5)]
    return " ".join(f"{n / 5}: {sum(b)}/{len(b)}" for n, b in enumerate(bins))


def figures(documents, readings, score_min, **options):
    """Figures of ../shared/eval/score_statements.py."""
    sys.path.insert(0, f"{SHARED}/eval")
    import score_statements
    with tempfile.TemporaryDirectory() as folder:
        for sort in ("docs", "gold"):
            os.makedirs(f"{folder}/{sort}")
        for d in documents:
            json.dump(dict(id=d.id, sentences=d.sentences), open(f"{folder}/docs/{d.id}.json", "w"))
            json.dump(d.gold, open(f"{folder}/gold/{d.id}.json", "w"))
        with open(f"{folder}/p.jsonl", "w") as out:
            for d in documents:
                out.write(json.dumps(dict(id=d.id, statements=statements(d, readings[d.id], score_min, **options))) + "\n")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            score_statements.main(["score", folder, f"{folder}/p.jsonl"])
    lines = printed.getvalue().splitlines()
    short = " ".join(f"{line.split()[0]} {line.split()[1][3:]}" for line in lines[:7])
    return f"{short} | {' '.join(lines[0].split()[2:4])} | {lines[7]}"
