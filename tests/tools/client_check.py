"""Asks a running server with docs/examples/harbinger_client.py, and compares the answers with it.

usage: client_check.py URL events       the server is reading the sample wire
       client_check.py URL answers      it has read it, with the saved search `declared`
       client_check.py URL limits KEY   it asks for a login, and lets ask 60 times a minute
       client_check.py URL curl FILE    every curl command in a Markdown file, as it is written
"""

import csv
import inspect
import io
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import (
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from urllib.error import HTTPError
from urllib.request import Request, urlopen

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "examples"))

import harbinger_client as client

NOBODY = "0" * 32
seen: set[str] = set()
"""Names of the shapes that answers have had."""


def fits(value: Any, shape: Any, at: str) -> None:
    """Fails unless `value` has every key that `shape` declares, and each fits in turn."""
    origin, inner = get_origin(shape), get_args(shape)
    if is_typeddict(shape):
        assert isinstance(value, dict), f"{at}: {value!r} is no {shape.__name__}"
        missing = shape.__required_keys__ - value.keys()
        assert not missing, f"{at}: {sorted(missing)} of {shape.__name__} not in {sorted(value)}"
        seen.add(shape.__name__)
        for name, of in get_type_hints(shape).items():
            if name in value:
                fits(value[name], of, f"{at}.{name}")
    elif origin is list:
        assert isinstance(value, list), f"{at}: {value!r} is no list"
        for n, it in enumerate(value):
            fits(it, inner[0], f"{at}[{n}]")
    elif origin is dict:
        assert isinstance(value, dict), f"{at}: {value!r} is no object"
        for name, it in value.items():
            fits(it, inner[1], f"{at}.{name}")
    elif origin is Literal:
        assert value in inner, f"{at}: {value!r} is none of {inner}"
    elif origin in (Union, types.UnionType):
        # All unions of the client are "this or nothing".
        this = [it for it in inner if it is not types.NoneType]
        assert len(this) < len(inner) and len(this) == 1, f"{at}: {shape}"
        if value is not None:
            fits(value, this[0], at)
    else:
        is_right = isinstance(value, (int, float) if shape is float else shape)
        is_right = is_right and isinstance(value, bool) == (shape is bool)
        assert is_right, f"{at}: {value!r} is no {shape.__name__}"


def refused(ask: Callable[[], object], status: int, code: str) -> None:
    """Fails unless `ask` is refused so."""
    try:
        ask()
    except client.HarbingerError as error:
        assert (error.status, error.code) == (status, code), error
        assert error.message and re.fullmatch(r"[0-9a-f]{32}", error.request_id), error
        return
    raise AssertionError(f"not refused with {status} {code}")


def check_reading(news: client.Harbinger) -> None:
    """Searches over many pages, and reads what the hits lead to."""
    hits = list(news.search("power grid", limit=1))
    ids = [it["id"] for it in hits]
    assert 2 <= len(ids) == len(set(ids)), ids
    assert set(ids) == {it["id"] for it in news.search("power grid")}, "pages differ"
    some = list(news.search("power grid", kind=["attack", "threat"], from_="2020-01-01"))
    assert some and all({"attack", "threat"} & set(it["kinds"]) for it in some), some
    for hit in hits:
        fits(hit, client.Hit, "hit")
        article = news.article(hit["id"])
        fits(article, client.Article, "article")
        assert article["title"] == hit["title"] and article["story"] == hit["story"], article
        assert hit["story"], hit
        story = news.story(hit["story"])
        fits(story, client.Story, "story")
        assert hit["id"] in [it["id"] for it in story["articles"]], story
    stories = list(news.stories(sources_min=2, limit=1))
    assert stories and all(2 <= it["n_sources"] for it in stories), stories
    fits(stories, list[client.StorySummary], "stories")


def check_statements(news: client.Harbinger) -> None:
    """Follows the actors of statements."""
    statements = list(itertools.islice(news.statements(kind="threat", limit=2), 5))
    fits(statements, list[client.FoundStatement], "statements")
    assert len(statements) == 5 and {it["kind"] for it in statements} == {"threat"}, statements
    ids = [
        actor["entity"]["id"]
        for it in news.statements()
        for actor in it["actors"]
        if actor["entity"]
    ]
    assert ids, "no statement has a linked actor"
    entity = news.entity(ids[0])
    fits(entity, client.Entity, "entity")
    assert entity["id"] == ids[0] and entity["as_actor"], entity
    graph = news.graph(ids[0], nodes=20)
    fits(graph, client.Graph, "graph")
    assert graph["focus"] == ids[0] and graph["edges"], graph


def check_export(news: client.Harbinger) -> None:
    """Exports statements to a file."""
    file = io.BytesIO()
    n_bytes = news.export("csv", "power grid", file=file)
    assert n_bytes == len(file.getvalue()), n_bytes
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    assert rows and all(it["statement"] and it["sentence"] for it in rows), rows


