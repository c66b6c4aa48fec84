"""From the branch's outputs to statements, as the program does it; phrases and antecedents more simply, no links."""
import os

import numpy as np
import torch

from statements_data import *
from statements_model import CLASSES, N_CONTEXTS
from words import SHARED  # Also for those who read with this.

WORDS_MAX = 160
TRIGGER_WORD_MIN, SENTENCE_MIN, ROLE_BONUS, AGAIN = 0.15, 0.2, 0.0, 3.0


def bucket(k, trigger):
    """Where word `k` stands: 1 on the trigger, 2 to 5 before it by distance, 6 to 9 behind it."""
    if trigger[0] <= k < trigger[1]:
        return 1
    side, distance = (2, trigger[0] - k) if k < trigger[0] else (6, k + 1 - trigger[1])
    return side + (0 if distance <= 1 else 1 if distance <= 3 else 2 if distance <= 7 else 3)


def collate(rows):
    """rows: (document, sentence, trigger or None). Returns the inputs, padded to the longest row."""
    n = max(min(WORDS_MAX, len(d.spans[i])) for d, i, _ in rows)
    words = np.zeros((len(rows), n, HIDDEN + N_LABELS), np.float32)
    mask, marks = (np.zeros((len(rows), n), np.int64) for _ in range(2))
    around = np.zeros((len(rows), N_CONTEXTS, HIDDEN), np.float32)
    for r, (d, i, trigger) in enumerate(rows):
        k = min(WORDS_MAX, len(d.spans[i]))
        words[r, :k] = d.features[i][0][:k]
        mask[r, :k] = 1
        if trigger is not None:
            marks[r, :k] = [bucket(word, trigger) for word in range(k)]
        if i:
            around[r, 0] = d.embeddings[i - 1]
        if i + 1 < len(d.sentences):
            around[r, 1] = d.embeddings[i + 1]
        around[r, 2], around[r, 3] = d.embeddings[0], d.mean
    return [torch.from_numpy(a) for a in (words, mask, marks, around)]


def triggers(words, any_):
    """Candidate triggers of one sentence: (first word, end, probability)."""
    inside, spans, k = 1 - words[:, 0], [], 0
    while k < len(inside):
        end = k + 1
        if inside[k] >= TRIGGER_WORD_MIN:
            begins = lambda it: it[1] > it[2] and it[1] > 0.3
            while end < len(inside) and inside[end] >= TRIGGER_WORD_MIN and not begins(words[end]):
                end += 1
            spans.append((k, end, float(inside[k:end].max())))
        k = end
    if not spans and any_ > SENTENCE_MIN:
        k = int(inside.argmax())
        spans.append((k, k + 1, float(inside[k])))
    return spans


@torch.no_grad()
def read(model, document):
    """Readings of every candidate trigger of `document`."""
    rows = [(document, i, None) for i, spans in enumerate(document.spans) if spans]
    rows.sort(key=lambda row: len(document.spans[row[1]]))
    candidates, readings = [], []
    for start in range(0, len(rows), 32):
        part = rows[start : start + 32]
        out = model(*collate(part))
        words, sentence = out[0].softmax(-1).numpy(), out[1][:, 0].sigmoid().tolist()
        for r, (_, i, _) in enumerate(part):
            for a, b, p in triggers(words[r, : len(document.spans[i])], sentence[r]):
                candidates.append(((document, i, (a, b)), p, sentence[r]))
    for start in range(0, len(candidates), 32):
        part = candidates[start : start + 32]
        _, _, role, classes, sector = model(*collate([row for row, *_ in part]))
        *classes, valid = classes.split(CLASSES, -1)
        for r, ((_, i, trigger), p, any_) in enumerate(part):
            n = min(WORDS_MAX, len(document.spans[i]))
            readings.append(dict(
                sentence=i, trigger=trigger, parts=(p, any_, float(valid[r].sigmoid())),
                role=role[r, :n].softmax(-1).numpy(), sector=sector[r, :n].sigmoid().numpy(),
                classes=[c[r].softmax(-1).numpy() for c in classes]))
    return readings


