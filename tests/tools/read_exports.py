"""Reads the exports of one archive with the tools they are made for and compares what they hold.

usage: read_exports.py FOLDER [TAXII_URL]

FOLDER has one file for each format, `part.stix` of a part of the same archive, and nothing else.
"""

import collections
import csv
import html
import json
import re
import sys
from pathlib import Path

import feedparser
import networkx
import stix2
import stix2validator
from antlr4 import CommonTokenStream, InputStream
from antlr4_cypher import CypherLexer, CypherParser
from followthemoney import model
from pymisp import MISPEvent

EXTENSION = "extension-definition--"
PATTERNS = {
    "[url:value = 'https://evil.example.com/gate.php']",
    "[ipv4-addr:value = '203.0.113.9']",
}
ATTRIBUTES = {
    ("url", "https://evil.example.com/gate.php"),
    ("ip-dst", "203.0.113.9"),
    ("vulnerability", "CVE-2024-3400"),
}
STATEMENT_EDGES = {"threatens", "may-attack", "attacks", "claims", "denies", "attempts", "uses"}


def check_url(url):
    assert re.match(r"https?://[^\s<>\"]+$", url), f"no address of a page: {url!r}"


def read_jsonl(path):
    lines = [json.loads(it) for it in path.read_text(encoding="utf-8").splitlines()]
    by_type = {}
    for it in lines:
        by_type.setdefault(it["type"], []).append(it)
    end = by_type["end"][0]
    assert end["n_articles"] == len(by_type["article"]), end
    assert end["n_statements"] == len(by_type["statement"]), end
    assert end["n_nodes"] == len(by_type["node"]), end
    assert end["n_edges"] == len(by_type["edge"]), end
    assert not end["is_cut"], end
    ids = {it["id"] for it in by_type["node"]}
    for it in by_type["article"]:
        check_url(it["url"])
    for edge in by_type["edge"]:
        for proof in edge["evidence"]:
            check_url(proof["url"])
        assert edge["source"] in ids and edge["target"] in ids, edge
        assert edge["first_at"] <= edge["last_at"] and edge["weight"] >= 1, edge
        assert edge["evidence"] and all(it["url"] and it["page_sha256"] for it in edge["evidence"]), edge
    return by_type


def parties(phrases):
    """Names by id: those of entities, or else the words as printed."""
    found = {}
    for it in phrases:
        if it.get("entity") and it["entity"]["id"]:
            found.setdefault(it["entity"]["id"], it["entity"]["name"])
            continue
        words = " ".join(it["text"].split())[:120]
        if words:
            found.setdefault(f"words:{words.lower()}", words)
    return found


def actors_and_targets(statement):
    actors, targets = parties(statement["actors"]), parties(statement["targets"])
    return actors, targets or {f"sector:{it}": it for it in statement["sectors"]}


def said(record):
    """What a statement says, each thing as a list of texts."""
    statement = record["statement"]
    actors, targets = actors_and_targets(statement)
    speaker = statement.get("speaker")
    return {
        "kind": [statement["kind"]],
        "domain": [statement["domain"]],
        "modality": [statement["modality"]],
        "tense": [statement["time"]["tense"]],
        "actor": list(actors.values()),
        "target": list(targets.values()),
        "means": [it["text"] for it in statement["means"]],
        "speaker": [speaker["text"]] if speaker else [],
        "sector": statement["sectors"],
    }


def assert_same(told, expected, what):
    """Both by statement and field; blanks around texts and blank texts say nothing."""
    tidy = lambda all_: sorted({it.strip() for it in all_ if it.strip()})
    assert told.keys() == expected.keys(), (what, told.keys() ^ expected.keys())
    for id_, fields in expected.items():
        for field, values in fields.items():
            assert tidy(told[id_][field]) == tidy(values), (what, id_, field, told[id_][field], values)


def ours(thing):
    found = [v for k, v in thing.get("extensions", {}).items() if "statement" in v or "entity" in v]
    return found[0] if found else {}


