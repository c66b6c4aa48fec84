#!/usr/bin/env python3
"""Trains the text classifier of sectors, `../model/sectors.json`.

usage: sectors.py cross-validate     figures on incident summaries and labelled documents that were not trained on
       sectors.py train              all of them; writes the weights and the fixtures of the program's parity test
needs: numpy, scipy, scikit-learn, onnxruntime, tokenizers; the folder `shared` (HARBINGER_SHARED); sectors.md has the rest

A text is its sentences up to the sixth, and those with a statement. Numbers of a text: the mean embedding of its first
six sentences (the tagger's), its known stems and pairs of neighbouring stems (each 1, scaled to length 1), and the
sectors that its words tell (`../src/sector_words.rs` and the taxonomy). One logistic regression a sector.
"""
import functools, gzip, json, os, re, sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import tomllib
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from statements_documents import found_again, gold_of, split
from words import SHARED, Reader

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "eval"))
from eval import RECEIVER_SECTORS

LABELS = ["statements_documents_second", "statements_documents_third", "statements_documents_fourth", "statements_written"]
WORD = re.compile(r"\w+(?:[-'’.]\w+)*|[^\w\s]")  # As in statements_data.py.
N_LEAD_SENTENCES = 6  # As in ../src/annotate.rs.
N_TEXTS_MIN = 5  # A stem is known when so many texts hold it.
N_RIGHT_MIN = 4  # A sector is learnt from so many texts.
N_LOWER_MIN = 3
STRENGTH = 1.0
"""Inverse of the penalty on weights."""
SCALE = 1000
"""Weights are stored as whole numbers, times this."""
OWN_PLURALS = {"arms", "customs", "news", "securities"}
EMPTY = set(
    "a an and or of in on at to for by with from as is are was were be been it its that this which who whom their his "
    "her has have had not but also after before than more s t into over http https www com".split()
)
LIKENESS_MAX = 0.5
"""Summaries that are more alike (cosine of tf-idf) are kept in one fold."""


def singular(word):
    """The singular of an English plural, as `singular` of ../src/sector.rs."""
    if word in OWN_PLURALS or len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if word.endswith("men"):
        return word[:-3] + "man"
    return word[:-1] if word.endswith("s") else word


@functools.cache
def folded(text):
    """The words of `text`, as `folded` of ../src/sector.rs."""
    words = (singular(it.lower()) for it in re.findall(r"[^\W_]+", text))
    return [it for it in words if it not in ("s", "the")]


class SectorWords:
    """The words of ../src/sector_words.rs and the taxonomy."""

    def __init__(self):
        self.phrases, self.n_words_max = {}, 0
        self.taxonomy = tomllib.loads((ROOT / "config" / "taxonomy.toml").read_text())["sector"]
        for sector in self.taxonomy:
            for keyword in sector.get("keywords", []):
                self.add(keyword, sector["id"])
        source = (HERE.parent / "src" / "sector_words.rs").read_text()
        table, others = source.split("NOT_SECTORS", 1)
        joined = lambda text: re.sub(r"\\\n\s*", "", text).split(", ")
        for path, phrases in re.findall(r'\(\s*"(/[^"]+)",\s*"((?:[^"\\]|\\\n)*)"', table):
            for phrase in joined(phrases):
                self.add(phrase, path)
        for phrase in joined(re.search(r'"((?:[^"\\]|\\\n)*)"', others).group(1)):
            self.phrases[" ".join(folded(phrase))] = []

    def add(self, phrase, path):
        words = folded(phrase)
        self.n_words_max = max(self.n_words_max, len(words))
        sectors = self.phrases.setdefault(" ".join(words), [])
        if path not in sectors:
            sectors.append(path)

    @functools.cache
    def find(self, text):
        """Top levels of the sectors that the words of `text` tell."""
        words, found, at = folded(text), set(), 0
        while at < len(words):
            for n in range(min(self.n_words_max, len(words) - at), 0, -1):
                sectors = self.phrases.get(" ".join(words[at : at + n]))
                if sectors is not None:
                    break
            if sectors is not None:
                found |= {top(it) for it in sectors}
            at += n if sectors is not None else 1
        return found


