"""Twins of documents: the same sentences and statements with other countries, groups and persons.

Who acts and who suffers is then read from the sentence, and not remembered of a name. Names change alike in the whole
document: a country with its people and capital, an armed or a hacking group for another of its sort, and every word
that the tagger takes for a person's name. The names below are facts or made up; people's are those of the documents.
"""
import json, random, re, zlib

from statements_data import HIDDEN, Document, finished

COUNTRIES = set(
    "Iran Iraq Israel Syria Turkey Russia Ukraine China India Pakistan Afghanistan Egypt Libya Sudan Ethiopia Eritrea "
    "Somalia Kenya Nigeria Mali Niger Chad France Germany Spain Italy Greece Poland Hungary Serbia Georgia Armenia "
    "Azerbaijan Kazakhstan Japan Taiwan Vietnam Thailand Myanmar Indonesia Malaysia Australia Canada Mexico Colombia "
    "Venezuela Cuba Brazil Argentina Chile Peru Ecuador Bolivia Nicaragua Haiti Jordan Lebanon Qatar Yemen Morocco "
    "Algeria Tunisia Angola Rwanda Burundi Uganda Congo Mozambique Belarus Estonia Latvia Lithuania Finland Sweden "
    "Norway Denmark Romania Bulgaria Albania Cyprus Nepal Bangladesh Cambodia Laos Mongolia Cameroon Ghana Senegal "
    "Zimbabwe".split()
)
# Not the project's gazetteers: these are found by their letters alone, so none may be an ordinary word in capitals that
# news is full of. The last ten of each are made up and stand in only.
N_MADE_UP = 10
ARMED = (
    "Hamas;Hezbollah;Hizbullah;Hizbollah;Taliban;Islamic State;ISIS;ISIL;al-Qaeda;al-Qaida;al Qaeda;al Qaida;Boko Haram;"
    "al-Shabaab;al-Shabab;al Shabaab;Houthis;PKK;FARC;ETA;LTTE;Islamic Jihad;Abu Sayyaf;Lashkar-e-Taiba;"
    "Jaish-e-Mohammed;Shining Path;Hizb ut-Tahrir;Haqqani network;Jundallah;Ansar al-Sharia;Jabhat al-Nusra;Nusra Front;"
    "Sinaloa cartel;Zetas;M23;Tamil Tigers;Real IRA;Free Dawn Brigades;Northern Vanguard;Army of the Levant;"
    "People's Shield Front;Ansar al-Fajr;Red Valley Movement;Kachin Free Army;Liwa al-Nasr;Mountain Tigers;Jaish al-Shafaq"
).split(";")
HACKERS = (
    "Lazarus Group;Lazarus;Fancy Bear;Cozy Bear;APT28;APT29;APT33;APT34;APT41;LockBit;REvil;Conti;DarkSide;"
    "BlackCat;Cl0p;Clop;Turla;Sandworm;LulzSec;Syrian Electronic Army;Lizard Squad;Carbanak;FIN7;Charming Kitten;OilRig;"
    "Equation Group;Shadow Brokers;OurMine;Killnet;Scattered Spider;Lapsus$;Gamaredon;Kimsuky;Volt Typhoon;"
    "Salt Typhoon;TeamTNT;Black Basta;Akira;GhostNimbus;Iron Heron;NullBrigade;RedCastle;UNC4417;TA612;Storm-0988;"
    "Velvet Mantis;Quiet Jackal;ByteRaiders"
).split(";")
B_PER, I_PER = 7, 8  # Labels of the tagger's head `ner`.


def countries(shared):
    """Name, its people's adjective and capital of each of COUNTRIES."""
    with open(f"{shared}/data/gazetteers/countries_demonyms.jsonl") as lines:
        rows = [row for row in map(json.loads, lines) if row["name"] in COUNTRIES]
    rows = [row for row in rows if row.get("demonym_en") and row["capital"]]
    return [(row["name"], row["demonym_en"]["m"], row["capital"][0]) for row in rows]


def words_of_persons(document):
    """(word, whether more of the name follows) of names that hold letters only."""
    for (words, _), spans, sentence in zip(document.features, document.spans, document.sentences):
        labels = [*words[:, HIDDEN : HIDDEN + 9].argmax(-1), 0]
        for k, (start, end) in enumerate(spans):
            word = sentence[start:end]
            if labels[k] in (B_PER, I_PER) and word[0].isupper() and word.isalpha() and len(word) > 2:
                yield word, labels[k] == B_PER and labels[k + 1] == I_PER


def plural(people):
    return people if people.endswith(("s", "ese", "sh", "ch")) else people + "s"


class Names:
    """What names of a document may become."""

    def __init__(self, shared, documents):
        self.countries = countries(shared)
        words = sorted({it for document in documents for it in words_of_persons(document)})
        self.persons = {is_first: [word for word, it in words if it == is_first] for is_first in (False, True)}

    def others(self, document, rng):
        """{name: another} for the names in `document`."""
        text, answer = " ".join(document.sentences), {}
        is_here = lambda name: re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
        here = [it for it in self.countries if re.search(rf"\b(?:{it[0]}|{it[1]})", text)]
        free = [it for it in self.countries if it not in here]
        for own, other in zip(here, rng.sample(free, min(len(here), len(free)))):
            answer |= dict(zip(own, other)) | {own[1] + "s": plural(other[1])}
        for groups in (ARMED, HACKERS):
            own = [name for name in groups[:-N_MADE_UP] if is_here(name)]
            answer |= zip(own, rng.sample([name for name in groups if name not in own], len(own)))
        ordinary = set(re.findall(r"\b[a-z]+\b", text))
        for word, is_first in dict(reversed(list(words_of_persons(document)))).items():
            if word.lower() not in ordinary and word not in answer:
                answer[word] = rng.choice(self.persons[is_first])
        return answer

    def twin(self, document):
        """Its twin, always the same; None when it names nobody."""
        others = self.others(document, random.Random(zlib.crc32(document.id.encode())))
        if not others:
            return None
        names = "|".join(map(re.escape, sorted(others, key=len, reverse=True)))
        rule = re.compile(rf"(?<!\w)(?:{names})(?!\w)")
        swap = lambda text: text and rule.sub(lambda it: others[it.group()], text)
        phrases = lambda parts: [part | {"text": swap(part["text"])} for part in parts]
        statements = [
            it | {"trigger": swap(it["trigger"]), "speaker": swap(it.get("speaker")), "means": list(map(swap, it["means"]))}
            | {role: phrases(it[role]) for role in ("actors", "targets")}
            for it in document.gold["statements"]
        ]
        raw = dict(id=document.id, sentences=list(map(swap, document.sentences)))
        return Document(raw, document.gold | {"statements": statements})


def put_twins(documents, shared, tagger, cache):
    """Gives each document its `twin`, unless it has none or a statement of it cannot be found again."""
    names = Names(shared, documents)
    pairs = [(document, twin) for document in documents if (twin := names.twin(document))]
    count = lambda document: list(map(len, document.statements))
    for (document, _), twin in zip(pairs, finished([twin for _, twin in pairs], tagger, cache)):
        if count(document) == count(twin):
            document.twin = twin