def read_stix(path, all_):
    results = stix2validator.validate_file(str(path), stix2validator.ValidationOptions(version="2.1"))
    errors = [str(e) for r in results.object_results for e in r.errors]
    assert results.is_valid, errors[:5]
    bundle = json.loads(path.read_text(encoding="utf-8"))
    stix2.parse(bundle, allow_custom=True)
    objects = bundle["objects"]
    ids = [it["id"] for it in objects]
    assert len(ids) == len(set(ids)), "an object comes twice"

    notes = {ours(it)["statement"]: it["content"] for it in objects if it["type"] == "note"}
    assert notes == {it["id"]: it["sentence"] for it in all_["statement"]}
    entity_of = {it["id"]: ours(it)["entity"] for it in objects if "entity" in ours(it)}
    nodes = {it["id"] for it in all_["node"]}
    alone = set(entity_of.values()) - nodes
    assert nodes <= set(entity_of.values()), nodes - set(entity_of.values())
    assert all(it.startswith(("sector:", "name:vulnerability:cve-")) for it in alone), alone
    edges = set()
    for it in objects:
        if it["type"] == "relationship" and "edge" in ours(it):
            edges.add((entity_of[it["source_ref"]], ours(it)["edge"], entity_of[it["target_ref"]]))
            assert it["description"] and "start_time" in it and "confidence" in it, it
    expected = {(it["source"], it["kind"], it["target"]) for it in all_["edge"]}
    assert edges == {it for it in expected if it[1] in STATEMENT_EDGES}, edges ^ expected
    for it in objects:
        for reference in it.get("external_references", []):
            assert "url" not in reference or check_url(reference["url"]) is None
    reports = [it for it in objects if it["type"] == "report"]
    assert len(reports) == len(all_["article"])
    patterns = {it["pattern"]: it["id"] for it in objects if it["type"] == "indicator"}
    cves = {it["name"]: it["id"] for it in objects if it["type"] == "vulnerability"}
    assert patterns.keys() >= PATTERNS and not any("11.8.1.1" in it for it in patterns), patterns
    assert cves.keys() == {"CVE-2024-3400"}, cves
    referred = {ref for it in reports for ref in it["object_refs"]}
    assert referred >= {*patterns.values(), *cves.values()}
    markings = {ref for it in objects for ref in it.get("object_marking_refs", [])}
    assert markings == {"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"}, markings
    return {it["id"]: it for it in objects}


