"""Documents with hostile statements as training examples over the words of the frozen tagger."""
import glob, gzip, hashlib, json, os, random, re

import numpy as np
import torch
from safetensors.numpy import load_file
from transformers import BertConfig, BertModel

from words import Reader

WORD = re.compile(r"\w+(?:[-'’.]\w+)*|[^\w\s]")
HEADS = ["ner", "cyber", "role", "st"]
KINDS = ["threat", "warning", "attack", "claim", "denial", "attempt"]
DOMAINS = ["cyber", "physical", "economic", "political"]
MODALITIES = ["asserted", "possible", "conditional", "denied"]
TENSES = ["past", "present", "future"]
ROLES = ["ACTOR", "TARGET", "MEANS", "SPEAKER"]
ROLE_LABELS = ["O"] + [prefix + role for role in ROLES for prefix in ("B-", "I-")]
SECTORS = (
    "energy energy/oil-gas energy/electricity energy/nuclear transport transport/aviation "
    "transport/maritime transport/rail transport/road finance finance/banking finance/markets "
    "finance/crypto government government/elections government/law-enforcement "
    "government/diplomacy defence health water food manufacturing chemical telecom technology "
    "media education emergency-services retail hospitality space mining nonprofit religion"
).split()
N_SHARED = 3  # Layers that the tagger and the statement branch have in common.
CONTEXT_LENGTH = 8.0
HIDDEN = 384
N_CASIE_MAX = 3000
N_LABELS = 42
ACTING = {"they", "he", "she", "it", "who", "we", "i"}
SUFFERING = {"them", "him", "her", "it", "us", "their", "his", "its"}


class Tagger:
    """Tagger v1, frozen: what the program's engine gives for a sentence."""

    def __init__(self, folder):
        config = json.load(open(f"{folder}/config.json"))
        weights = {k: v.astype(np.float32) for k, v in load_file(f"{folder}/tagger-v1.safetensors").items()}
        self.weights = {k: torch.from_numpy(v) for k, v in weights.items()}
        self.bert = BertModel(BertConfig.from_dict(config), add_pooling_layer=False).eval()
        encoder = {k[5:]: v for k, v in self.weights.items() if k.startswith("bert.")}
        self.bert.load_state_dict(encoder, strict=False)
        self.reader = Reader(f"{folder}/tokenizer.json")

    @torch.no_grad()
    def read(self, sentences, batch=32):
        """`sentences` are lists of words; returns states after layer N_SHARED + label probabilities
        [words x 426] (half) and the scaled embedding of each sentence."""
        encoded = [self.reader.sentence(words) for words in sentences]
        answers = [None] * len(sentences)
        order = sorted(range(len(sentences)), key=lambda i: len(encoded[i][0]))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            n = max(len(encoded[i][0]) for i in rows)
            ids, case, mask = (torch.zeros(len(rows), n, dtype=torch.long) for _ in range(3))
            for r, i in enumerate(rows):
                k = len(encoded[i][0])
                ids[r, :k], case[r, :k], mask[r, :k] = torch.tensor(encoded[i][0]), torch.tensor(encoded[i][1]), 1
            states = self.bert(input_ids=ids, token_type_ids=case, attention_mask=mask, output_hidden_states=True)
            hidden, lower = states.last_hidden_state, states.hidden_states[N_SHARED]
            for r, i in enumerate(rows):
                first, x = encoded[i][2], hidden[r]
                heads = [(x[first] @ self.weights[f"h.{h}.weight"].T + self.weights[f"h.{h}.bias"]).softmax(-1) for h in HEADS]
                embedding = x[: len(encoded[i][0])].mean(0) @ self.weights["emb.weight"].T + self.weights["emb.bias"]
                words = torch.cat([lower[r][first], *heads], -1)
                answers[i] = words.half().numpy(), (CONTEXT_LENGTH * embedding / embedding.norm()).numpy()
        return answers


def word_span(spans, start, end):
    hit = [k for k, (s, e) in enumerate(spans) if s < end and start < e]
    return (hit[0], hit[-1] + 1) if hit else None


def place(sentence, words, near=None):
    """Where `words` stand in `sentence`: whole words first, then nearest to `near`; -1 when nowhere."""
    found = [m.start() for m in re.finditer(re.escape(words), sentence)]
    cut = lambda at: (at > 0 and sentence[at - 1].isalnum()) or sentence[at + len(words) :][:1].isalnum()
    found = [at for at in found if not cut(at)] or found
    if not found:
        return -1
    return found[0] if near is None else min(found, key=lambda at: abs(at - near))


