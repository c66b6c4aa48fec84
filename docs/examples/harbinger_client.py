#!/usr/bin/env python3
"""Asks a Harbinger server: search, articles, stories, statements, entities, exports, alerts.

usage: harbinger_client.py [--url URL] [--limit N] QUERY

One file for Python 3.11 and later, standard library only: copy it and change what you like.

    from harbinger_client import Harbinger

    news = Harbinger("http://127.0.0.1:8321")
    for hit in news.search("power grid", kind="attack", sort="newest"):
        print(hit["published_at"], hit["title"])

Instants are RFC 3339 texts in UTC, days look like 2026-01-31. `None` means unknown or none. Answers
may have more keys than are declared here: keys are added, never renamed.

What can fail: `HarbingerError` when the server refuses, `OSError` when it cannot be reached,
`http.client.HTTPException` when an answer breaks off. Methods that answer an iterator ask the
server when the first item is taken.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException, HTTPResponse
from itertools import islice
from typing import IO, Any, Literal, NotRequired, TypedDict, cast
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

DEFAULT_URL = "http://127.0.0.1:8321"
WAIT_S_MAX = 60.0
"""Longest wait after "too many requests"; who must wait longer gets the error."""
SILENCE_S_MAX = 60.0
"""An event stream that is silent for longer is dead: the server speaks every 20 seconds."""
CHUNK_BYTES = 64 * 1024

StatementKind = Literal["threat", "warning", "attack", "claim", "denial", "attempt"]
Domain = Literal["cyber", "physical", "economic", "political"]
Modality = Literal["asserted", "possible", "conditional", "denied"]
Unit = Literal["article", "story", "statement"]
AlertState = Literal["new", "seen", "dismissed", "escalated"]
Format = Literal["stix", "misp", "gexf", "graphml", "cypher", "ftm", "csv", "jsonl", "atom"]
Filter = str | int | bool | list[str] | None
"""One value, or several of which one must fit; `None` is no filter."""


class EntityRef(TypedDict):
    """An entity by id, such as `country:IR`, and name."""
    id: str
    name: str


class Segment(TypedDict):
    """A piece of text; `marked` where it matched the query."""
    text: str
    marked: bool


class ArticleHead(TypedDict):
    """What every list says of an article."""
    id: str
    url: str
    title: str
    source: str
    source_name: str
    is_sample: bool
    language: str | None
    published_at: str | None
    fetched_at: str


class Hit(ArticleHead):
    """An article as a search finds it."""
    title_segments: NotRequired[list[Segment]]
    country: str | None
    authors: list[str]
    story: str | None
    score: float
    snippet: list[Segment]
    sectors: list[str]
    actors: list[EntityRef]
    targets: list[EntityRef]
    kinds: list[StatementKind]


class Span(TypedDict):
    """From `start` to before `end`, in characters of the text (or headline)."""
    start: int
    end: int


class Phrase(Span):
    """Words of an article, and the entity that they mean."""
    text: str
    entity: EntityRef | None


class Mention(Phrase):
    """A name in an article; `score` is between 0 and 1."""
    kind: str
    score: float


StatementTime = TypedDict(
    "StatementTime",
    {"tense": Literal["past", "present", "future"], "from": str | None, "to": str | None},
)
"""When what is stated happens; `from` and `to` are days where the sentence gives them."""


class Statement(TypedDict):
    """Who threatens, attacks or warns of whom; `score` is between 0 and 1."""
    kind: StatementKind
    domain: Domain
    modality: Modality
    time: StatementTime
    sentence: Span
    trigger: Phrase
    actors: list[Phrase]
    targets: list[Phrase]
    sectors: list[str]
    means: list[Phrase]
    speaker: Phrase | None
    score: float


class FoundStatement(Statement):
    """A statement with the article that makes it and the sentence that proves it."""
    id: str
    article: str
    article_url: str
    article_title: str
    source: str
    source_name: str
    is_sample: bool
    story: str | None
    dated_at: str
    in_title: bool
    sentence_text: str


class ScoredSector(TypedDict):
    """A threatened or attacked sector; `score` is between 0 and 1."""
    id: str
    score: float


class TitleAnnotation(TypedDict):
    """What was found in a headline."""
    mentions: list[Mention]
    statements: list[Statement]


class Annotation(TypedDict):
    """What was found in an article."""
    id: str
    language: str | None
    mentions: list[Mention]
    statements: list[Statement]
    sectors: list[ScoredSector]
    title: NotRequired[TitleAnnotation]


class Article(ArticleHead):
    """An article with everything known about it."""
    canonical_url: str | None
    source_country: str | None
    authors: list[str]
    text: str
    site_name: str | None
    page_sha256: str
    story: str | None
    annotation: Annotation | None


class StorySummary(TypedDict):
    """A story without its articles."""
    id: str
    headline: str
    first_seen_at: str
    last_seen_at: str
    n_articles: int
    n_sources: int
    n_statements: int


class StoryDay(TypedDict):
    """What a story holds on one day."""
    day: str
    n_articles: int
    n_statements: int


class Story(StorySummary):
    """A story, lists by time oldest first; of articles and statements the newest 500.

    `merged_statements` are those statements, the ones that say the same as one, with their `kind`,
    `sentence`, `n_sources` and `sources`; `first_reported` is the oldest article.
    """
    first_reported: dict[str, str] | None
    timeline: list[StoryDay]
    articles: list[ArticleHead]
    statements: list[FoundStatement]
    merged_statements: list[dict[str, object]]


class Entity(TypedDict):
    """A person, organisation, place, group… with the latest 200 statements of each role."""
    id: str
    kind: str
    name: str
    first_seen_at: str
    last_seen_at: str
    n_articles: int
    as_actor: list[FoundStatement]
    as_target: list[FoundStatement]
    as_speaker: list[FoundStatement]


class Node(TypedDict):
    """An entity in a graph, or words for somebody who is none."""
    id: str
    kind: str
    name: str
    n_articles: int
    first_at: str
    last_at: str


class Proof(TypedDict):
    """A sentence behind an edge, with its article."""
    statement: str | None
    sentence: str
    article: str
    url: str
    title: str
    source_name: str
    dated_at: str
    page_sha256: str


class Edge(TypedDict):
    """What `source` does to `target`, said by `weight` independent sources."""
    source: str
    target: str
    kind: str
    weight: int
    n_statements: int
    first_at: str
    last_at: str
    modality: Modality | None
    sectors: list[str]
    evidence: list[Proof]


class Graph(TypedDict):
    """Who is joined to whom; `is_cut` when there was more than a graph may hold."""
    nodes: list[Node]
    edges: list[Edge]
    is_cut: bool
    n_articles: int
    n_statements: int
    n_nodes_found: int
    n_edges_found: int
    n_articles_found: int
    focus: str | None


class SavedSearch(TypedDict):
    """A saved search; docs/configuration.md explains the keys."""
    id: str
    name: str
    query: str
    filters: dict[str, list[str]]
    unit: Unit
    novelty_days: int
    schedule: Literal["at-once", "hourly", "daily"]
    throttle_minutes: int
    backfill: bool
    enabled: bool
    deliver: list[dict[str, str | None]]
    notes: str | None
    origin: str
    created_at: str
    updated_at: str
    feed: str


class BacktestExample(TypedDict):
    """An alert that would have been."""
    at: str
    article: str
    title: str
    url: str
    source_name: str
    sentence: str


class Backtest(TypedDict):
    """What a search would have brought; the newest ten alerts are examples."""
    days: int
    would_fire: int
    n_articles: int
    n_stories: int
    is_lower_bound: bool
    summary: str
    examples: list[BacktestExample]


class Reason(TypedDict):
    """Why an alert fired: the condition, the words that met it, their sentence."""
    clause: str
    alias: str
    sentence: str


class Alert(TypedDict):
    """A match of a saved search that is news."""
    id: str
    search: str
    search_name: str
    unit: Unit
    article: str
    story: str | None
    title: str
    url: str
    source: str
    source_name: str
    dated_at: str
    sentence: str
    reasons: list[Reason]
    created_at: str
    state: AlertState
    note: str | None
    assignee: str | None
    changed_at: str


class Event(TypedDict):
    """Something new: `id` is that of the article, story or alert, for statements the article's."""
    kind: Literal["article", "story", "statement", "alert"]
    id: str
    at: str


