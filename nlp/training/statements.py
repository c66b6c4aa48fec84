#!/usr/bin/env python3
"""Trains, measures and exports the statement branch (statements.md tells how).

usage: statements.py cross-validate [--folds 0,1]   train on four fifths, score the rest and dev, keep the readings
       statements.py calibrate [--folds 0,1]        fit the score on those readings -> statements_calibration.json
       statements.py train                          train on all documents, score dev, write statements.onnx
       statements.py continue                       go on from ../model/statements.onnx, or from what another `continue`
                                                    with the name --start kept, with the documents read for this
                                                    project; every fifth of them is left out and calibrates the score
       statements.py export                         write statements.onnx and fixtures.json from the state of `train`
options: see --help
"""
import argparse, json, math, os, pickle, random, tempfile, time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import load_file

from statements_data import ROLE_LABELS, Tagger, load, load_casie, load_more, load_rams
from statements_documents import load_documents
from statements_export import export, state_of, write_fixtures
from statements_model import CLASSES, Branch
from statements_read import SHARED, WORDS_MAX, collate, read
from statements_score import calibrate, figures, put_scores, reliability
from statements_twins import put_twins

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = ROLE_LABELS.index("B-TARGET")


def first_loss(out, rows):
    """Trigger words, whether there is a statement, and its kinds."""
    trigger, sentence = out[0], out[1]
    y, kinds = torch.full(trigger.shape[:2], -100), torch.zeros(len(rows), 7)
    for r, (d, i, _) in enumerate(rows):
        y[r, : len(d.spans[i])] = 0
        for s in d.statements[i]:
            kinds[r, 0] = kinds[r, 1 + s["kind"]] = 1
            a, b = s["trigger"]
            y[r, a:b] = 2
            y[r, a : a + 1] = 1
    words = F.cross_entropy(trigger.flatten(0, 1), y.flatten(), weight=torch.tensor([1.0, 1.5, 1.5]), ignore_index=-100)
    each = lambda columns: F.binary_cross_entropy_with_logits(sentence[:, columns], kinds[:, columns])
    return 2 * words + each(slice(0, 1)) + each(slice(1, 7))


def second_loss(out, rows, examples):
    """`examples`: the gold statement of each row, or None when its trigger is no trigger."""
    role, classes, sector = out[2:]
    known = [r for r, e in enumerate(examples) if e is None or not e.get("roles_only")]
    valid = torch.tensor([float(examples[r] is not None) for r in known])
    loss = role.sum() * 0
    if known:
        loss = loss + 0.5 * F.binary_cross_entropy_with_logits(classes[known, -1], valid)
    y = torch.full(role.shape[:2], -100)
    sectors, hit = torch.zeros(sector.shape), torch.zeros(role.shape[:2])
    for r, example in enumerate(examples):
        if example is None:
            continue
        d, i, _ = rows[r]
        y[r, : len(d.spans[i])] = 0
        for j, a, b, name in reversed(example["spans"]):  # Where spans overlap, the first counts.
            if j == i:
                y[r, a:b] = ROLE_LABELS.index("I-" + name)
                y[r, a : a + 1] = ROLE_LABELS.index("B-" + name)
        if not example.get("roles_only"):
            for k in ((y[r] == TARGET) | (y[r] == TARGET + 1)).nonzero()[:, 0]:
                hit[r, k] = 1
                sectors[r, k, example["sectors"]] = 1
    weight = torch.tensor([0.7] + [1.3] * 8)
    if (y >= 0).any():
        loss = loss + 1.5 * F.cross_entropy(role.flatten(0, 1), y.flatten(), ignore_index=-100, weight=weight)
    if hit.sum():
        each = F.binary_cross_entropy_with_logits(sector, sectors, reduction="none").sum(-1)
        loss = loss + 0.5 * (each * hit).sum() / hit.sum()
    full = [r for r, e in enumerate(examples) if e is not None and not e.get("roles_only")]
    if full:
        parts = classes[full].split(CLASSES, -1)
        for part, name, share in zip(parts, ("kind", "domain", "modality", "tense"), (0.5, 0.2, 0.3, 0.3)):
            loss = loss + share * F.cross_entropy(part, torch.tensor([examples[r][name] for r in full]))
    return loss


