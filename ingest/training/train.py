#!/usr/bin/env python3
"""Trains the model that tells the lines of an article from the rest of its page. README.md says how.

usage: train.py GOLD LINES [--folds N] [--only-tuning] [--seed N] [--save FILE]
GOLD   the folder with articles-2026/gold.json and segments-multilingual/gold.json
LINES  a folder with SET.jsonl for both sets, as the example `line_features` prints them
--folds N        cross-validate by site with N folds and print the figures (0: do not)
--only-tuning    train on the tuning half of the sites only
--save FILE      train on all sites (or the tuning half) and write the model
"""
import argparse
import difflib
import hashlib
import json
import re
import struct
from collections import Counter
from pathlib import Path

import lightgbm
import numpy

ARTICLES, SEGMENTS = "articles-2026", "segments-multilingual"
WORD = re.compile(r"\w+", re.U)
SECOND_LEVEL = {"co", "com", "org", "gov", "ac", "net", "edu", "gob", "gouv", "or", "ne", "go"}
THRESHOLD = 0.45
"""The same as PROBABILITY_MIN of ingest/src/extract/main_text.rs."""
COPY_WORDS_MIN = 5
LONG_WORDS = 15
N_TREES = 220
PARAMETERS = {
    "objective": "cross_entropy",
    "learning_rate": 0.08,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "min_sum_hessian_in_leaf": 0.05,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5,
    "max_bin": 127,
    "deterministic": True,
    "num_threads": 2,
    "verbose": -1,
}


def words(text):
    return WORD.findall(text or "")


def squeeze(text):
    return re.sub(r"\s+", " ", text or "").strip()


def shingles(tokens):
    """Runs of four words, as the scorer counts them."""
    return Counter(tuple(tokens[at:at + 4]) for at in range(max(1, len(tokens) - 3))) if tokens else Counter()


def site(url):
    """The registrable domain, roughly."""
    host = re.sub(r"^[a-z]+::?(//)?", "", url.lower()).split("/")[0].split("?")[0].split(":")[0]
    parts = re.sub(r"\.html?$", "", host).split(".") if "::" in url else host.split(".")
    parts = parts[1:] if parts[0] == "www" else parts
    is_country = len(parts) >= 3 and len(parts[-1]) == 2 and parts[-2] in SECOND_LEVEL
    return ".".join(parts[-3:] if is_country else parts[-2:])


