"""Whole documents of the sets in `shared` that were read for this project by the guideline.

`statements_documents.jsonl` holds for each document where its text is, a hash of the text and the places of words
(sentence, first character, end), but none of the text itself; `statements_written.jsonl`, whose texts are our own,
holds their sentences (statements.md).
"""
import gzip, hashlib, json, re

ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Gen|Col|Lt|Sgt|Maj|Capt|Gov|Sen|Rep|St|Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec|No|vs|Inc|Corp|Ltd|"
    r"Co|U\.S|U\.N|U\.K|a\.m|p\.m|[A-Z])\.$"
)
STOP = re.compile(r"[.!?][\"”’')\]]*\s+(?=[\"“‘'(\[]?[A-Z0-9])")
N_SENTENCES_MAX = {"ner.train": 30, "casie_docs": 26, "ngec_synthetic_events": 20, "newswcl50": 28, "articles-2026": 28, "ecbplus-dev": 28}


def joined(text, with_hyphens):
    """Text from words with spaces around everything; hyphens stay apart in half of the documents, as in the sets."""
    text = re.sub(r" ([.,;:!?)\]%’])", r"\1", text)
    text = re.sub(r"([(\[]) ", r"\1", text)
    text = re.sub(r" (['’](?:s|re|ve|ll|d|m|t)\b)", r"\1", text)
    return re.sub(r"(?<=[a-z0-9]) - (?=[a-z0-9])", "-", text) if with_hyphens else text


def reuters(rows, dateline):
    """Headline and paragraphs of a story, without its dateline and who wrote it."""
    paragraphs = [" ".join(row["t"]) for row in [rows[0], *rows[dateline + 1 :]]]
    paragraphs = [it for it in paragraphs if not it.startswith("-- ")]
    paragraphs = [re.sub(r" (n't\b)", r"\1", joined(it, True)) for it in paragraphs]
    # Quotation marks open and close in turn.
    return [re.sub(r'" ?([^"]*?) ?"', r'"\1"', re.sub(r'^" (?=[^"]*$)', '"', it)) for it in paragraphs]


def split(text):
    """The sentences of a paragraph."""
    sentences, start = [], 0
    for stop in STOP.finditer(text):
        if not ABBREVIATION.search(text[start : stop.start() + 1]):
            sentences.append(text[start : stop.end()].strip())
            start = stop.end()
    return [it for it in sentences + [text[start:].strip()] if it]


def rows(shared, name):
    folder = "stories" if name in ("ecbplus-dev", "newswcl50") else "nlp"
    with gzip.open(f"{shared}/data/{folder}/{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def sentences_of(place, source):
    """The sentences of the document at `place`; `source` is its whole set."""
    name = place["set"]
    if "dateline" in place:  # Consecutive rows of Reuters: headline, sometimes who wrote it, place and day, text.
        paragraphs = reuters(source[slice(*place["rows"])], place["dateline"])
    elif name == "ner.train":  # Consecutive rows; a document begins with its address.
        paragraphs = [joined(" ".join(row["t"]), place["join"]) for row in source[slice(*place["rows"])]]
    elif name == "articles-2026":
        title, text = (source[place["page"]][part] or "" for part in ("title", "text"))
        paragraphs = [it.strip() for it in text.split("\n")]
    else:
        row = source[place["row"]]
        title, text = row.get("headline") or row.get("title"), row["text"]
        if name == "newswcl50":
            title, text = None, joined(text.replace("\\n", "\n"), True)
        paragraphs = text.split("\n")
    sentences = [sentence for paragraph in paragraphs for sentence in split(paragraph)]
    if name == "ngec_synthetic_events":
        sentences.pop()  # The machine stopped in the middle of it.
    if name != "ner.train" and title:
        sentences.insert(0, title)
    return sentences[: N_SENTENCES_MAX[name]]


def digest(sentences):
    return hashlib.sha256("\n".join(sentences).encode()).hexdigest()[:12]


def gold_of(labels, sentences):
    """Statements in the form of `statements/gold`, out of places."""
    words = lambda place: sentences[place[0]][place[1] : place[2]]
    phrase = lambda place: {"text": words(place), "sentence": place[0]}
    statements = []
    for it in labels:
        own = {key: it[key] for key in ("sentence", "kind", "sectors", "domain", "modality", "time")}
        own |= {key: [phrase(place) for place in it[key]] for key in ("actors", "targets")}
        own |= {"trigger": words(it["trigger"]), "means": [words(place) for place in it["means"]]}
        own["speaker"] = words(it["speaker"]) if it["speaker"] else None
        statements.append(own)
    ahead = {sector for it in statements if it["kind"] in ("threat", "warning") for sector in it["sectors"]}
    return {"statements": statements, "threatened_sectors": sorted(ahead)}


def found_again(place, sha256, shared, sets):
    """The sentences of the document at `place`; `sets` keeps what was read from `shared`."""
    name = place["set"]
    if name == "articles-2026" and name not in sets:
        pages = json.load(open(f"{shared}/data/extraction/{name}/gold.json"))
        sets[name] = {page["file"]: page for page in pages.values()}
    elif name not in sets:
        sets[name] = rows(shared, name)
    sentences = sentences_of(place, sets[name])
    if digest(sentences) != sha256:
        raise ValueError(f"the text at {place} has changed")
    return sentences


def load_documents(labels, shared, tagger, cache):
    """The documents of `labels` with their statements, ready to train on."""
    from statements_data import Document, finished  # Needs torch; the rest of this file does not.

    sets, documents = {}, []
    for line in open(labels):
        row = json.loads(line)
        sentences = row.get("sentences") or found_again(row["place"], row["sha256"], shared, sets)
        documents.append(Document(dict(id=row["id"], sentences=sentences), gold_of(row["statements"], sentences)))
    return finished(documents, tagger, cache)