def top(path):
    return "/" + path.strip("/").split("/")[0]


class Text:
    """What is classified, with its gold; `judged` are the sectors of which the gold speaks."""

    def __init__(self, id, sentences, kept, meant, judged, year=0):
        self.id, self.lead, self.meant, self.judged, self.year = id, sentences[:N_LEAD_SENTENCES], meant, judged, year
        self.text = "\n".join(s for i, s in enumerate(sentences) if i < N_LEAD_SENTENCES or i in kept)


def summaries():
    """Incident summaries; those of unknown receivers are left out."""
    with gzip.open(f"{SHARED}/data/sectors/eurepoc_until_2020.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    judged = set(RECEIVER_SECTORS.values())
    for row in rows:
        categories = row["receiver_category"] + row["receiver_subcategory"]
        meant = {RECEIVER_SECTORS[it] for it in categories if it in RECEIVER_SECTORS}
        if meant:
            sentences = split(row["text"]) or [row["text"]]
            year = int(row["start_date"][:4] or 0)
            yield Text(row["id"], sentences, range(len(sentences)), meant, judged, year)


def documents(all_sectors):
    """Documents labelled by the guideline; their sectors are those of their statements."""
    sets = {}
    for path in sorted(Path(SHARED, "data/statements/train/docs").glob("*.json")):
        gold = json.loads((path.parents[1] / "gold" / path.name).read_text())
        yield labelled(path.stem, json.loads(path.read_text())["sentences"], gold, all_sectors)
    for name in LABELS:
        for line in open(HERE / f"{name}.jsonl"):
            row = json.loads(line)
            sentences = row.get("sentences") or found_again(row["place"], row["sha256"], SHARED, sets)
            yield labelled(row["id"], sentences, gold_of(row["statements"], sentences), all_sectors)


def labelled(id, sentences, gold, all_sectors):
    told = [it for it in gold["statements"] if it["kind"] != "denial"]
    meant = {top(sector) for it in told for sector in it["sectors"]}
    return Text(id, sentences, {it["sentence"] for it in told}, meant, all_sectors)


def embeddings(texts):
    """Unit vectors: the mean of the embeddings of the first sentences."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(HERE.parent / "model" / "tagger.onnx"), options)
    reader = Reader(str(HERE.parent / "model" / "tokenizer.json"))
    encoded = [(at, *reader.sentence(WORD.findall(it))[:2]) for at, text in enumerate(texts) for it in text.lead]
    encoded.sort(key=lambda it: len(it[1]))
    sums = np.zeros((len(texts), 384))
    for start in range(0, len(encoded), 16):
        rows = encoded[start : start + 16]
        ids, casing, mask = (np.zeros((len(rows), len(rows[-1][1])), np.int64) for _ in range(3))
        for row, (_, pieces, cases) in enumerate(rows):
            ids[row, : len(pieces)], casing[row, : len(pieces)], mask[row, : len(pieces)] = pieces, cases, 1
        given = dict(input_ids=ids, token_type_ids=casing, attention_mask=mask)
        for (at, _, _), vector in zip(rows, session.run(["int8.embedding"], given)[0]):
            sums[at] += vector / np.linalg.norm(vector)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)


def everyday_words(texts):
    """Stems that stand in lower case inside sentences often enough: no names, no acronyms, no numbers."""
    upper, lower = Counter(), Counter()
    for text in texts:
        for word in re.finditer(r"[^\W_]+", text):
            before = text[: word.start()].rstrip(" ")
            if before and before[-1] not in ".!?:\"“\n":
                (upper if word.group()[0].isupper() else lower)[singular(word.group().lower())] += 1
    often = lambda it: lower[it] >= N_LOWER_MIN and 2 * lower[it] >= upper[it]
    return {it for it in lower if often(it) and it.isalpha() and len(it) > 1} - EMPTY


def stems(text, everyday=None):
    """Stems and pairs of neighbouring stems; only of `everyday` words when given."""
    words = folded(text)
    is_known = lambda it: everyday is None or it in everyday
    pairs = [f"{a} {b}" for a, b in zip(words, words[1:]) if is_known(a) and is_known(b)]
    return {it for it in words if is_known(it)} | set(pairs)


class Features:
    """Numbers of texts; the stems that are known come from the texts that are trained on."""

    def __init__(self, texts, sectors, words):
        everyday = everyday_words(it.text for it in texts)
        n_texts = Counter(stem for it in texts for stem in stems(it.text, everyday))
        known = sorted(it for it, n in n_texts.items() if n >= N_TEXTS_MIN)
        self.places = {stem: at for at, stem in enumerate(known)}
        self.sectors, self.words = sectors, words

    def of(self, texts, vectors):
        rows, columns, values = [], [], []
        told = np.zeros((len(texts), len(self.sectors)))
        for row, text in enumerate(texts):
            places = [self.places[it] for it in stems(text.text) if it in self.places]
            rows += [row] * len(places)
            columns += places
            values += [1 / np.sqrt(len(places))] * len(places)
            found = self.words.find(text.text)
            told[row] = [it in found for it in self.sectors]
        known = sparse.csr_matrix((values, (rows, columns)), shape=(len(texts), len(self.places)))
        return sparse.hstack([vectors, told, known]).tocsr()


def fitted(texts, numbers, sectors):
    """A regression for each sector that is learnt."""
    models = {}
    for sector in sectors:
        judged = [at for at, it in enumerate(texts) if sector in it.judged]
        right = np.array([sector in texts[at].meant for at in judged])
        if right.sum() >= N_RIGHT_MIN:
            model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=300)
            models[sector] = model.fit(numbers[judged], right)
    return models


def read(texts, vectors, training, sectors, words, tested):
    """Probabilities [tested × sectors] after training on `training` (both are places in `texts`)."""
    chosen = [texts[at] for at in training]
    features = Features(chosen, sectors, words)
    models = fitted(chosen, features.of(chosen, vectors[training]), sectors)
    numbers = features.of([texts[at] for at in tested], vectors[tested])
    answers = np.zeros((len(tested), len(sectors)))
    for at, sector in enumerate(sectors):
        if sector in models:
            answers[:, at] = models[sector].predict_proba(numbers)[:, 1]
    return answers


def groups(texts):
    """One number for all texts that are nearly the same."""
    vectors = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit_transform(texts)
    likeness = (vectors @ vectors.T).tocoo()
    parent = list(range(len(texts)))

    def root(at):
        while parent[at] != at:
            at = parent[at]
        return at

    for a, b, value in zip(likeness.row, likeness.col, likeness.data):
        if a < b and value > LIKENESS_MAX:
            parent[root(a)] = root(b)
    return [root(at) for at in range(len(texts))]


def f1(said, meant):
    """Micro F1, precision and recall in percent."""
    n_right = sum(len(a & b) for a, b in zip(said, meant))
    n_said, n_meant = sum(map(len, said)), sum(map(len, meant))
    return [round(100 * a / max(1, b), 1) for a, b in ((2 * n_right, n_said + n_meant), (n_right, n_said), (n_right, n_meant))]


def show(name, texts, answers, sectors):
    """F1 at some thresholds."""
    for threshold in (0.25, 0.3, 0.35, 0.4, 0.45, 0.5):
        said = [{s for s, p in zip(sectors, row) if p >= threshold and s in text.judged} for text, row in zip(texts, answers)]
        print(f"{name} at {threshold}: F1 %s P %s R %s" % tuple(f1(said, [it.meant for it in texts])), flush=True)


def cross_validate(texts, vectors, n_summaries, sectors, words, output):
    """Five folds of each kind of text, then the last two years of the summaries."""
    alike = groups([it.text for it in texts])
    answers = np.zeros((len(texts), len(sectors)))
    for training, tested in GroupKFold(5).split(texts, groups=alike):
        answers[tested] = read(texts, vectors, training, sectors, words, tested)
    show("summaries", texts[:n_summaries], answers[:n_summaries], sectors)
    show("documents", texts[n_summaries:], answers[n_summaries:], sectors)
    kept = {it.id: dict(zip(sectors, map(float, row))) for it, row in zip(texts, answers)}
    is_late = np.array([it.year >= 2019 for it in texts])
    tested = np.nonzero(is_late)[0]
    late = read(texts, vectors, np.nonzero(~is_late)[0], sectors, words, tested)
    show("summaries of 2019 and 2020", [texts[at] for at in tested], late, sectors)
    kept_late = {texts[at].id: dict(zip(sectors, map(float, row))) for at, row in zip(tested, late)}
    output.write_text(json.dumps({"folds": kept, "late": kept_late}))


def train(texts, vectors, sectors, words):
    """Writes the weights of all texts, and what they say of sentences of our own."""
    features = Features(texts, sectors, words)
    models = fitted(texts, features.of(texts, vectors), sectors)
    learnt = [it for it in sectors if it in models]
    whole = lambda values: [int(round(SCALE * it)) for it in values]
    matrix = np.stack([models[it].coef_[0] for it in learnt])
    n_before = 384 + len(sectors)
    weights = {
        "scale": SCALE,
        "sectors": learnt,
        "told": sectors,
        "bias": whole(models[it].intercept_[0] for it in learnt),
        "embedding": [whole(matrix[:, at]) for at in range(384)],
        "words": [whole(matrix[:, 384 + at]) for at in range(len(sectors))],
        "stems": {stem: whole(matrix[:, n_before + at]) for stem, at in features.places.items()},
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in weights.items())
    lines = lines.replace("],\"", "],\n\"").replace("],[", "],\n[")
    (HERE.parent / "model" / "sectors.json").write_text("{" + lines + "}\n")
    write_fixtures(weights, words)


FIXTURES = [
    "Hackers took the website of a regional hospital offline, and patients were sent to other clinics.",
    "Two banks and a stock exchange were hit by the malware.\nPower plants were spared.",
    "Spies read the mail of diplomats, of the ministry and of newspapers for years.",
    "",
]


def write_fixtures(weights, words):
    """Probabilities of texts of our own, from the stored weights; the embedding is made up."""
    rows = []
    for number, text in enumerate(FIXTURES):
        vector = np.array([np.sin(0.1 * (at + 1) * (number + 1)) for at in range(384)])
        vector /= np.linalg.norm(vector)
        known = [it for it in stems(text) if it in weights["stems"]]
        told = words.find(text)
        sums = np.array(weights["bias"], float) + vector @ np.array(weights["embedding"])
        for stem in known:
            sums += np.array(weights["stems"][stem]) / np.sqrt(len(known))
        for sector, row in zip(weights["told"], weights["words"]):
            sums += np.array(row) * (sector in told)
        answers = 1 / (1 + np.exp(-sums / weights["scale"]))
        rows.append({"text": text, "number": number, "probabilities": [round(float(it), 6) for it in answers]})
    (HERE.parent / "tests" / "fixtures" / "sectors.json").write_text(json.dumps(rows, indent=1) + "\n")


def main():
    words = SectorWords()
    sectors = sorted({top(it["id"]) for it in words.taxonomy})
    texts = list(summaries())
    n_summaries = len(texts)
    texts += documents(set(sectors))
    cache = Path(os.environ.get("SECTORS_CACHE", "sectors_embeddings.npy"))
    if not cache.exists():
        np.save(cache, embeddings(texts))
    vectors = np.load(cache)
    if sys.argv[1:] == ["cross-validate"]:
        cross_validate(texts, vectors, n_summaries, sectors, words, cache.with_name("sectors_readings.json"))
    elif sys.argv[1:] == ["train"]:
        train(texts, vectors, sectors, words)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
