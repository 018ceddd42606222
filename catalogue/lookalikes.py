"""Names that could be taken for another model's: homoglyphs and slips of one letter. Pure; what follows is elsewhere.

After the idea of Unicode TR39 (a skeleton that confusable names share), with a table cut down to what can stand in the
name of a model. `Alias.skeleton` keeps what `skeleton` returned: whoever changes the table migrates the column.
"""

import re
import unicodedata
from itertools import takewhile

MOST_CHARACTERS = 300
# Shorter ones are too often one letter from another by chance.
SHORTEST_ORGANISATION, SHORTEST_REPOSITORY = 5, 6

SAME_LOOK = "the same but for look-alike characters"
LETTER_MISSING = "one letter missing in the organisation's name"
OTHER_ORGANISATION = "same repository name under an organisation one letter away"
OTHER_REPOSITORY = "repository name one letter away, under an organisation of the same look"

_CYRILLIC = dict(zip("авгекмнорстухіјѕһӏԁԛԝѵ", "abrekmhopctyxijshldqwv", strict=True))
_GREEK = dict(zip("αβγεζηικμνορτυχω", "abyezhikmvoptuxw", strict=True))
_LATIN = dict(zip("ıɑɡøđħł", "iagodhl", strict=True))
_SLASHES = dict.fromkeys("\u2044\u2215", "/")
# Marks on letters; what is not seen at all; and what stands between words.
_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
_DROPPED = re.compile(rf"[\u0300-\u036f{_UNSEEN}\s._\u00b7\u2010-\u2015\u2212-]+")
_LETTERS = str.maketrans(_CYRILLIC | _GREEK | _LATIN | _SLASHES)
# After the letters above, which may have become one of these.
_ASCII = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l"})
_PAIRS = (("rn", "m"), ("vv", "w"))
_NOT_LETTERS = re.compile(r"[\W\d_]+")


def skeleton(name: str) -> str:
    """What `name` looks like, at most 300 characters: names that can be taken for each other have the same one.

    Letter case, separators and marks count for nothing; `/` stays.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    look = _DROPPED.sub("", folded.translate(_LETTERS)).translate(_ASCII)
    for pair, letter in _PAIRS:
        look = look.replace(pair, letter)
    return look[:MOST_CHARACTERS]


def split(look: str) -> tuple[str, str]:
    """The organisation ("" without one) and the repository of a skeleton."""
    organisation, slash, repository = look.partition("/")
    return (organisation, repository) if slash else ("", look)


def is_look_alike(name: str, known: str) -> str:
    """Why `name` could be taken for `known`, in words that say how `name` is off; "" where it could not.

    Names under one organisation are that organisation's own (sizes, versions, quantisations), and mirrors under
    organisations of clearly other names are normal: neither is a look-alike. At most one letter is off in all.
    """
    if name.lower() == known.lower() or _of_one_organisation(name, known):
        return ""
    ours, theirs = skeleton(name), skeleton(known)
    if ours == theirs:
        return SAME_LOOK
    (organisation, repository), (other_organisation, other_repository) = split(ours), split(theirs)
    if repository == other_repository:
        numbered = _differ_in_number(_organisation(name), _organisation(known))
        return "" if numbered else _slip_in_organisation(organisation, other_organisation)
    is_slip = organisation and organisation == other_organisation and _is_slip(repository, other_repository)
    long_enough = min(len(repository), len(other_repository)) >= SHORTEST_REPOSITORY
    return OTHER_REPOSITORY if is_slip and long_enough else ""


def _organisation(name: str) -> str:
    organisation, slash, _ = name.lower().partition("/")
    return organisation if slash else ""


def _of_one_organisation(name: str, known: str) -> bool:
    return _organisation(name) == _organisation(known) != ""


def _differ_in_number(ours: str, theirs: str) -> bool:
    """Whether both are the same word with different numbers, as accounts of a course have."""
    if not (any(map(str.isdigit, ours)) and any(map(str.isdigit, theirs))):
        return False
    return _NOT_LETTERS.sub("", ours) == _NOT_LETTERS.sub("", theirs)


def _slip_in_organisation(ours: str, theirs: str) -> str:
    if min(len(ours), len(theirs)) < SHORTEST_ORGANISATION or not _is_slip(ours, theirs):
        return ""
    return LETTER_MISSING if len(ours) < len(theirs) else OTHER_ORGANISATION


def _is_slip(ours: str, theirs: str) -> bool:
    """Whether the optimal string alignment distance is at most 1: a letter more, less or another, or two swapped."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False)))
    ours, theirs = ours[same:], theirs[same:]
    if ours[:2] == theirs[1::-1] and ours[2:] == theirs[2:]:
        return True
    return ours[1:] in (theirs, theirs[1:]) or ours == theirs[1:]