def batches(rows, size, rng):
    """Shuffled batches of rows of like length."""
    rng.shuffle(rows)
    answer = []
    for start in range(0, len(rows), size * 8):
        chunk = sorted(rows[start : start + size * 8], key=lambda row: len(row[0].spans[row[1]]))
        answer += [chunk[k : k + size] for k in range(0, len(chunk), size)]
    rng.shuffle(answer)
    return answer


def groups(model, options):
    """Parameters with their learning rates: slower below the uppermost layer, faster in the heads."""
    *below, upper = (list(layer.parameters()) for layer in model.layers)
    lower = [p for part in below for p in part]
    copied = {id(p) for p in lower + upper}
    heads = [p for p in model.parameters() if id(p) not in copied]
    rates = [(lower, options.rate * options.lower), (upper, options.rate), (heads, options.rate * options.heads_faster)]
    return [dict(params=params, lr=rate, top=rate) for params, rate in rates]


def or_twin(row, share, rng):
    """`row`, of its document's twin as often as `share` says."""
    twin = getattr(row[0], "twin", None)
    return (twin, *row[1:]) if twin and rng.random() < share else row


def seconds(d, i, found, rng):
    """Rows of the second look for one sentence: its statements, and a word that is wrongly thought a trigger."""
    for s in d.statements[i]:
        a, b = s["trigger"]
        if a < WORDS_MAX:
            if rng.random() < 0.25:
                a, b = (max(0, a - 1), b) if rng.random() < 0.5 else (rng.randrange(a, b), b)
            yield (d, i, (a, b)), s
    if rng.random() < (0.5 if d.statements[i] else 0.25):
        in_trigger = lambda k: any(s["trigger"][0] <= k < s["trigger"][1] for s in d.statements[i])
        free = [k for k in range(min(WORDS_MAX, len(d.spans[i]))) if not in_trigger(k)]
        if free:
            k = rng.choices(free, [float(found[k]) + 1e-3 for k in free])[0]
            yield (d, i, (k, k + 1)), None


def pretrain(options, model, helpers, rng, log):
    """Roles of a marked trigger, from data with other rules."""
    optimiser = torch.optim.AdamW(groups(model, options), weight_decay=options.decay)
    rows = [(d, d.at, d.example["trigger"]) for d in helpers]
    plan = [b for _ in range(options.pretrain) for b in batches(list(rows), options.batch, rng)]
    total = 0.0
    for step, part in enumerate(plan):
        for group in optimiser.param_groups:
            group["lr"] = group["top"] * min(1, (step + 1) / 30) * max(0.05, 1 - step / len(plan))
        inputs = collate(part)
        with torch.autocast("cpu", torch.bfloat16, enabled=bool(options.bf16)):
            out = [o.float() for o in model(*inputs)]
        loss = second_loss(out, part, [d.example for d, *_ in part])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        total += loss.item()
    print(f"{log} pretrained, {len(plan)} steps, loss {total / max(1, len(plan)):.3f} last {loss.item():.3f}", flush=True)