def read_graph(graph, all_, name_of):
    assert graph.number_of_nodes() == len(all_["node"]), graph
    assert graph.number_of_edges() == len(all_["edge"]), graph
    names = {it["id"]: re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", it["name"]) for it in all_["node"]}
    for node, data in graph.nodes(data=True):
        assert " ".join(data[name_of].split()) == " ".join(names[node].split()), (node, data)
    for _, _, data in graph.edges(data=True):
        proofs = json.loads(data["evidence"])
        assert proofs and proofs[0]["page_sha256"] and data["type"], data
        check_url(data["url"])
    told = sorted((a, data["type"], b, data["weight"]) for a, b, data in graph.edges(data=True))
    assert told == sorted((it["source"], it["kind"], it["target"], it["weight"]) for it in all_["edge"])
    kinds = sorted(data["type"] for _, _, data in graph.edges(data=True))
    assert kinds == sorted(it["kind"] for it in all_["edge"]), kinds
    n_statements = sum(data["statements"] for _, _, data in graph.edges(data=True))
    assert n_statements == sum(it["n_statements"] for it in all_["edge"]), n_statements


def read_csv(path, all_):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(all_["statement"]), len(rows)
    for row in rows:
        check_url(row["url"])
        for cell in row.values():
            assert not re.match(r"\s*[=+\-@]", cell), f"a formula: {cell!r}"
    sentences = {it["id"]: it["sentence"] for it in all_["statement"]}
    plain = lambda it: it[1:] if it.startswith("'") else it
    assert {it["statement"]: plain(it["sentence"]) for it in rows} == {
        id_: plain(it) for id_, it in sentences.items()
    }
    lists = {"actors": "actor", "targets": "target", "means": "means", "sectors": "sector"}
    words = ["kind", "domain", "modality", "tense", "speaker"]
    columns = [*lists, *words, "actor_ids", "target_ids"]
    told = {row["statement"]: {it: [plain(row[it])] for it in columns} for row in rows}
    expected = {}
    for it in all_["statement"]:
        fields = said(it)
        means = [parties([phrase]) for phrase in it["statement"]["means"]]
        fields["means"] = [name for each in means for name in each.values()]
        actors, targets = actors_and_targets(it["statement"])
        expected[it["id"]] = {
            **{column: [plain(" | ".join(fields[field]))] for column, field in lists.items()},
            **{word: [plain("".join(fields[word]))] for word in words},
            "actor_ids": [plain(" | ".join(actors))],
            "target_ids": [plain(" | ".join(targets))],
        }
    assert_same(told, expected, "csv")


def read_misp(path, all_):
    sentences, told = {}, {}
    attributes = set()
    response = json.loads(path.read_text(encoding="utf-8"))["response"]
    for each in response:
        event = MISPEvent()
        event.from_dict(**each["Event"])
        assert "tlp:clear" in [it.name for it in event.tags]
        attributes.update((it.type, it.value) for it in event.attributes)
        links = [it.value for it in event.attributes if it.type == "link"]
        assert links, "an event without its articles"
        for it in links:
            check_url(it)
        for it in event.objects:
            values = {a.object_relation: a.value for a in it.attributes}
            sentences[values["statement-id"]] = values["sentence"]
            fields = told.setdefault(values["statement-id"], collections.defaultdict(list))
            for a in it.attributes:
                fields[a.object_relation].append(a.value)
        json.loads(event.to_json())
    assert len(response) == len({it["story"] for it in all_["article"] if it["story"]})
    assert attributes >= ATTRIBUTES, ATTRIBUTES - attributes
    expected = {it["id"]: it["sentence"] for it in all_["statement"]}
    assert sentences.keys() == expected.keys()
    assert all(sentences[it].strip() == expected[it].strip() for it in expected)
    assert_same(told, {it["id"]: said(it) for it in all_["statement"]}, "misp")


def read_ftm(path, all_):
    told = set()
    schemata = {}
    facts, pairs, entities = {}, {}, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        proxy = model.get_proxy(json.loads(line))
        schemata.setdefault(proxy.schema.name, []).append(proxy)
        told.update(proxy.get("recordId", quiet=True))
        for it in proxy.get("sourceUrl", quiet=True):
            check_url(it)
        if proxy.schema.name == "Note":
            told.update(proxy.get("keywords"))
            for id_ in proxy.get("keywords"):
                facts[id_] = proxy.get("notes")
        entities[proxy.id] = set(proxy.get("keywords", quiet=True))
        if proxy.schema.name == "UnknownLink":
            id_ = proxy.first("recordId")
            facts[id_] = proxy.get("description")
            pairs.setdefault(id_, []).append((proxy.first("subject"), proxy.first("object")))
            assert proxy.first("subject") and proxy.first("object") and proxy.first("summary"), line
    assert {it["id"] for it in all_["statement"]} <= told
    for it in all_["statement"]:
        fields = {k: v for k, v in said(it).items() if k not in ("actor", "target")}
        expected = {f"{k}: {value}".strip() for k, values in fields.items() for value in values}
        scores = {fact for fact in facts[it["id"]] if fact.startswith("score: ")}
        assert set(facts[it["id"]]) - scores == expected, (it["id"], facts[it["id"]], expected)
        near = [abs(float(each[7:]) - it["statement"]["score"]) < 0.01 for each in scores]
        assert near == [True], (it["id"], scores)
        actors, targets = actors_and_targets(it["statement"])
        joined = {(a, b) for a in actors for b in targets if a != b}
        linked = pairs.get(it["id"], [])
        assert len(linked) == len(joined), (it["id"], linked, joined)
        for a, b in joined:
            assert any(a in entities[s] and b in entities[o] for s, o in linked), (it["id"], a, b)
    assert len(schemata["Article"]) == len(all_["article"])


def read_cypher(path, all_):
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    assert len(lines) == 1 + len(all_["node"]) + len(all_["edge"]), len(lines)
    for line in lines:
        bare = re.sub(r"'(?:[^'\\]|\\.)*'", "''", line)
        assert bare.count(";") == 1 and bare.endswith(";") and "\\" not in bare, line
        assert re.match("CREATE CONSTRAINT|MERGE|MATCH", bare), line
        # openCypher knows no constraints.
        if not line.startswith("CREATE"):
            assert parse_cypher(line) == 0, line


def parse_cypher(line):
    parser = CypherParser(CommonTokenStream(CypherLexer(InputStream(line))))
    parser.script()
    return parser.getNumberOfSyntaxErrors()


def read_atom(path, all_):
    """Every article is an entry; its statements are told in its text, and by categories."""
    feed = feedparser.parse(path.read_bytes())
    assert not feed.bozo and feed.version == "atom10", feed.get("bozo_exception")
    assert feed.feed.id and feed.feed.title and feed.feed.updated and feed.feed.author, feed.feed
    assert len({it.id for it in feed.entries}) == len(feed.entries) == len(all_["article"])
    legal = lambda it: re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", it)
    words = lambda it: legal(" ".join(it.split()))
    statements = collections.defaultdict(list)
    for it in all_["statement"]:
        statements[it["article"]].append(it)
    by_id = {it["id"]: it for it in all_["article"]}
    for entry in feed.entries:
        article = by_id[entry.id.removeprefix("urn:harbinger:article:")]
        check_url(entry.link)
        assert entry.link == article["url"] and entry.source.title == article["source_name"], entry
        assert words(html.unescape(entry.title)) == words(html.unescape(article["title"] or article["url"])), entry.title
        assert entry.published[:19] == article["dated_at"][:19] and entry.updated, entry
        told = " ".join(html.unescape(re.sub("<[^>]*>", " ", entry.content[0].value)).split())
        tags = {(it["scheme"].removeprefix("urn:harbinger:"), it["term"]) for it in entry.get("tags", [])}
        expected = set()
        for it in statements[article["id"]]:
            assert words(it["sentence"]) in told, (it["sentence"], told)
            actors, targets = actors_and_targets(it["statement"])
            for name in [*actors.values(), *targets.values()]:
                assert words(name) in told, (name, told)
            expected |= {("kind", it["statement"]["kind"])}
            expected |= {("sector", sector) for sector in it["statement"]["sectors"]}
            expected |= {("actor", id_) for id_ in actors} | {("target", id_) for id_ in targets}
        assert {kind for kind, _ in tags} == {kind for kind, _ in expected}, (tags, expected)
        assert len(tags) == len(expected), (tags, expected)
        assert {it for it in tags if it[0] in ("kind", "sector")} == {
            it for it in expected if it[0] in ("kind", "sector")
        }


def read_taxii(url, whole, part):
    from taxii2client.v21 import Server, as_pages

    server = Server(url)
    assert server.default.url == server.api_roots[0].url
    collection = server.default.collections[0]
    assert collection.can_read and not collection.can_write
    for n_each in (1, 2, 7, 1000):
        found, n_pages = {}, 0
        for page in as_pages(collection.get_objects, per_request=n_each):
            n_pages += 1
            objects = page.get("objects", [])
            assert len(objects) <= n_each, len(objects)
            for it in objects:
                assert found.setdefault(it["id"], it) == it, "two objects with one id"
        assert found == whole, (n_each, found.keys() ^ whole.keys())
    records = []
    for page in as_pages(collection.get_manifest, per_request=50):
        records += page["objects"]
    assert {it["id"] for it in records} == set(whole)
    dates = [it["date_added"] for it in records]
    assert dates == sorted(dates)
    after = collection.get_objects(added_after=dates[-1])
    assert not after.get("objects"), "nothing was added after the last"
    some = collection.get_objects(added_after="2021-01-01T00:00:00Z", type="report", limit=2)
    assert [it["type"] for it in some["objects"]] == ["report", "report"] and some["more"], some
    one = next(iter(it for it in whole if it.startswith("note--")))
    assert collection.get_object(one)["objects"] == [whole[one]]
    # A saved search is a collection of what its query finds.
    [of_search] = server.default.collections[1:]
    assert of_search.title == "Pumps" and of_search.can_read and not of_search.can_write
    for n_each in (2, 1000):
        found = {}
        for page in as_pages(of_search.get_objects, per_request=n_each):
            found |= {it["id"]: it for it in page.get("objects", [])}
        assert found == part, (n_each, found.keys() ^ part.keys())
    return n_pages


def main():
    folder = Path(sys.argv[1])
    all_ = read_jsonl(folder / "jsonl")
    whole = read_stix(folder / "stix", all_)
    part = json.loads((folder / "part.stix").read_text(encoding="utf-8"))["objects"]
    assert 3 < len(part) < len(whole), len(part)
    for it in part:
        assert whole[it["id"]] == it, f"does not merge: {it['id']}"
    gexf = networkx.read_gexf(folder / "gexf")
    read_graph(gexf, all_, "label")
    for _, _, data in gexf.edges(data=True):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", data["start"]) and data["start"] < data["end"], data
    graphml = networkx.read_graphml(folder / "graphml", force_multigraph=True)
    read_graph(graphml, all_, "name")
    read_csv(folder / "csv", all_)
    read_misp(folder / "misp", all_)
    read_ftm(folder / "ftm", all_)
    read_cypher(folder / "cypher", all_)
    read_atom(folder / "atom", all_)
    counts = {name: len(items) for name, items in all_.items()}
    pages = read_taxii(sys.argv[2], whole, {it["id"]: it for it in part}) if len(sys.argv) > 2 else 0
    print(f"{counts}, {len(whole)} STIX objects, {pages} TAXII pages")


main()