class Document:
    """Sentences, their features, and the gold statements of each as word spans."""

    def __init__(self, raw, gold, features=None):
        self.id, self.sentences, self.gold = raw["id"], raw["sentences"], gold
        self.spans = [[m.span() for m in WORD.finditer(s)] for s in self.sentences]
        self.features = features

    def finish(self):
        """Cuts words that the tagger did not read, averages the context, aligns the statements."""
        self.spans = [spans[: len(words)] for spans, (words, _) in zip(self.spans, self.features)]
        embeddings = np.stack([embedding for _, embedding in self.features])
        self.embeddings, self.mean = embeddings, embeddings.mean(0)
        self.statements = [[] for _ in self.sentences]
        for statement in self.gold["statements"]:
            example = self.example(statement)
            if example:
                self.statements[statement["sentence"]].append(example)
        return self

    def example(self, gold):
        i, sentence = gold["sentence"], self.sentences[gold["sentence"]]
        here = [place(sentence, a["text"]) for role in ("actors", "targets") for a in gold[role] if a["sentence"] == i]
        here = [at for at in here if at >= 0]
        at = place(sentence, gold["trigger"], sum(here) / len(here) if here else None)
        trigger = word_span(self.spans[i], at, at + len(gold["trigger"])) if at >= 0 else None
        if not trigger:
            return None
        example = dict(
            trigger=trigger, kind=KINDS.index(gold["kind"]), domain=DOMAINS.index(gold["domain"]),
            modality=MODALITIES.index(gold["modality"]), tense=TENSES.index(gold["time"]), spans=[],
            sectors=[SECTORS.index(s.strip("/")) for s in gold["sectors"] if s.strip("/") in SECTORS],
        )
        own = lambda texts: [{"text": text, "sentence": i} for text in texts]
        parts = [("ACTOR", gold["actors"]), ("TARGET", gold["targets"]), ("MEANS", own(gold["means"])),
                 ("SPEAKER", own([gold["speaker"]] if gold.get("speaker") else []))]
        for role, phrases in parts:
            for phrase in phrases:
                span = self.phrase(i, trigger, at, role, phrase)
                if span:
                    example["spans"].append((*span, role))
        return example

    def phrase(self, i, trigger, near, role, phrase):
        """(sentence, first word, end) of a phrase; a pronoun stands in for an antecedent elsewhere."""
        j = phrase["sentence"]
        if not 0 <= j < len(self.sentences):
            return None
        if j != i:
            pronouns = ACTING if role == "ACTOR" else SUFFERING
            words = [self.sentences[i][a:b].lower() for a, b in self.spans[i]]
            side = (lambda k: trigger[0] - k) if role == "ACTOR" else (lambda k: k - trigger[1] + 1)
            near_by = [k for k, w in enumerate(words) if w in pronouns and side(k) > 0]
            if near_by:
                k = min(near_by, key=side)
                return i, k, k + 1
        at = place(self.sentences[j], phrase["text"], near if j == i else None)
        span = word_span(self.spans[j], at, at + len(phrase["text"])) if at >= 0 else None
        return (j, *span) if span else None


def load(folder, tagger, cache):
    """The documents of `folder`; features come from `cache` when it has them."""
    documents = []
    for path in sorted(glob.glob(f"{folder}/docs/*.json")):
        raw, gold = json.load(open(path)), json.load(open(path.replace("/docs/", "/gold/")))
        documents.append(Document(raw, gold))
    return finished(documents, tagger, cache)


def finished(documents, tagger, cache):
    """`documents` with what the tagger says of them, which comes from `cache` when it has it."""
    if cache and os.path.exists(cache):
        features = torch.load(cache, weights_only=False)
    else:
        sentences = [[s[a:b] for a, b in spans] for d in documents for s, spans in zip(d.sentences, d.spans)]
        features = tagger().read(sentences)
        if cache:
            torch.save(features, cache)
    start = 0
    for document in documents:
        document.features = features[start : start + len(document.sentences)]
        start += len(document.sentences)
    return [document.finish() for document in documents]


def conditional_roles(rows, tagger, cache, name):
    """Documents of one statement that teach roles only. `rows`: (sentences as lists of words, spans) with
    spans = (role or "TRIGGER", sentence, first word, end); one trigger each."""
    if cache and os.path.exists(cache):
        features = torch.load(cache, weights_only=False)
    else:
        features = tagger().read([words for sentences, _ in rows for words in sentences])
        if cache:
            torch.save(features, cache)
    answer, start = [], 0
    for number, (sentences, spans) in enumerate(rows):
        document = Document.__new__(Document)
        document.id, document.sentences = f"{name}{number}", [" ".join(words) for words in sentences]
        document.features = features[start : start + len(sentences)]
        start += len(sentences)
        document.spans = [[None] * len(words) for words, _ in document.features]
        document.embeddings = np.stack([embedding for _, embedding in document.features])
        document.mean = document.embeddings.mean(0)
        [(_, at, a, b)] = [span for span in spans if span[0] == "TRIGGER"]
        if a >= len(document.spans[at]):
            continue
        parts = [(j, a, b, role) for role, j, a, b in spans if role != "TRIGGER"]
        document.at, document.example = at, dict(trigger=(a, b), spans=parts, roles_only=True)
        answer.append(document)
    return answer


