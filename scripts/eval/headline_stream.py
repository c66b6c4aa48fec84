#!/usr/bin/env python3
"""What the story clusterer makes of streams of headlines with times. Standard library only.

usage: headline_stream.py [--only NAME] [--headlines-only] [--show N] [--dump FOLDER] [--shared DIR] [--binary FILE]

Each stream goes through `harbinger correlate` in the order of its times: the headline is the title, the first
sentences are the text (none with --headlines-only), and published_at is the time. Days without a time of day are
sent as midnight, which the clusterer takes for "unknown". Each goes once with its times and once without.

  ecbplus-dated  headlines of ecbplus-dev whose page tells its day above the text, with the stories of the set: B-cubed
  ecbplus        all of ecbplus-dev; what has no day comes at the end
  newswcl50      first sentences of newswcl50, which tells no times: B-cubed
  casie          reports on attacks and leaks of 2017 and 2018 by many outlets, with their days; no stories are known
  pages          articles-2026: pages of any kind with their days, so that hardly two are one story
  feeds          entries of the real feeds, as `harbinger parse-feed` reads them; most are blogs

Without the shared folder it says so and ends well.
"""
import argparse
import gzip
import html
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from datetime import date, datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMMARY_CHARS = 300
"""Longest summary; what feeds send is about as long."""
SIZES = [(1, 1), (2, 2), (3, 5), (6, 10), (11, None)]
MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
YEAR = r"(?P<year>20\d\d)\b"
DAYS = [
    re.compile(MONTH + r"\s+(?P<day>\d{1,2})\s*(?:st|nd|rd|th)?\s*,?\s+" + YEAR, re.IGNORECASE),
    re.compile(r"\b(?P<day>\d{1,2})\s*(?:st|nd|rd|th)?\s+" + MONTH + r"\s*,?\s+" + YEAR, re.IGNORECASE),
    re.compile(r"\b(?P<first>\d{1,2})\s*/\s*(?P<second>\d{1,2})\s*/\s*" + YEAR),
    re.compile(r"\b" + YEAR + r"\s*-\s*(?P<month>\d{1,2})\s*-\s*(?P<day>\d{1,2})\b"),
]
"""Days as pages print them, in tokens. `4 / 9 / 2012` is in April, unless that cannot be."""