class Missed(TypedDict):
    """This reader was too slow and lost so many events."""
    kind: Literal["missed"]
    n_events: int


class HarbingerError(Exception):
    """The server refused.

    `code` is a stable name such as `not_found` or `invalid_query`, `message` a sentence for people;
    the server's log knows the request by `request_id`. `retry_after_s` says when to come back.
    """

    def __init__(
        self, status: int, code: str, message: str, request_id: str, retry_after_s: float | None
    ) -> None:
        super().__init__(f"{message} ({status} {code}, request {request_id})")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class Harbinger:
    """A server at `base_url`; `api_key` is needed where it asks for a login.

    A request that is told to wait waits as long as it is told, at most a minute, and tries once
    more. `timeout_s` is the longest silence of the server. Filters are the parameters that
    `/openapi.json` describes; `from`, which Python reserves, is written `from_`.
    """

    def __init__(
        self, base_url: str = DEFAULT_URL, api_key: str | None = None, timeout_s: float = 30
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"{base_url!r} is no http or https address")
        self.base_url = base_url.rstrip("/")
        self.timeout_s = timeout_s
        self._api_key = api_key

    def search(self, q: str = "", **filters: Filter) -> Iterator[Hit]:
        """All articles that a query finds, page after page."""
        return self._items("/v1/search", "hits", {"q": q, "aggs": False, **filters})

    def article(self, id: str) -> Article:
        """An article with its text, mentions, statements and sectors."""
        return cast(Article, self._json("GET", f"/v1/articles/{_segment(id)}"))

    def story(self, id: str) -> Story:
        """A story with its timeline, articles and statements."""
        return cast(Story, self._json("GET", f"/v1/stories/{_segment(id)}"))

    def stories(self, **filters: Filter) -> Iterator[StorySummary]:
        """Stories, last seen first."""
        return self._items("/v1/stories", "stories", filters)

    def statements(self, **filters: Filter) -> Iterator[FoundStatement]:
        """Statements, newest article first."""
        return self._items("/v1/statements", "statements", filters)

    def entity(self, id: str) -> Entity:
        """An entity with the statements that name it."""
        return cast(Entity, self._json("GET", f"/v1/entities/{_segment(id)}"))

    def graph(self, entity: str, **filters: Filter) -> Graph:
        """The surroundings of an entity."""
        path = f"/v1/entities/{_segment(entity)}/graph"
        return cast(Graph, self._json("GET", path, filters))

    def export(
        self, format: Format, q: str | None = None, *, file: IO[bytes], **filters: Filter
    ) -> int:
        """Writes all articles that a query finds to `file`, and answers how many bytes."""
        n_bytes = 0
        with self._open("GET", f"/v1/export/{_segment(format)}", {"q": q, **filters}) as answer:
            while chunk := answer.read(CHUNK_BYTES):
                file.write(chunk)
                n_bytes += len(chunk)
        return n_bytes

    def saved_searches(self) -> Iterator[SavedSearch]:
        """Saved searches, by id."""
        return self._items("/v1/saved-searches", "saved_searches", {})

    def create_saved_search(
        self, id: str, name: str, query: str = "", **options: object
    ) -> SavedSearch:
        """Saves a search, against which new articles are held from then on."""
        body = {"id": id, "name": name, "query": query, **options}
        return cast(SavedSearch, self._json("POST", "/v1/saved-searches", body=body))

    def delete_saved_search(self, id: str) -> None:
        """Deletes a saved search; its alerts stay."""
        self._open("DELETE", f"/v1/saved-searches/{_segment(id)}").close()

    def backtest(
        self, query: str = "", days: int = 90, **options: object
    ) -> Backtest:
        """What a search would have brought in the last days, without saving it."""
        path, body = "/v1/saved-searches/backtest", {"query": query, **options}
        return cast(Backtest, self._json("POST", path, {"days": days}, body))

    def backtest_saved(self, id: str, days: int = 90) -> Backtest:
        """What a saved search would have brought in the last days, had it been there."""
        path = f"/v1/saved-searches/{_segment(id)}/backtest"
        return cast(Backtest, self._json("POST", path, {"days": days}))

    def alerts(self, **filters: Filter) -> Iterator[Alert]:
        """Alerts, newest first."""
        return self._items("/v1/alerts", "alerts", filters)

    def events(self) -> Iterator[Event | Missed]:
        """What is new, as it happens, until the server stops; earlier events are not told."""
        timeout_s = max(self.timeout_s, SILENCE_S_MAX)
        with self._open("GET", "/v1/events", timeout_s=timeout_s) as stream:
            yield from read_events(stream)

    def _items(self, path: str, name: str, filters: Mapping[str, object]) -> Iterator[Any]:
        """The items called `name` of a page and of all pages after it."""
        cursor: str | None = None
        while True:
            page = self._json("GET", path, {**filters, "cursor": cursor})
            yield from page[name]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _json(
        self, method: str, path: str, query: Mapping[str, object] | None = None, body: object = None
    ) -> Any:
        with self._open(method, path, query, body) as answer:
            return json.load(answer)

    def _open(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        timeout_s: float | None = None,
    ) -> HTTPResponse:
        """Asks, and once more when told to wait."""
        asked = _query(query or {})
        request = Request(f"{self.base_url}{path}{asked}", method=method)
        request.add_header("Accept", "application/json, */*;q=0.1")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self._api_key:
            # A redirect to another server must not carry the key there.
            request.add_unredirected_header("Authorization", f"Bearer {self._api_key}")
        timeout_s = timeout_s or self.timeout_s
        try:
            return _ask(request, timeout_s)
        except HarbingerError as refused:
            wait_s = 1.0 if refused.retry_after_s is None else refused.retry_after_s
            if refused.status != 429 or WAIT_S_MAX < wait_s:
                raise
        time.sleep(wait_s)
        return _ask(request, timeout_s)