def spans_of(reading, bonus=ROLE_BONUS, again=AGAIN):
    """Viterbi over the BIO labels: [role, first word, end]. An `I-` follows only its own `B-` or `I-`; a role
    that starts anew right behind itself costs `again`."""
    scores, n = np.log(reading["role"] + 1e-9), len(ROLE_LABELS)
    scores[:, 0] -= bonus
    jump = np.zeros((n, n))
    for a in range(n):
        for b in range(1, n):
            if b % 2 == 0 and a not in (b, b - 1):
                jump[a, b] = -1e9
            elif b % 2 == 1 and a in (b, b + 1):
                jump[a, b] = -again
    best, origins = scores[0] + jump[0], []
    for row in scores[1:]:
        every = best[:, None] + jump
        origins.append(every.argmax(0))
        best = every.max(0) + row
    labels = [int(best.argmax())]
    for origin in reversed(origins):
        labels.append(int(origin[labels[-1]]))
    spans = []
    for k, label in enumerate(reversed(labels)):
        if label % 2 == 1:
            spans.append([ROLES[label // 2], k, k + 1])
        elif label:
            spans[-1][2] = k + 1
    return spans


LEADING = {"the", "a", "an", "and", "or", "both", "by", "of", "from"}
PERSONS = {"he", "she", "him", "her", "his", "himself", "herself"}
BODIES = {"they", "them", "their", "it", "its", "themselves", "itself", "those", "these"}
SPEAKERS = {"i", "we", "us", "our", "me", "my"}
PLACE, BODY, PERSON = 1, 5, 7  # Labels B-LOC, B-ORG, B-PER of the tagger's head `ner`.
RELATIVES = {"who", "which", "that", "whose", "whom"}


class Phrases:
    """Phrases without articles, pronouns replaced by the nearest likely name or earlier actor."""

    def __init__(self, document):
        self.document, self.acted = document, []
        self.names = []
        for i, (words, _) in enumerate(document.features):
            ner, k = words[:, HIDDEN : HIDDEN + 9].argmax(-1), 0
            while k < len(ner):
                if ner[k] % 2 == 1:
                    end = k + 1
                    while end < len(ner) and ner[end] == ner[k] + 1:
                        end += 1
                    self.names.append((i, k, end, int(ner[k])))
                    k = end
                else:
                    k += 1

    def word(self, j, k):
        a, b = self.document.spans[j][k]
        return self.document.sentences[j][a:b].lower()

    def read(self, j, a, b, speaker):
        while b - a > 1 and (self.word(j, a) in LEADING or not self.word(j, a)[0].isalnum()):
            a += 1
        while b - a > 1 and not self.word(j, b - 1)[-1].isalnum() and self.word(j, b - 1) != ")":
            b -= 1
        words = self.word(j, a)
        if b - a > 1 or words not in PERSONS | BODIES | SPEAKERS | RELATIVES:
            return j, a, b
        if words in SPEAKERS:
            return speaker
        best = None
        for i, k, end, label in self.names:
            bodies = (PLACE, BODY) if words in BODIES else (PLACE, BODY, PERSON)
            agrees = label in ((PERSON,) if words in PERSONS else bodies)
            if agrees and (i, end) <= (j, a) and j - i <= 4:
                is_first = not any(x[0] == i and x[1] < k for x in self.names)
                worth = i - j - (0.9 if label == PLACE else 0) + (0.6 if is_first else 0)
                best = max(best or (-9,), (worth, (i, k, end)))
        if words in BODIES:
            for i, span in self.acted:
                if j - i <= 4:
                    best = max(best or (-9,), (0.8 + i - j, span))
        return best and best[1]


def statements(document, readings, score_min, sector_min=0.4, bonus=ROLE_BONUS):
    """Statements as `annotate` prints them, of readings that have a score."""
    starts, at = [], 0
    for sentence in document.sentences:
        starts.append(at)
        at += len(sentence) + 1
    def phrase(j, a, b):
        s, e = document.spans[j][a][0], document.spans[j][b - 1][1]
        text = document.sentences[j][s:e]
        for ending in ("'s", "’s"):
            text = text.removesuffix(ending)
        return dict(start=starts[j] + s, end=starts[j] + s + len(text), text=text)
    kept, reader = [], Phrases(document)
    for reading in sorted(readings, key=lambda r: -r["score"]):
        if reading["score"] < score_min:
            continue
        spans, i = spans_of(reading, bonus), reading["sentence"]
        targets = [s[1:] for s in spans if s[0] == "TARGET"]
        near = lambda r: abs(r["trigger"][0] - reading["trigger"][0]) < 4
        is_repeat = lambda r, t: r["sentence"] == i and t == targets and near(r)
        if not any(is_repeat(r, t) for r, t, _ in kept):
            kept.append((reading, targets, spans))
    answer = []
    for reading, _, spans in sorted(kept, key=lambda k: (k[0]["sentence"], k[0]["trigger"])):
        i = reading["sentence"]
        of = lambda role: [(i, *s[1:]) for s in spans if s[0] == role]
        said = (of("SPEAKER") or [None])[0]
        resolved = lambda role: list(dict.fromkeys(filter(None, (reader.read(*s, said) for s in of(role)))))
        actors = resolved("ACTOR")
        reader.acted += [(i, a) for a in actors]
        hit = [reading["sector"][a:b].mean(0) for _, a, b in of("TARGET")]
        sectors = np.max(hit or [np.zeros(len(SECTORS))], 0)
        kind, domain, modality, tense = (int(c.argmax()) for c in reading["classes"])
        answer.append(dict(
            kind=KINDS[kind], domain=DOMAINS[domain], modality=MODALITIES[modality], time=TENSES[tense],
            trigger=phrase(i, *reading["trigger"]), actors=[phrase(*a) for a in actors],
            targets=[phrase(*t) for t in resolved("TARGET")], means=[phrase(*m) for m in of("MEANS")],
            sectors=[s for s, p in zip(SECTORS, sectors) if p > sector_min], score=reading["score"]))
    return answer