def load_rams(path, tagger, cache):
    """RAMS and WikiEvents: one trigger with its arguments a row."""
    rows = []
    for line in gzip.open(path, "rt"):
        row = json.loads(line)
        cuts = [k + 1 for k, t in enumerate(row["t"]) if t in (".", "?", "!")] + [len(row["t"])]
        bounds = [(a, b) for a, b in zip([0] + cuts[:-1], cuts) if b > a]
        parts, current = [], None
        for k, label in enumerate(row["y"]):
            if label.startswith("B-"):
                current = [label[2:], k, k + 1]
                parts.append(current)
            elif label.startswith("I-") and current:
                current[2] = k + 1
            else:
                current = None
        if sum(part[0] == "ATTACK" for part in parts) != 1:
            continue
        spans = []
        for role, a, b in parts:
            j = next(n for n, (start, end) in enumerate(bounds) if start <= a < end)
            if role == "ATTACK" or role in ROLES:
                spans.append(("TRIGGER" if role == "ATTACK" else role, j, a - bounds[j][0], b - bounds[j][0]))
        rows.append(([row["t"][a:b] for a, b in bounds], spans))
    return conditional_roles(rows, tagger, cache, "rams")


def load_more(labels, folder, tagger, cache):
    """Single sentences of the sets in `folder` that were labelled for this project: `labels` holds, for each, its
    set, row and the places of its words, but none of its words (statements.md)."""
    sets, documents = {}, []
    for line in open(labels):
        row = json.loads(line)
        name = row["set"]
        if name not in sets:
            sets[name] = [json.loads(line) for line in gzip.open(f"{folder}/{name}.jsonl.gz", "rt")]
        found = sets[name][row["row"]]
        text = found["text"] if "text" in found else " ".join(found["t"])
        if hashlib.sha256(text.encode()).hexdigest()[:12] != row["sha256"]:
            raise ValueError(f"{labels}: row {row['row']} of {name} has changed")
        document = Document(dict(id=f"{name}-{row['row']}", sentences=[text[: row.get("end")]]), None)
        document.labelled = [labelled(it) for it in row["statements"]]
        documents.append(document)
    if cache and os.path.exists(cache):
        features = torch.load(cache, weights_only=False)
    else:
        features = tagger().read([[s[a:b] for a, b in d.spans[0]] for d in documents for s in d.sentences])
        if cache:
            torch.save(features, cache)
    for document, own in zip(documents, features):
        document.features = [own]
        n_words = len(own[0])
        document.spans = [document.spans[0][:n_words]]
        document.embeddings = np.stack([own[1]])
        document.mean = own[1]
        document.statements = [[it for it in document.labelled if it["trigger"][1] <= n_words]]
    return documents


def labelled(it):
    """A statement of `load_more` as a training example."""
    roles = [("ACTOR", it["actors"]), ("TARGET", it["targets"]), ("MEANS", it["means"]),
             ("SPEAKER", [it["speaker"]] if it["speaker"] else [])]
    return dict(
        trigger=tuple(it["trigger"]), kind=KINDS.index(it["kind"]), domain=DOMAINS.index(it["domain"]),
        modality=MODALITIES.index(it["modality"]), tense=TENSES.index(it["time"]),
        spans=[(0, a, b, role) for role, spans in roles for a, b in spans],
        sectors=[SECTORS.index(s) for s in it["sectors"]],
    )


CASIE_ROLES = {"Attacker": "ACTOR", "Victim": "TARGET", "Tool": "MEANS", "Attack-Pattern": "MEANS"}


def load_casie(path, tagger, cache):
    """Attacks of CASIE: each with the arguments in its own sentence."""
    rows = []
    for line in gzip.open(path, "rt"):
        row = json.loads(line)
        text = row["text"]
        cuts = [0] + [m.end() for m in re.finditer(r"[.!?][\"'”’)]*\s+", text)] + [len(text)]
        for event in row["events"]:
            if event["type"] != "Attack":
                continue
            at = event["trigger"]["start"]
            a, b = next((a, b) for a, b in zip(cuts, cuts[1:]) if a <= at < b or b == len(text))
            spans_of_words = [m.span() for m in WORD.finditer(text[a:b])][:100]
            parts = [("TRIGGER", event["trigger"])] + [(CASIE_ROLES.get(g["role"]), g) for g in event["arguments"]]
            spans, taken = [], set()
            for role, part in parts:
                words = word_span(spans_of_words, part["start"] - a, part["end"] - a)
                if not role or not words or not a <= part["start"] < b:
                    continue
                start, end = words
                while end - start > 1 and text[a:b][slice(*spans_of_words[start])].lower() in ("the", "a", "an"):
                    start += 1
                if taken.isdisjoint(range(start, end)):
                    taken.update(range(start, end))
                    spans.append((role, 0, start, end))
            if spans and spans[0][0] == "TRIGGER" and len(spans) > 1:
                rows.append(([[text[a:b][s:e] for s, e in spans_of_words]], spans))
    random.Random(0).shuffle(rows)
    return conditional_roles(rows[:N_CASIE_MAX], tagger, cache, "casie")