def read_events(lines: Iterable[bytes]) -> Iterator[Event | Missed]:
    """The events in the lines of a stream (server-sent events, WHATWG HTML 9.2)."""
    name, data = "", ""
    for line in lines:
        field, _, value = line.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif not field and not value:
            if name == "missed":
                yield Missed(kind="missed", n_events=int(data))
            elif data:
                yield cast(Event, json.loads(data))
            name, data = "", ""


def _ask(request: Request, timeout_s: float) -> HTTPResponse:
    try:
        return cast(HTTPResponse, urlopen(request, timeout=timeout_s))
    except HTTPError as error:
        with error:
            refused = _refusal(error)
    raise refused


def _refusal(error: HTTPError) -> HarbingerError:
    """The error in an answer; where a proxy answered instead of Harbinger, what its status says."""
    try:
        said = json.loads(error.read(CHUNK_BYTES))["error"]
        code, message, request_id = said["code"], said["message"], said["request_id"]
    except (ValueError, KeyError, TypeError):
        code, message, request_id = "unknown", error.reason, error.headers.get("x-request-id", "")
    wait = error.headers.get("retry-after", "")
    retry_after_s = float(wait) if wait.isdecimal() else None
    return HarbingerError(error.code, code, message, request_id, retry_after_s)


def _query(filters: Mapping[str, object]) -> str:
    """A query string: `None` is left out, lists are repeated, truth is `true` or `false`."""
    pairs: list[tuple[str, str]] = []
    for name, value in filters.items():
        if value is None:
            continue
        for it in value if isinstance(value, list) else [value]:
            pairs.append((name.rstrip("_"), str(it).lower() if isinstance(it, bool) else str(it)))
    return f"?{urlencode(pairs)}" if pairs else ""


def _segment(id: str) -> str:
    """An id as one segment of a path."""
    return quote(id, safe="")


def _printable(text: str) -> str:
    """Text of strangers, without what would steer a terminal."""
    return "".join(it for it in text if it.isprintable())


def main() -> int:
    """Prints what a query finds."""
    parser = argparse.ArgumentParser(
        description="Prints the articles that a query finds.",
        epilog="An API key is taken from the environment variable HARBINGER_API_KEY.",
    )
    parser.add_argument("query", help="as in the search box: power grid kind:attack")
    parser.add_argument("--url", default=DEFAULT_URL, help="address of the server (%(default)s)")
    parser.add_argument("--limit", type=int, default=20, help="most articles (%(default)s)")
    given = parser.parse_args()
    try:
        news = Harbinger(given.url, os.environ.get("HARBINGER_API_KEY"))
        for hit in islice(news.search(given.query), max(given.limit, 0)):
            when = (hit["published_at"] or hit["fetched_at"])[:10]
            kinds = f" [{', '.join(hit['kinds'])}]" if hit["kinds"] else ""
            print(_printable(f"{when}  {hit['source_name']}: {hit['title']}{kinds}"))
            print(_printable(f"            {hit['url']}"))
    except (HarbingerError, HTTPException, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
