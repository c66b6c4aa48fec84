#!/usr/bin/env python3
"""Runs every scorer over every development set that is present and prints one table. Standard library only.

usage: eval.py [--only NAME] [--record] [--shared DIR] [--binary FILE]
--record writes the figures to figures.json beside this file; the next run prints them as "before".
Exit status 1 when a figure fell by more than one point. Without the shared folder it says so and ends well.

The sets are for tuning and reporting; none of the documents scored here may be trained on, with two exceptions:
articles-2026, on which the model of article lines is trained, and eurepoc_until_2020, on which the text classifier
of sectors is. Their honest figures are the cross-validated ones in ingest/training/README.md and
nlp/training/sectors.md; those printed here flatter and only tell whether something broke.
"""
import argparse
import csv
import gzip
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIGURES = Path(__file__).with_name("figures.json")
FALL_MAX = 1.0
"""Points that a figure may lose before the run fails."""


def rows(path):
    """The JSON objects of a file of JSON lines, gzipped or not."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Evaluation:
    """Runs the binary and the scorers; figures are in percent."""

    def __init__(self, shared, binary, folder):
        self.shared, self.binary, self.folder = shared, binary, folder

    def data(self, *parts):
        return self.shared.joinpath("data", *parts)

    def harbinger(self, command, lines, name):
        """Feeds objects to a command over JSON lines; returns the file with its answers."""
        given, answers = self.folder / f"{name}.in.jsonl", self.folder / f"{name}.out.jsonl"
        with given.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(it) + "\n" for it in lines)
        with answers.open("w", encoding="utf-8") as file:
            status = subprocess.run([self.binary, command, "--jsonl", "-q", given], stdout=file).returncode
        if status not in (0, 1):
            raise SystemExit(f"eval: `harbinger {command}` ended with status {status}")
        return answers

    def scorer(self, name, *arguments):
        """What a scorer of the shared folder prints."""
        for path in arguments:
            if isinstance(path, Path) and not path.exists():
                raise FileNotFoundError(2, "no such set", str(path))
        command = [sys.executable, self.shared / "eval" / f"{name}.py", *arguments]
        # score_statements walks sets: which of two sectors earns half would change with each run.
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def statements(self):
        gold = self.data("statements")
        lines = [json.loads(it) for it in self.scorer("score_statements", "make", gold).splitlines()]
        answers = self.harbinger("annotate", lines, "statements")
        printed = self.scorer("score_statements", "score", gold, answers)
        for figure in ["detect", "actor", "target", "means", "sector", "doc-sector", "tuple"]:
            yield f"statements {figure} F1", number(rf"^\s*{figure}\b.*?F1=([\d.]+)", printed)
        yield "statements right kind", number(r"kind accuracy=([\d.]+)", printed)

    def entities(self):
        sets = [("ner.conll_test", "news", []), ("ner.ww_dev", "news", ["PER", "ORG", "LOC"])]
        sets.append(("cyber.anno_dev", "cyber", ["GROUP", "MALWARE", "SECTOR"]))
        for name, family, classes in sets:
            gold = self.data("nlp", f"{name}.jsonl.gz")
            lines = [json.loads(it) for it in self.scorer("score_ner", "make", gold).splitlines()]
            answers = self.harbinger("annotate", lines, name)
            printed = self.scorer("score_ner", "score", gold, answers, family)
            for kind in ["all", *classes]:
                yield f"entities {name} {kind} F1", number(rf"^{kind} F1=([\d.]+)", printed)

    def stories(self):
        for name in ["ecbplus-dev", "newswcl50"]:
            gold = self.data("stories", f"{name}.jsonl.gz")
            fields = ["id", "title", "text", "published_at"]
            lines = [{field: row[field] for field in fields if field in row} for row in rows(gold)]
            answers = self.harbinger("correlate", lines, name)
            printed = self.scorer("score_stories", gold, answers)
            yield f"stories {name} B3 F1", 100 * number(r"B3 F1=([\d.]+)", printed)

    def extracted(self, name):
        """What the scorer says of a set of pages."""
        folder = self.data("extraction", name)
        gold = json.loads((folder / "gold.json").read_text(encoding="utf-8"))
        pages = []
        for page, facts in gold.items():
            html = gzip.open(folder / "html" / facts["file"]).read().decode("utf-8", "replace")
            pages.append({"id": page, "url": facts.get("url"), "html": html})
        return self.scorer("score_extraction", folder, self.harbinger("extract", pages, name))

    def extraction(self):
        printed = self.extracted("articles-2026")
        yield "article text F1", 100 * number(r"text .*?F1=([\d.]+)", printed)
        yield "article title exact", 100 * number(r"title exact=([\d.]+)", printed)
        yield "article date accuracy", 100 * number(r"date accuracy=([\d.]+)", printed)
        yield "article authors", 100 * number(r"author=([\d.]+)", printed)
        segments = self.extracted("segments-multilingual")
        yield "segments multilingual F1", 100 * number(r"segments F1=([\d.]+)", segments)
        yield "dates accuracy", 100 * number(r"date accuracy=([\d.]+)", self.extracted("dates"))

    def sectors(self):
        """Micro F1 of top-level sectors over incident summaries whose receivers map to one.

        A summary's sectors are those of the document and of its statements; categories that map to no
        sector (persons, unknown) and sectors to which no category maps (technology) neither help nor harm.
        """
        gold_rows = rows(self.data("sectors", "eurepoc_until_2020.jsonl.gz"))
        answers = self.harbinger("annotate", [{"id": it["id"], "text": it["text"]} for it in gold_rows], "sectors")
        n_right = n_said = n_meant = 0
        for row, answer in zip(gold_rows, rows(answers)):
            meant = {RECEIVER_SECTORS[it] for it in row["receiver_category"] + row["receiver_subcategory"] if it in RECEIVER_SECTORS}
            if not meant:
                continue
            said = {it["id"] for it in answer.get("sectors", [])}
            said |= {sector for it in answer.get("statements", []) for sector in it["sectors"]}
            said = {"/" + it.split("/")[1] for it in said} & set(RECEIVER_SECTORS.values())
            n_right, n_said, n_meant = n_right + len(meant & said), n_said + len(said), n_meant + len(meant)
        yield "sectors eurepoc micro F1", 200 * n_right / max(1, n_said + n_meant)

    def places(self):
        """Share of toponyms that are linked to a place in the right country.

        The data set gives coordinates; the country is that of the nearest city of 15 000 inhabitants.
        """
        cities = [(float(it["lat"]), float(it["lon"]), it["country"]) for it in rows(self.data("gazetteers", "cities15000.jsonl.gz"))]
        countries = gazetteer_countries()
        gold_rows = rows(self.data("nlp", "geovirus.jsonl.gz"))
        answers = self.harbinger("annotate", [{"id": it["id"], "text": it["text"]} for it in gold_rows], "places")
        n_right = n_linked = n_all = 0
        for row, answer in zip(gold_rows, rows(answers)):
            linked = {(it["start"], it["end"]): it["entity"]["id"] for it in answer["mentions"] if it.get("entity")}
            for toponym in row["entities"]:
                meant = nearest_country(float(toponym["lat"]), float(toponym["lon"]), cities)
                found = countries.get(linked.get((toponym["start"], toponym["end"])))
                n_all, n_linked, n_right = n_all + 1, n_linked + (found is not None), n_right + (found == meant)
        yield "places geovirus country right, of those linked", 100 * n_right / max(1, n_linked)
        yield "places geovirus country right, of all", 100 * n_right / n_all


RECEIVER_SECTORS = {
    "Government / ministries": "/government",
    "Civil service / administration": "/government",
    "Legislative": "/government",
    "Political parties": "/government",
    "Election infrastructure / related systems": "/government",
    "Intelligence agencies": "/government",
    "Judiciary": "/government",
    "Police": "/government",
    "State institutions / political system": "/government",
    "Military": "/defence",
    "Defence industry": "/defence",
    "Telecommunications": "/telecom",
    "Finance": "/finance",
    "Energy": "/energy",
    "Transportation": "/transport",
    "Health": "/health",
    "Chemicals": "/chemical",
    "Water": "/water",
    "Food": "/food",
    "Critical Manufacturing": "/manufacturing",
    "Media": "/media",
    "Science": "/education",
    "Advocacy / activists (e.g. human rights organizations)": "/nonprofit",
    "Religious": "/religion",
}


def number(pattern, text):
    """The number that a pattern captures; NaN when the scorer printed none."""
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    return float(found.group(1)) if found else math.nan


def nearest_country(latitude, longitude, cities):
    shrink = math.cos(math.radians(latitude))
    return min(cities, key=lambda it: (it[0] - latitude) ** 2 + ((it[1] - longitude) * shrink) ** 2)[2]


def gazetteer_countries():
    """Country of each entity of the gazetteers."""
    countries = {}
    for path in sorted((ROOT / "config" / "gazetteers").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                is_country = row["entity_id"].startswith("country:")
                country = row["entity_id"][8:] if is_country else row.get("country")
                if country:
                    countries[row["entity_id"]] = country
    return countries


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="statements, entities, stories, extraction, sectors or places")
    parser.add_argument("--record", action="store_true", help="keep the figures for the next run")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "harbinger")
    options = parser.parse_args()
    if not (options.shared / "data").is_dir():
        print(f"eval: skipped, there is no data in {options.shared}", file=sys.stderr)
        return 0
    if not options.binary.is_file():
        raise SystemExit(f"eval: there is no {options.binary}")
    before = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    figures, fallen = {}, []
    with tempfile.TemporaryDirectory() as folder:
        evaluation = Evaluation(options.shared, options.binary.resolve(), Path(folder))
        for part in ["statements", "entities", "stories", "extraction", "sectors", "places"]:
            if options.only not in (None, part):
                continue
            try:
                figures.update(list(getattr(evaluation, part)()))
            except FileNotFoundError as error:
                print(f"eval: skipped {part}, there is no {error.filename}", file=sys.stderr)
            except subprocess.CalledProcessError as error:
                raise SystemExit(f"eval: the scorer of {part} failed:\n{error.stderr}") from error
    print(f"{'figure':52} {'now':>7} {'before':>7}")
    for name, value in figures.items():
        known = before.get(name)
        mark = ""
        # A figure that is not there at all (NaN) is less than any.
        if known is not None and not value >= known - FALL_MAX:
            fallen.append(name)
            mark = "  fell"
        print(f"{name:52} {value:7.2f} {'' if known is None else format(known, '7.2f'):>7}{mark}")
    if options.record:
        kept = {name: round(value, 2) for name, value in figures.items()}
        FIGURES.write_text(json.dumps(before | kept, indent=2) + "\n")
    if fallen:
        print(f"eval: fell by more than {FALL_MAX} points: {', '.join(fallen)}", file=sys.stderr)
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
