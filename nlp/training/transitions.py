#!/usr/bin/env python3
"""Learns what it costs to go from one label of the head `ner` to the next; figures are in ../model/README.md.

usage: transitions.py > ../model/transitions.json
needs: ../../../shared (HARBINGER_SHARED). Standard library only; the same data give the same file.

The cost is SHARE times log P(label) - log P(label | label before), counted over ner.train without the sets that do
not annotate MISC, plus BROKEN for an I-X that follows neither B-X nor I-X. Row = to, column = from; before the
first word stands O. SHARE was chosen on ner.ww_dev from .1, .2, .3, .5: 82.8, 82.9, 83.1, 83.0 (82.5 without).
"""
import gzip, json, math, os

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("HARBINGER_SHARED", f"{HERE}/../../../shared")
SHARE = 0.3
BROKEN = 3.0


def main():
    labels = json.load(open(f"{HERE}/../model/labels.json"))["ner"]
    number = {label: n for n, label in enumerate(labels)}
    pairs, single = [[1] * len(labels) for _ in labels], [1] * len(labels)
    with gzip.open(f"{SHARED}/data/nlp/ner.train.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            before = 0
            for label in [] if row.get("nm") else row["y"]:
                to = number[label]
                pairs[to][before] += 1
                single[to] += 1
                before = to
    total, after = sum(single), [sum(row[n] for row in pairs) for n in range(len(labels))]

    def cost(to, before):
        of_class = labels[to].replace("I-", "B-"), labels[to]
        is_broken = labels[to].startswith("I-") and labels[before] not in of_class
        learnt = math.log(single[to] / total) - math.log(pairs[to][before] / after[before])
        return round(SHARE * learnt + BROKEN * is_broken, 2)

    rows = [json.dumps([cost(to, before) for before in range(len(labels))]) for to in range(len(labels))]
    print('{"labels": ' + json.dumps(labels) + ',\n "costs": [\n  ' + ",\n  ".join(rows) + "]}")


if __name__ == "__main__":
    main()