def is_holdout(name):
    """Half of the sites are looked at while features and rules are made, the others are not."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def fold(name, n_folds):
    return hashlib.sha256(b"f" + name.encode()).digest()[1] % n_folds


def of_text(texts, gold):
    """Labels (the share of a line's words that the article has) and weights, from the article's text."""
    lines, article = [words(it) for it in texts], words(gold)
    flat = [word for line in lines for word in line]
    owner = [at for at, line in enumerate(lines) for _ in line]
    labels = numpy.zeros(len(texts))
    hits = numpy.zeros(len(texts))
    matcher = difflib.SequenceMatcher(None, flat, article, autojunk=False)
    for start, _, size in matcher.get_matching_blocks():
        touched = owner[start:start + size]
        # Two equal words are chance, unless they are a whole line.
        if size >= 3 or all(len(lines[at]) <= size for at in touched):
            for at in touched:
                hits[at] += 1
    for at, line in enumerate(lines):
        labels[at] = hits[at] / len(line) if line else 0
    # Text that the page shows elsewhere than the annotation has it.
    wanted = shingles(article)
    for at, line in enumerate(lines):
        if len(line) >= 8 and labels[at] < 0.5 and texts.count(texts[at]) == 1:
            own = shingles(line)
            share = sum((own & wanted).values()) / sum(own.values())
            labels[at] = share if share > 0.6 else labels[at]
    # Of copies of a long line, as many as the article has are right, the first ones. Short ones are
    # left as they were aligned: a heading stands in the table of contents first.
    copies = {}
    for at, line in enumerate(lines):
        if len(line) >= LONG_WORDS:
            copies.setdefault(tuple(line), []).append(at)
    for places in copies.values():
        if len(places) > 1:
            n_right = int(round(sum(labels[at] >= 0.5 for at in places)))
            for rank, at in enumerate(places):
                labels[at] = float(rank < n_right)
    n_words = numpy.array([len(it) for it in lines])
    return labels, (n_words + 1) / (len(article) + 100)


def of_segments(texts, gold):
    """Labels and weights from segments that must and must not be in the article; other lines weigh nothing."""
    labels, weights = numpy.zeros(len(texts)), numpy.zeros(len(texts))
    flat = [squeeze(it) for it in texts]
    page = " ".join(flat)
    starts = numpy.cumsum([0] + [len(it) + 1 for it in flat])

    def places(segment):
        at = page.find(segment) if segment else -1
        while at >= 0:
            first = numpy.searchsorted(starts, at, "right") - 1
            yield first, numpy.searchsorted(starts, at + len(segment) - 1, "right") - 1
            at = page.find(segment, at + 1)

    for segment in map(squeeze, gold["without"]):
        for first, last in places(segment):
            if last - first <= 1:
                weights[first:last + 1] = 1 / len(gold["without"])
    for segment in map(squeeze, gold["with"]):
        found = list(places(segment))
        if found:
            first, last = max(found, key=lambda it: starts[it[1] + 1] - starts[it[0]])
            labels[first:last + 1] = 1
            weights[first:last + 1] = 1 / len(gold["with"])
    return labels, weights


def load(gold_folder, lines_folder):
    pages, names = [], None
    for name in [ARTICLES, SEGMENTS]:
        gold = json.loads((gold_folder / name / "gold.json").read_text(encoding="utf-8"))
        with (lines_folder / f"{name}.jsonl").open(encoding="utf-8") as file:
            names = json.loads(next(file))["names"]
            for row in map(json.loads, file):
                texts = [it["text"] for it in row["lines"]]
                if not texts:
                    continue
                facts = gold[row["id"]]
                label = of_text(texts, facts["text"]) if name == ARTICLES else of_segments(texts, facts)
                rows = numpy.array([it["row"] for it in row["lines"]], numpy.float32)
                pages.append({
                    "set": name, "gold": facts, "texts": texts, "rows": rows,
                    "labels": label[0], "weights": label[1] if name == SEGMENTS else label[1] ** 0.7,
                    "site": site(facts.get("url") or row["id"]),
                })
    return names, pages


def fit(pages, seed):
    rows, labels, weights = (
        numpy.concatenate([it[key] for it in pages]) for key in ["rows", "labels", "weights"]
    )
    kept = weights > 0
    weights *= kept.sum() / weights.sum()
    data = lightgbm.Dataset(rows[kept], labels[kept], weight=weights[kept])
    return lightgbm.train(PARAMETERS | {"seed": seed}, data, N_TREES)


def chosen(page, threshold):
    """The lines that main_text.rs would take."""
    best, text = {}, {}
    for at, (line, probability) in enumerate(zip(page["texts"], page["probabilities"])):
        if probability < threshold:
            continue
        folded = tuple(words(line.lower()))
        if len(folded) >= COPY_WORDS_MIN:
            before = best.get(folded)
            if before is not None and page["probabilities"][before] >= probability:
                continue
            text.pop(before, None)
            best[folded] = at
        text[at] = line
    return [text[at] for at in sorted(text)]


def f1(precision, recall):
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def figures(pages, threshold):
    precisions, recalls, found = [], [], Counter()
    for page in pages:
        text = chosen(page, threshold)
        if page["set"] == ARTICLES:
            gold, own = shingles(words(page["gold"]["text"])), shingles(words("\n".join(text)))
            hits = sum((gold & own).values())
            precisions.append(hits / sum(own.values()) if own else float(not gold))
            recalls.append(hits / sum(gold.values()) if gold else 1.0)
        else:
            text = squeeze(" ".join(text))
            found["hit"] += sum(squeeze(it) in text for it in page["gold"]["with"])
            found["wanted"] += len(page["gold"]["with"])
            found["wrong"] += sum(squeeze(it) in text for it in page["gold"]["without"])
    precision, recall = numpy.mean(precisions), numpy.mean(recalls)
    segments = f1(found["hit"] / max(1, found["hit"] + found["wrong"]), found["hit"] / max(1, found["wanted"]))
    return f"text F1 {f1(precision, recall):.4f} (P {precision:.4f} R {recall:.4f}), segments F1 {segments:.4f}"


def report(pages):
    for threshold in [0.35, 0.4, THRESHOLD, 0.5, 0.55]:
        print(f"threshold {threshold}")
        for label, part in [
            ("tuning", [it for it in pages if not is_holdout(it["site"])]),
            ("holdout", [it for it in pages if is_holdout(it["site"])]),
            ("all", pages),
        ]:
            if part:
                print(f"  {label:8} {figures(part, threshold)}", flush=True)


def cross_validate(pages, n_folds, seed):
    for number in range(n_folds):
        model = fit([it for it in pages if fold(it["site"], n_folds) != number], seed)
        for page in pages:
            if fold(page["site"], n_folds) == number:
                page["probabilities"] = model.predict(page["rows"])


def below(value):
    """The largest single-precision number that is not above `value`: a question has the same answer."""
    single = numpy.float32(value)
    return single if float(single) <= value else numpy.nextafter(single, numpy.float32(-numpy.inf))


def flatten(node, nodes):
    """A tree as rows of (feature, right, value), a node before its left branch before its right one."""
    if "leaf_value" in node:
        nodes.append((0xFFFF, 0, numpy.float32(node["leaf_value"])))
        return
    at = len(nodes)
    nodes.append(None)
    flatten(node["left_child"], nodes)
    nodes[at] = (node["split_feature"], len(nodes), below(node["threshold"]))
    flatten(node["right_child"], nodes)


def save(model, names, path):
    listed = "\n".join(names).encode()
    out = [b"HBLF1\n", struct.pack("<I", len(listed)), listed]
    for tree in model.dump_model()["tree_info"]:
        nodes = []
        flatten(tree["tree_structure"], nodes)
        out.append(struct.pack("<H", len(nodes)))
        out.extend(struct.pack("<HHf", *it) for it in nodes)
    path.write_bytes(b"".join(out))
    print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only-tuning", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    names, pages = load(options.gold, options.lines)
    print(f"{len(pages)} pages, {len({it['site'] for it in pages})} sites, {len(names)} numbers a line")
    if options.folds:
        cross_validate(pages, options.folds, options.seed)
        report(pages)
    if options.save:
        trained = [it for it in pages if not (options.only_tuning and is_holdout(it["site"]))]
        model = fit(trained, options.seed)
        if options.only_tuning:
            for page in pages:
                page["probabilities"] = model.predict(page["rows"])
            report([it for it in pages if is_holdout(it["site"])])
        save(model, names, options.save)


if __name__ == "__main__":
    main()
