"""Our own small word lists, German and English: feeling, number, place, time, weather, function words."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Feelings by the beginning of a word: (valence -1 … 1, energy -1 … 1, tension 0 … 1).
_FEELINGS = {
    (0.9, 0.5, 0.0): "glück fröhl freu heiter lach jubel lust happ joy cheer laugh delight glad merr smil lächel",
    (0.8, -0.3, 0.0): "lieb zärtlich sanft geborg warm love tender gentle cosy cozy soft kiss kuss umarm hug",
    (0.5, -0.8, 0.0): "still ruh fried leis schlaf schläf träum schweb calm quiet peace silen sleep dream float "
    "slow langsam sacht meditat",
    (0.6, 0.9, 0.2): "tanz spring hüpf renn flieg feier fest party dance jump leap race fly celebr play spiel kitzel "
    "bunt colour color bright hell strahl leucht glänz shine shin spark",
    (0.7, 0.1, 0.0): "schön wunder zauber hoff süß beaut wonder magic hope sweet lovely blüh bloom blossom spring "
    "frühling sommer summer morgen morning",
    (
        -0.7,
        -0.6,
        0.2,
    ): "traurig weint weine trän einsam allein müd verlor verlass sehn vermiss sad weep cry tear lone alone "
    "tired lost miss grief sorrow melanch abschied farewell herbst autumn",
    (
        -0.5,
        -0.4,
        0.4,
    ): "alte uralt leer kalt grau welk staub tod tote sterb gräber old empty cold grey gray dust dead death dying "
    "grave fade vergess forget nebel fog",
    (-0.8, 0.6, 0.9): "angst furcht schreck panik horror grausam droh gefahr fear afraid terror panic dread threat "
    "danger scream schrei monster nightmare albtraum",
    (
        -0.8,
        0.9,
        0.9,
    ): "wut wüt zorn hass krieg kampf kämpf zerstör brech explo angr rage hate battle fight destroy break "
    "smash broken zerbroch gewalt violen blut blood",
    (-0.1, 0.9, 0.7): "sturm gewitter donner blitz wild laut lärm rasch schnell storm thunder lightning loud noise "
    "fast quick rush chaos wirbel whirl hämmer pound maschin machin motor fabrik factor",
    (0.0, -0.1, 0.6): "dunkel finster schatten geheim rätsel fremd dark shadow secret myster strange unknown nacht "
    "night mitternacht midnight",
    (0.2, 0.2, 0.1): "neugier frage suche entdeck curious ask seek search discover lern learn",
}

FEELINGS = tuple((stem.casefold(), feeling) for feeling, stems in _FEELINGS.items() for stem in stems.split())

#: A stem of so few letters only counts in words that are at most two letters longer ("glad", not "gladiolus").
SHORT_STEM_CHARS = 4


def begins(word: str, stem: str) -> bool:
    """Return whether ``word`` is a form of ``stem``."""
    if not word.startswith(stem):
        return False
    return len(stem) > SHORT_STEM_CHARS or len(word) <= len(stem) + 2


NEGATIONS = _words("nicht kein keine keinen keiner keinem ohne nie niemals not no never without none don't")

NUMBERS = {
    "ein": 1, "eine": 1, "einer": 1, "einem": 1, "einen": 1, "eines": 1, "a": 1, "an": 1, "one": 1, "single": 1,
    "zwei": 2, "beide": 2, "two": 2, "both": 2, "pair": 2, "couple": 2,
    "drei": 3, "three": 3, "vier": 4, "four": 4, "fünf": 5, "five": 5, "sechs": 6, "six": 6, "sieben": 7, "seven": 7,
    "acht": 8, "eight": 8, "neun": 9, "nine": 9, "zehn": 10, "ten": 10, "elf": 11, "eleven": 11, "zwölf": 12,
    "twelve": 12, "dozen": 12, "dutzend": 12, "einige": 4, "mehrere": 4, "some": 4, "several": 4, "few": 3, "wenige": 3,
    "viele": 8, "vielen": 8, "many": 8, "hundert": 12, "tausend": 12, "hundred": 12, "thousand": 12,
    "all": 6, "alle": 6,
}  # fmt: skip

_PLACES = {
    "on": "auf on upon atop onto",
    "under": "unter unterm under beneath below",
    "in": "in im ins inside within into innerhalb",
    "over": "über überm over above",
    "between": "zwischen between among amid",
    "beside": "neben bei beside next near by am",
    "behind": "hinter hinterm behind",
}

#: ``{word: relation}``
PLACES = {word: relation for relation, words in _PLACES.items() for word in words.split()}

DARK_WORDS = _words(
    "nacht nächt mitternacht dunk finster abend schatten night midnight dark evening "
    "shadow schwarz black traum dream galax weltall universe"
)
BRIGHT_WORDS = _words("tag morgen mittag sonn hell licht day morning noon sun bright light summer sommer")

_TEMPO = {
    1.0: "schnell rasch rasend renn eil hast flink fast quick rapid run rush hurr presto allegro race",
    0.6: "tanz spring hüpf marsch dance jump march lively allegretto lebhaft",
    -0.6: "langsam sacht gemächlich schreit wander slow stroll walk andante gehen",
    -1.0: "still schlaf schläf ruh schweb sleep calm still float largo adagio wieg lullaby schlummer drift",
}

TEMPO_WORDS = tuple((stem.casefold(), tempo) for tempo, stems in _TEMPO.items() for stem in stems.split())

#: Words that carry no picture of their own: unstressed in music, left out of keywords.
FUNCTION_WORDS = _words(
    "der die das und ist sind ein eine einen einem einer auf im in den dem des mit von zu nicht ich du er sie "
    "es wir ihr über unter wie aus für sich auch war am an so noch nur wenn aber durch zum zur als oder dass "
    "daß mein dein sein ihre hat haben the a an and is are of on to with not i you he she it we they over "
    "under as from for was at that this by through but his her my our their into out up down be have has had"
)

#: Words that name a thing in one language and mean something else in the other: ``{word: language it counts in}``.
ONLY_IN = {
    **dict.fromkeys(("see", "brief", "boot", "boote", "kind", "stern", "hut", "bank", "rad", "mutter", "tor"), "de"),
    **dict.fromkeys(("hat", "gift", "look", "time"), "en"),
}

#: Things that bring the night with them, and things that bring the day.
DARK_MOTIFS = ("moon", "star", "owl", "ghost", "planet", "candle")
BRIGHT_MOTIFS = ("sun", "rainbow", "flower", "butterfly")

#: Words that end like a motif and are none.
NOT_COMPOUNDS = _words("vorgestern übermorgen western ostern zustand verstand widerstand gegenstand")
