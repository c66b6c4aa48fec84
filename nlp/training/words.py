"""Words to word pieces and casing, as the program does it; for the tagger and for the statement branch."""
import os

from tokenizers import Tokenizer

SHARED = os.environ.get("HARBINGER_SHARED", f"{os.path.dirname(os.path.abspath(__file__))}/../../../shared")
N_PIECES_MAX = 320  # Of a sentence; what is longer is cut.
N_WORD_PIECES_MAX = 12
BEGIN, END, UNKNOWN = 101, 102, 100


def case_of(word):
    """The token type of a word: 0 lower case or no letters, 1 capitalised, 2 capitals, 3 mixed."""
    if not any(c.isalpha() for c in word) or word.islower():
        return 0
    if word.isupper() and len(word) > 1:
        return 2
    return 1 if word[0].isupper() else 3


class Reader:
    """Reads words by the vocabulary in a file tokenizer.json."""

    def __init__(self, tokenizer):
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.known = {}

    def pieces(self, word):
        if word not in self.known:
            ids = self.tokenizer.encode(word, add_special_tokens=False).ids[:N_WORD_PIECES_MAX]
            self.known[word] = ids or [UNKNOWN]
        return self.known[word]

    def sentence(self, words):
        """Ids, casing of each piece, and where each word begins; the words that fit."""
        ids, casing, first = [BEGIN], [0], []
        for word in words:
            pieces = self.pieces(word)
            if len(ids) + len(pieces) >= N_PIECES_MAX:
                break
            first.append(len(ids))
            ids += pieces
            casing += [case_of(word)] * len(pieces)
        return ids + [END], casing + [0], first