def rows(path):
    """The JSON objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def item(name, title, text, day=None, story=None):
    """One headline; `day` is a text that RFC 3339 begins with, or None."""
    at = None
    if day:
        at = datetime.fromisoformat(day.replace("Z", "+00:00"))
        at = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
    return {"id": str(name), "title": " ".join(title.split()), "text": summary_of(text), "at": at, "story": story}


def summary_of(text):
    """The first sentences, as far as they have room."""
    text = " ".join(text.split())
    if len(text) <= SUMMARY_CHARS:
        return text
    end = max(text.rfind(mark, 0, SUMMARY_CHARS) for mark in (". ", "! ", "? "))
    return text[: end + 1] if end > 60 else text[: text.rfind(" ", 0, SUMMARY_CHARS)]


def day_in(line):
    """The first day that a line names; None when it names none that there is."""
    found = []
    for pattern in DAYS:
        match = pattern.search(line)
        if not match:
            continue
        parts = match.groupdict()
        if "first" in parts:
            month, day = int(parts["first"]), int(parts["second"])
            month, day = (day, month) if month > 12 else (month, day)
        else:
            named = parts["month"]
            month, day = int(named) if named.isdigit() else MONTHS[named[:3].lower()], int(parts["day"])
        try:
            found.append((match.start(), date(int(parts["year"]), month, day).isoformat()))
        except ValueError:
            continue
    return min(found)[1] if found else None


def ecbplus(shared):
    """Headlines of ecbplus-dev; the day is one that stands in a short line above the text."""
    items = []
    for row in rows(shared / "data" / "stories" / "ecbplus-dev.jsonl.gz"):
        lines = [it for it in (line.strip() for line in row["text"].split("\n")) if it]
        if len(lines) > 1 and re.match(r"(posted|published|updated)\b", lines[0], re.IGNORECASE):
            lines[:2] = lines[1], lines[0]
        day, n_head = None, 1
        for n, line in enumerate(lines[1:4], 1):
            # Sentences name days of events, and when somebody saved the page says nothing either.
            is_head = len(line) <= 80 and not line.endswith(" .") and "download" not in line.lower()
            if is_head and day_in(line):
                day, n_head = day_in(line), n + 1
                break
        items.append(item(row["id"], lines[0], " ".join(lines[n_head:]), day, row["cluster"]))
    return items


def ecbplus_dated(shared):
    return [it for it in ecbplus(shared) if it["at"]]


def newswcl50(shared):
    items = []
    for row in rows(shared / "data" / "stories" / "newswcl50.jsonl.gz"):
        text = row["text"].replace("\\n", "\n").strip()
        first, _, rest = text.partition(" . ")
        items.append(item(row["id"], first.split("\n")[0], rest, None, row["cluster"]))
    return items


def casie(shared):
    items = []
    for row in rows(shared / "data" / "nlp" / "casie_docs.jsonl.gz"):
        day = str(row["date"] or "").replace("_", "-")
        if re.fullmatch(r"(19|20)\d\d-\d\d-\d\d", day) and row["title"]:
            items.append(item(row["id"], row["title"], row["text"], day))
    return items


def pages(shared):
    gold = json.loads((shared / "data" / "extraction" / "articles-2026" / "gold.json").read_text(encoding="utf-8"))
    known = [(name, it) for name, it in gold.items() if re.match(r"\d{4}-\d\d-\d\d", it.get("date") or "") and it["title"]]
    return [item(name, it["title"], it["text"] or "", it["date"][:10]) for name, it in known]


def feeds(shared, binary):
    files = sorted((shared / "data" / "feeds" / "real").iterdir())
    run = subprocess.run([binary, "parse-feed", "--jsonl", "-q", *files], capture_output=True, text=True)
    if run.returncode not in (0, 1):
        raise SystemExit(f"headline_stream: `harbinger parse-feed` ended with status {run.returncode}:\n{run.stderr}")
    items = {}
    for feed in map(json.loads, run.stdout.splitlines()):
        for entry in feed.get("entries") or []:
            at, title = entry.get("published") or entry.get("updated"), entry.get("title")
            if at and title:
                plain = html.unescape(re.sub(r"<[^>]*>", " ", entry.get("summary") or entry.get("content") or ""))
                name = entry.get("link") or entry.get("id") or title
                # One blog is there in several formats.
                items.setdefault(name, item(name, html.unescape(title), plain, at))
    return list(items.values())


def correlate(binary, items, with_times, headlines_only, folder):
    """The story of each item, in its order."""
    given = folder / "given.jsonl"
    with given.open("w", encoding="utf-8") as file:
        for it in items:
            line = {"id": it["id"], "title": it["title"], "text": "" if headlines_only else it["text"]}
            if with_times and it["at"]:
                line["published_at"] = it["at"].strftime("%Y-%m-%dT%H:%M:%SZ")
            file.write(json.dumps(line) + "\n")
    run = subprocess.run([binary, "correlate", "--jsonl", "-q", given], capture_output=True, text=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    wrong = [it for it in answers if "story" not in it]
    if run.returncode != 0 or wrong or len(answers) != len(items):
        raise SystemExit(f"headline_stream: `harbinger correlate` ended with status {run.returncode}: {wrong[:3]}\n{run.stderr}")
    return [it["story"] for it in answers]


def b_cubed(items, stories):
    """F1, precision and recall, as score_stories.py has them."""
    meant, found, both = Counter(), Counter(), Counter()
    for it, story in zip(items, stories):
        meant[it["story"]] += 1
        found[story] += 1
        both[it["story"], story] += 1
    precision = sum(n * n / found[story] for (_, story), n in both.items()) / len(items)
    recall = sum(n * n / meant[gold] for (gold, _), n in both.items()) / len(items)
    return 2 * precision * recall / (precision + recall), precision, recall


def report(name, items, stories, with_times, n_shown):
    """Prints a line on a stream, and its largest stories."""
    members = defaultdict(list)
    for it, story in zip(items, stories):
        members[story].append(it)
    sizes = Counter()
    for story in members.values():
        sizes[next(n for n, (_, last) in enumerate(SIZES) if last is None or len(story) <= last)] += 1
    spans = []
    for story in members.values():
        known = sorted(it["at"] for it in story if it["at"])
        if len(story) > 1 and len(known) > 1:
            spans.append((known[-1] - known[0]).days)
    alone = sum(len(story) == 1 for story in members.values()) / len(items)
    days = f"{statistics.median(spans):.0f}/{max(spans)}" if spans else "–"
    scores = "–"
    if all(it["story"] is not None for it in items):
        scores = "F1 {:.3f} P {:.3f} R {:.3f}".format(*b_cubed(items, stories))
    counts = " ".join(f"{sizes[n]:>5}" for n in range(len(SIZES)))
    times = "yes" if with_times else "no"
    print(f"{name:14} {times:5} {len(items):6} {len(members):7} {100 * alone:7.1f} % {counts} {days:>10}  {scores}")
    for story in sorted(members.values(), key=len, reverse=True)[:n_shown]:
        if len(story) > 1:
            print(f"    {len(story)} items")
            for it in story[:5]:
                day = it["at"].date().isoformat() if it["at"] else "no day"
                print(f"      {day:10}  {it['title'][:100]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    streams = ["ecbplus-dated", "ecbplus", "newswcl50", "casie", "pages", "feeds"]
    parser.add_argument("--only", choices=streams)
    parser.add_argument("--headlines-only", action="store_true", help="send no text")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="headlines of the N largest stories")
    parser.add_argument("--dump", type=Path, metavar="FOLDER", help="write the streams there instead of running anything")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "harbinger")
    options = parser.parse_args()
    if not (options.shared / "data").is_dir():
        print(f"headline_stream: skipped, there is no data in {options.shared}", file=sys.stderr)
        return 0
    if not options.dump and not options.binary.is_file():
        raise SystemExit(f"headline_stream: there is no {options.binary}")
    binary = options.binary.resolve()
    makers = {"ecbplus-dated": ecbplus_dated, "ecbplus": ecbplus, "newswcl50": newswcl50, "casie": casie, "pages": pages}
    if not options.dump:
        print(f"{'stream':14} {'times':5} {'items':>6} {'stories':>7} {'alone':>9}     1     2   3-5  6-10   11+ {'days':>10}  B-cubed")
    with tempfile.TemporaryDirectory() as folder:
        for name in streams:
            if options.only not in (None, name) or (name == "feeds" and options.dump):
                continue
            try:
                items = feeds(options.shared, binary) if name == "feeds" else makers[name](options.shared)
            except FileNotFoundError as error:
                print(f"headline_stream: skipped {name}, there is no {error.filename}", file=sys.stderr)
                continue
            # The sort is stable: what came together or has no time keeps the order of the set.
            items.sort(key=lambda it: (it["at"] is None, it["at"] or datetime.min.replace(tzinfo=timezone.utc)))
            if options.dump:
                options.dump.mkdir(parents=True, exist_ok=True)
                lines = [json.dumps({**it, "at": it["at"] and it["at"].isoformat()}) + "\n" for it in items]
                (options.dump / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
                continue
            for with_times in [True, False] if any(it["at"] for it in items) else [False]:
                stories = correlate(binary, items, with_times, options.headlines_only, Path(folder))
                report(name, items, stories, with_times, options.show)
    return 0


if __name__ == "__main__":
    sys.exit(main())