def train(options, weights, documents, helpers, log="", state=None):
    """The running mean of the weights over the second half of the training, which starts from the tagger or from
    `state`, an earlier answer."""
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    model = Branch(options.dropout, options.head_dropout, options.input_dropout)
    model.copy(weights)
    if state:
        model.load_state_dict(state)
    model.train()
    start = time.time()
    if options.pretrain and not state:
        pretrain(options, model, helpers, rng, log)
    optimiser = torch.optim.AdamW(groups(model, options), weight_decay=options.decay)
    every = [(d, i, None) for d in documents for i in range(len(d.sentences)) if d.spans[i]]
    positive = [row for row in every if row[0].statements[row[1]]]
    negative = [row for row in every if not row[0].statements[row[1]] and len(row[0].spans[row[1]]) > 2]
    n_negative = int(len(negative) * options.negatives)
    n_steps, step, average = options.epochs * ((len(positive) + n_negative) // options.batch + 1), 0, None
    for epoch in range(options.epochs):
        total, count = 0.0, 0
        for rows in batches(positive + rng.sample(negative, n_negative), options.batch, rng):
            rows = [or_twin(row, options.twins, rng) for row in rows]
            for group in optimiser.param_groups:
                fall = max(0.02, 0.5 + 0.5 * math.cos(math.pi * min(1, step / n_steps)))
                group["lr"] = group["top"] * min(1, (step + 1) / 60) * fall
            with torch.autocast("cpu", torch.bfloat16, enabled=bool(options.bf16)):
                inputs = collate(rows)
                out = [o.float() for o in model(*inputs)]
                loss = first_loss(out, rows)
                found = 1 - out[0].detach().softmax(-1)[..., 0]
                marked = [it for r, (d, i, _) in enumerate(rows) for it in seconds(d, i, found[r], rng)]
                some = rng.sample(helpers, min(len(helpers), options.helpers))
                marked += [((d, d.at, d.example["trigger"]), d.example) for d in some]
                if marked:
                    second, examples = zip(*marked)
                    inputs = collate(second)
                    loss = loss + second_loss([o.float() for o in model(*inputs)], second, examples)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step, total, count = step + 1, total + loss.item(), count + 1
            if step % 100 == 0:
                print(f"{log} step {step} of {n_steps}, loss {total / count:.3f}, {time.time() - start:.0f}s", flush=True)
            if epoch >= options.epochs * 0.5:
                with torch.no_grad():
                    if average is None:
                        average = {k: v.clone() for k, v in model.state_dict().items()}
                    for k, v in model.state_dict().items():
                        average[k].lerp_(v, options.lerp)
        times = f"{time.time() - start:.0f}s cpu {time.process_time():.0f}s"
        print(f"{log} epoch {epoch} loss {total / count:.3f} {times}", flush=True)
    model.load_state_dict(average)
    return model.eval()


def go_on(options, weights, documents, helpers, scored, kept):
    """Fine-tunes the shipped weights, or those of an earlier `continue`; keeps the state and the readings of held-out documents and of dev."""
    if options.start:
        start = torch.load(f"{options.cache}/{options.start}-all.pt")[1]
    else:
        shipped = state_of(f"{HERE}/../model/statements.onnx").items()
        start = {name: torch.from_numpy(values) for name, values in shipped}
    state = train(options, weights, documents, helpers, options.name, start).state_dict()
    torch.save((vars(options), state), kept("all.pt"))
    compare(start, state, *scored, kept)


def compare(start, state, held_out, dev, kept):
    """Figures of the weights between what they were and what they became."""
    for share in (0.0, 0.5, 0.75, 1.0):
        model = Branch()
        model.load_state_dict({name: (1 - share) * start[name] + share * values for name, values in state.items()})
        model.eval()
        readings = {d.id: read(model, d) for d in held_out + dev}
        calibration = calibrate(held_out, readings)
        print(f"share {share}", calibration, flush=True)
        torch.save((calibration, model.state_dict()), kept(f"{share}.pt"))
        score(f"{share} held out", calibration, held_out, readings)
        score(f"{share} dev", calibration, dev, readings)


def score(name, calibration, documents, readings):
    """Prints figures over thresholds, and how often scores hold."""
    for d in documents:
        put_scores(calibration, readings[d.id])
    print(name, "holds", reliability(documents, readings))
    for score_min in (0.3, 0.35, 0.4, 0.45, 0.5):
        print(name, score_min, figures(documents, readings, score_min), flush=True)


def options_of_command_line():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["cross-validate", "calibrate", "train", "continue", "export"])
    numbers = dict(epochs=8, batch=16, helpers=2, seed=0, pretrain=1, bf16=1, more=1, documents=1)
    rates = dict(dropout=0.1, head_dropout=0.2, input_dropout=0.1, rate=1.5e-4, heads_faster=5.0, lower=0.7,
                 decay=0.05, lerp=0.01, negatives=0.6, twins=0.0)
    for name, default in (numbers | rates).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--folds", default="0")
    parser.add_argument("--weights", default="all", help="for export: `all`, or a fold that was cross-validated")
    parser.add_argument("--labels", default="statements_documents.jsonl", help="labels of the documents read here")
    parser.add_argument("--name", default="branch", help="prefix of what is kept in the cache")
    parser.add_argument("--start", help="the --name of an earlier training to go on from")
    parser.add_argument("--cache", default=os.path.join(tempfile.gettempdir(), "harbinger-statements"))
    parser.add_argument("--output", default=f"{HERE}/../model", help="folder of statements.onnx")
    return parser.parse_args()