def check_alerts(news: client.Harbinger) -> None:
    """Tries, saves, lists and deletes a search; reads the alerts of another."""
    tried = news.backtest("power grid", days=30, unit="article")
    fits(tried, client.Backtest, "backtest")
    assert tried["days"] == 30 and 2 <= tried["would_fire"] and tried["examples"], tried
    made = news.create_saved_search("a-grid", "A grid", "power grid", unit="article")
    fits(made, client.SavedSearch, "saved search")
    assert news.backtest_saved("a-grid", days=30) == tried
    assert [it["id"] for it in news.saved_searches()] == ["a-grid", "declared"]
    refused(lambda: news.create_saved_search("a-grid", "Again"), 409, "conflict")
    refused(lambda: news.create_saved_search("b", "B", unit="week"), 422, "invalid_body")
    news.delete_saved_search("a-grid")
    refused(lambda: news.delete_saved_search("a-grid"), 404, "not_found")
    alerts = list(news.alerts(search="declared", state="new", limit=1))
    fits(alerts, list[client.Alert], "alerts")
    assert 2 <= len(alerts) and all(it["reasons"] for it in alerts), alerts


def check_answers(url: str) -> None:
    """Everything but events and limits."""
    news = client.Harbinger(f"{url}/")
    check_reading(news)
    check_statements(news)
    check_export(news)
    check_alerts(news)
    refused(lambda: news.article(NOBODY), 404, "not_found")
    refused(lambda: news.entity("../search"), 404, "not_found")
    refused(lambda: list(news.search("actor:(")), 400, "invalid_query")
    refused(lambda: list(news.search("x", colour="red")), 400, "invalid_parameter")
    shapes = [it for _, it in inspect.getmembers(client, is_typeddict)]
    unseen = {it.__name__ for it in shapes} - seen - {"Event", "Missed"}
    assert not unseen, f"no answer has shown {sorted(unseen)}"
    done = run([sys.executable, client.__file__, "--url", url, "power grid"])
    assert done.returncode == 0 and 2 <= done.stdout.count("http://"), done
    done = run([sys.executable, client.__file__, "--url", url, "actor:("])
    assert done.returncode == 1 and "parenthesis" in done.stderr, done
    print(f"{len(seen)} shapes fit")


def check_events(url: str) -> None:
    """The next three events, and how the reader takes what is rare."""
    for event in itertools.islice(client.Harbinger(url).events(), 3):
        fits(event, client.Event, "event")
    lines = [b": still here\n", b"\n", b"event: missed\r\n", b"data:7\r\n", b"\r\n", b"data: 1\n"]
    assert list(client.read_events(lines)) == [{"kind": "missed", "n_events": 7}]


def exhaust(url: str, key: str) -> float:
    """Asks until the server will hear no more; the seconds after which it will."""
    request = Request(f"{url.rstrip('/')}/v1/alerts", headers={"authorization": f"Bearer {key}"})
    for _ in range(500):
        try:
            urlopen(request, timeout=30).close()
        except HTTPError as refusal:
            assert refusal.code == 429, refusal
            return float(refusal.headers["retry-after"])
    raise AssertionError("the server never says that it is asked too often")


def check_limits(url: str, key: str) -> None:
    """A server that wants a key and is asked too often."""
    refused(lambda: client.Harbinger(url).article(NOBODY), 401, "unauthorized")
    wait_s = exhaust(url, key)
    started = time.monotonic()
    news = client.Harbinger(url, key)
    assert list(news.alerts()) == [], "the client waits and asks again"
    took_s = time.monotonic() - started
    assert 0.5 * wait_s <= took_s, f"told to wait {wait_s} s, the client took {took_s:.1f} s"
    refused(lambda: news.create_saved_search("a", "A"), 403, "forbidden")


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command and takes what it prints."""
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, **options
    )


def check_curl(url: str, path: str) -> None:
    """Runs what begins with `curl` in blocks of `sh`; indented lines belong to the one above."""
    news = client.Harbinger(url)
    hit = next(news.search("power grid"))
    text = Path(path).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    commands = re.findall(r"^curl .*(?:\n[ \t]+.*)*", "\n".join(blocks), re.MULTILINE)
    assert 10 <= len(commands), f"only {len(commands)} commands in {path}"
    # An event stream never ends: 28 is the end of curl's patience.
    asked = "curl --silent --show-error --max-time 5 --write-out '\n%{http_code}' "
    for command in commands:
        ready = command.replace(client.DEFAULT_URL, url).replace("curl ", asked, 1)
        ready = ready.replace("/ARTICLE", f"/{hit['id']}").replace("/STORY", f"/{hit['story']}")
        with tempfile.TemporaryDirectory() as folder:
            done = run(["sh", "-c", ready], cwd=folder, env=os.environ | {"KEY": "none"})
        status = done.stdout.rsplit("\n", 1)[-1]
        assert done.returncode in (0, 28) and re.fullmatch(r"2..|304", status), (command, done)
    print(f"{len(commands)} curl commands are answered")


if __name__ == "__main__":
    checks: dict[str, Callable[..., None]] = {
        "events": check_events,
        "answers": check_answers,
        "limits": check_limits,
        "curl": check_curl,
    }
    checks[sys.argv[2]](sys.argv[1], *sys.argv[3:])