def main():
    options = options_of_command_line()
    os.makedirs(options.cache, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    kept = lambda ending: f"{options.cache}/{options.name}-{ending}"
    tagger = lambda: Tagger(f"{SHARED}/model")
    documents = load(f"{SHARED}/data/statements/train", tagger, f"{options.cache}/train.pt")
    dev = load(f"{SHARED}/data/statements", tagger, f"{options.cache}/dev.pt")
    folds = list(map(int, options.folds.split(",")))
    if options.command == "calibrate":
        readings = {k: v for fold in folds for k, v in pickle.load(open(kept(f"{fold}.pkl"), "rb")).items()}
        own = [d for d in documents if d.id in readings]
        calibration = calibrate(own, readings)
        json.dump(calibration, open(f"{HERE}/statements_calibration.json", "w"))
        print(calibration)
        return score("folds", calibration, own, readings)
    if options.command == "export":
        _, state = torch.load(kept(f"{options.weights}.pt"))
        export(state, f"{options.output}/statements.onnx")
        return write_fixtures(state, tagger(), f"{options.output}/fixtures.json")
    weights = load_file(f"{SHARED}/model/tagger-v1.safetensors").items()
    weights = {name: torch.from_numpy(values.astype(np.float32)) for name, values in weights}
    helpers = load_rams(f"{SHARED}/data/nlp/rams.train.jsonl.gz", tagger, f"{options.cache}/rams.pt")
    helpers += load_casie(f"{SHARED}/data/nlp/casie_docs.jsonl.gz", tagger, f"{options.cache}/casie.pt")
    more, held_out = [], []
    if options.more:
        labels = f"{HERE}/statements_more.jsonl"
        more = load_more(labels, f"{SHARED}/data/nlp", tagger, f"{options.cache}/more.pt")
    if options.documents:
        name = options.labels.removeprefix("statements_").removesuffix(".jsonl")
        read_here = load_documents(f"{HERE}/{options.labels}", SHARED, tagger, f"{options.cache}/{name}.pt")
        if options.command == "continue":
            held_out = read_here[::5]
        more += [d for d in read_here if d not in held_out]
    print(len(documents), "documents,", len(more), "more,", len(helpers), "helpers", vars(options), flush=True)
    if options.command == "continue":
        if options.twins:
            whole = documents + [d for d in more if d.gold]  # Not the single sentences.
            put_twins(whole, SHARED, tagger, f"{options.cache}/twins.pt")
        return go_on(options, weights, documents + more, helpers, (held_out, dev), kept)
    for fold in ["all"] if options.command == "train" else folds:
        others = [d for n, d in enumerate(documents) if n % 5 != fold]
        state = torch.load(f"{options.cache}/{options.start}-{fold}.pt")[1] if options.start else None
        model = train(options, weights, others + more, helpers, f"{options.name} fold {fold}", state)
        torch.save((vars(options), model.state_dict()), kept(f"{fold}.pt"))
        parts = [(f"{fold}-dev", dev)] + ([(str(fold), documents[fold::5])] if fold != "all" else [])
        for ending, some in parts:
            with open(kept(f"{ending}.pkl"), "wb") as out:
                pickle.dump({d.id: read(model, d) for d in some}, out)
        if os.path.exists(f"{HERE}/statements_calibration.json"):
            readings = pickle.load(open(kept(f"{fold}-dev.pkl"), "rb"))
            score(f"{fold} dev", json.load(open(f"{HERE}/statements_calibration.json")), dev, readings)
    if options.command == "train":
        export(model.state_dict(), f"{options.output}/statements.onnx")


if __name__ == "__main__":
    main()
