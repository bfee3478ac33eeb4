"""The Sketchbook's drawings and pieces as code: deterministic, safe, different for different texts."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.chunks import PythonChunk, chunk_reader
from ai4artsed_desktop.domain.sketchbook.colours import contrast
from ai4artsed_desktop.domain.sketchbook.composing import compose_piece
from ai4artsed_desktop.domain.sketchbook.families import all_drawing_families, all_musical_forms
from ai4artsed_desktop.domain.sketchbook.javascript import literal
from ai4artsed_desktop.domain.sketchbook.motifs.base import all_motifs
from ai4artsed_desktop.domain.sketchbook.palettes import make_palette
from ai4artsed_desktop.domain.sketchbook.reading import MAX_WORDS, read
from ai4artsed_desktop.domain.sketchbook.sketching import compose_sketch
from ai4artsed_desktop.domain.sketchbook.stage import set_stage

PROJECT = Path(__file__).parents[3]
APPLE = "Ein roter Apfel auf einem Tisch"
NODE = shutil.which("node")

TEXTS = """A red apple on a table
Ein roter Apfel auf einem Tisch
Die alte Stadt schläft im Regen, der Mond ist müde
Three birds fly over the blue sea!
Wut! Feuer! Die Maschine schreit!
My grandmother keeps a key in a green box and never says what it opens
Stille
Love
Der Wolf und die sieben jungen Geißlein
Morgen fahre ich mit dem Zug zu meiner Schwester nach Hamburg
I am afraid of the dark
Zwei Katzen schlafen unter einem gelben Regenschirm
A storm breaks the old tower
Im Wald wachsen Pilze, Moos und leise Gedanken
The moon is a violet egg
Warum weint das Kind?
Tanz, tanz, tanz, bis der Boden brennt!
A letter that never arrived
Schnee fällt auf die Brücke
Robots dream of electric sheep
Meine Hand zeichnet eine Hand
Nothing happens, again and again
Eine Blume wächst aus dem Computer
The elephant in the room says nothing
Die Uhr ohne Zeiger
Happy birthday cake with five candles
Ein Fisch träumt vom Fliegen
Between two mountains lies a small house
Freiheit
Kaffee, Brot und Sonne
A white ghost plays the guitar
Das Herz ist ein einsamer Jäger
Rain on the window, tea in the cup
Krieg und Frieden
Butterflies everywhere, orange and blue
Das Meer atmet langsam ein und aus
Snow
Der König hat keine Krone
Our street is loud, cars and people and bicycles
Sterne über dem Feld, still und kalt""".splitlines()

HOSTILE = {
    "quotes": "\"'` \\\" ${alert(1)} '); fetch('//x'); (' apple",
    "script end": "</script><script>alert(1)</script><!-- apple -->",
    "comment end": "*/ alert(1) /* apple // \n alert(2)",
    "backslashes": "\\ \\\\ \\u0027 \\n apple \\",
    "line separators": "apple\u2028alert(1)\u2029alert(2)\x85alert(3)\ralert(4)",
    "controls": "apple \x00 \x1b[31m \x7f table",
    "lone surrogate": "apple \ud800 table",
    "emoji": "🍎🌳👩‍👩‍👧‍👦🏳️‍🌈",
    "signs only": "?!",
    "right to left": "תפוח אדום על השולחן \u202e evil \u202c تفاحة حمراء",
    "chinese": "一个红苹果在桌子上。月亮很安静。",
    "devanagari": "मेज़ पर एक लाल सेब",
    "one letter": "x",
    "zalgo": "a" + "\u0301" * 500,
    "template": "{name} {{OUTPUT}} %s {0}",
    "huge": "a red apple and a table under seven yellow stars </script> " * 1700,
    "huge word": "apple" * 20_000,
}


def test_there_are_at_least_twelve_drawing_families_eight_forms_and_forty_motifs():
    assert len(all_drawing_families()) >= 12
    assert len(all_musical_forms()) >= 8
    assert len(all_motifs()) >= 40


@pytest.mark.parametrize("package", ["drawings", "music"])
def test_every_file_holds_one_kind_named_after_it(package: str):
    folder = PROJECT / "ai4artsed_desktop/domain/sketchbook" / package
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    kinds = all_drawing_families() if package == "drawings" else all_musical_forms()
    assert set(kinds) == files
    assert all(set(kind.name) == {"de", "en"} and kind.lineage for kind in kinds.values())


def test_same_text_and_seed_give_the_same_code_and_another_seed_another():
    assert compose_sketch(APPLE, 7, 800, 600).code == compose_sketch(APPLE, 7, 800, 600).code
    assert compose_piece(APPLE, 7, 20).code == compose_piece(APPLE, 7, 20).code
    assert len({compose_sketch(APPLE, seed, 800, 600).code for seed in range(12)}) == 12
    assert len({compose_piece(APPLE, seed, 20).code for seed in range(12)}) == 12


async def test_code_does_not_depend_on_the_process():
    """Python's own hash differs from process to process; nothing may lean on it."""
    script = (
        "import hashlib, sys; from ai4artsed_desktop.domain.sketchbook import sketching, composing\n"
        "texts = ['Der Vollmond über alten Apfelbäumen', 'Wut! Feuer!', 'three sad birds in the rain']\n"
        "codes = [sketching.compose_sketch(t, 3, 9, 9).code + composing.compose_piece(t, 3, 20).code for t in texts]\n"
        "print(hashlib.sha256(''.join(codes).encode()).hexdigest())"
    )
    printed: set[bytes] = set()
    for hash_seed in ("1", "2", "3"):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            cwd=PROJECT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        printed.add(output)
    assert len(printed) == 1


def test_case_and_spacing_do_not_change_what_chance_decides():
    first, second = read("A red  apple", 3), read(" a RED apple\n", 3)
    assert first.root == second.root
    assert first.chance("x").random() == second.chance("x").random()


def test_different_texts_choose_every_family_and_form_at_least_once():
    draws = [(text, seed) for text in TEXTS for seed in range(3)]
    families = Counter(compose_sketch(text, seed, 64, 64).family.id for text, seed in draws)
    forms = Counter(compose_piece(text, seed, 20).form.id for text, seed in draws)
    assert set(families) == set(all_drawing_families())
    assert set(forms) == set(all_musical_forms())
    assert max(families.values()) < len(draws) / 4
    assert max(forms.values()) < len(draws) / 4


def test_different_texts_have_different_palettes():
    palettes = {make_palette(read(text, 1)).colours for text in TEXTS}
    assert len(palettes) == len(TEXTS)


@pytest.mark.parametrize("text", TEXTS)
def test_ink_and_colours_stand_out_from_the_paper(text: str):
    for seed in range(5):
        palette = make_palette(read(text, seed))
        assert contrast(palette.paper, palette.ink) > 9
        assert all(contrast(palette.paper, colour) > 1.25 for colour in palette.colours)
        assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in (palette.paper, palette.ink, *palette.colours))


@pytest.mark.parametrize("text", [APPLE, "A red apple on a table", "Der Apfel ist rot. Er liegt auf dem Tisch."])
def test_a_red_apple_on_a_table_is_read_as_that(text: str):
    reading = read(text, 1)
    assert [(mention.motif, mention.colour) for mention in reading.mentions] == [("apple", "red"), ("table", None)]
    stage = set_stage(reading, make_palette(reading))
    apple, table = (next(t for t in stage.things if t.motif.id == name) for name in ("apple", "table"))
    assert table.motif.top is not None
    table_top = table.y + table.motif.top * table.size
    assert apple.y + apple.size / 2 == pytest.approx(table_top, abs=0.02)
    assert abs(apple.x - table.x) < table.size / 2
    red, green, blue = (int(apple.colour[i : i + 2], 16) for i in (1, 3, 5))
    assert red > 2 * green
    assert red > 2 * blue


def test_numbers_decide_how_many_things_are_drawn():
    for text, count in (("three birds", 3), ("sieben Sterne", 7), ("ein Haus", 1), ("12 fish", 12), ("9000 fish", 12)):
        reading = read(text, 1)
        assert len(set_stage(reading, make_palette(reading)).things) == count, text


@pytest.mark.parametrize("text", ["die rote Lampe", "der Bus und das Haus", "a glass", "das Herz"])
def test_one_thing_without_a_number_is_drawn_once(text: str):
    assert {mention.count for mention in read(text, 1).mentions} == {1}


@pytest.mark.parametrize("text", ["rote Lampen", "Tische", "apples", "die Häuser am Weg", "butterflies"])
def test_a_plural_without_a_number_is_drawn_as_a_few(text: str):
    assert 2 <= read(text, 1).mentions[0].count <= 4


@pytest.mark.parametrize("text", TEXTS)
def test_no_thing_leaves_the_picture(text: str):
    for seed in range(4):
        reading = read(text, seed)
        for thing in set_stage(reading, make_palette(reading)).things:
            if not thing.is_wide:
                assert abs(thing.x) + thing.size / 2 < 0.6, (text, seed, thing.motif.id)
                assert abs(thing.y) + thing.size / 2 < 0.6, (text, seed, thing.motif.id)


@pytest.mark.parametrize(
    ("text", "motif"),
    [
        ("Der Vollmond scheint über dem Dorf", "moon"),
        ("Äpfeln", "apple"),
        ("butterflies", "butterfly"),
        ("unter dem Apfelbaum im Herbst", "tree"),
        ("children are playing in the yard", "child"),
        ("🍎🌳", "tree"),
        ("I ❤️ rain", "heart"),
    ],
)
def test_inflected_and_compound_words_are_recognised(text: str, motif: str):
    assert motif in {mention.motif for mention in read(text, 1).mentions}


def test_every_form_in_the_motif_library_is_recognised_as_its_own_motif():
    for motif in all_motifs().values():
        for word in motif.words - {"orange"}:
            assert [mention.motif for mention in read(word, 1).mentions] == [motif.id], word
    assert [mention.motif for mention in read("an orange", 1).mentions] == ["orange"]


@pytest.mark.parametrize(
    ("text", "colour"),
    [("Das weiße Haus", "white"), ("ein dunkelgrünes Haus", "forest"), ("Das Haus ist blau", "blue")],
)
def test_the_colour_of_a_thing_is_read(text: str, colour: str):
    assert read(text, 1).mentions[0].colour == colour


@pytest.mark.parametrize(
    ("text", "motif"),
    [
        ("Der König hat keine Macht", "hat"),
        ("I see that you are right", "sea"),
        ("a stern look and a brief word of the kind man", "letter"),
        ("vorgestern war es kalt", "star"),
        ("blue and orange are the colours of the wall", "orange"),
    ],
)
def test_words_of_the_other_language_are_not_mistaken_for_things(text: str, motif: str):
    assert motif not in {mention.motif for mention in read(text, 1).mentions}


def test_moods_are_told_apart():
    glad = read("Wir lachen und tanzen, das Glück ist hell!", 1).mood
    sad = read("Sie ist traurig und einsam und weint", 1).mood
    angry = read("Wut! Zorn! Hass! Krieg!", 1).mood
    calm = read("ein stilles ruhiges leises Schlafen", 1).mood
    assert glad.valence > 0.4 > sad.valence
    assert angry.energy > 0.5 > calm.energy
    assert angry.tension > 0.6 > calm.tension
    assert read("nicht glücklich", 1).mood.valence < read("glücklich", 1).mood.valence


def test_mirrored_relations_do_not_hang_each_other_up():
    reading = read("the cup on the book on the cup under the table in the bowl on the chair on the table", 1)
    assert set_stage(reading, make_palette(reading)).things


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b"])
def test_a_text_without_visible_characters_is_refused(text: str):
    with pytest.raises(ValueError, match="visible"):
        read(text, 1)


def test_a_long_text_is_capped():
    reading = read(HOSTILE["huge"], 1)
    assert len(reading.words) == MAX_WORDS
    assert len(reading.keywords) <= 24
    assert all(len(word) <= 28 for word in read(HOSTILE["huge word"], 1).words)
    assert len(compose_sketch(HOSTILE["huge"], 1, 512, 512, "calligram").code) < 60_000


def test_an_unknown_family_is_an_error():
    with pytest.raises(KeyError):
        compose_sketch("apple", 1, 512, 512, "oil_painting")
    with pytest.raises(KeyError):
        compose_piece("apple", 1, 20, "techno")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_literal_reads_back_as_the_text_and_holds_nothing_dangerous(text: str):
    source = literal(text)
    assert json.loads(source) == text
    assert not re.search("[\u2028\u2029\u202a-\u202e\u2066-\u2069\x00-\x1f\x7f-\x9f]|</|<!--", source)


def _all_codes(text: str) -> dict[str, str]:
    codes = {f"p5 {name}": compose_sketch(text, 5, 640, 480, name).code for name in all_drawing_families()}
    return codes | {f"tone {name}": compose_piece(text, 5, 20, name).code for name in all_musical_forms()}


@pytest.mark.parametrize("text", [*HOSTILE.values(), *TEXTS[:4]], ids=[*HOSTILE.keys(), "t0", "t1", "t2", "t3"])
def test_no_hostile_text_gets_out_of_its_literal(text: str):
    """Without strings and comments, no code may hold a word that only the text can have brought."""
    for name, code in _all_codes(text).items():
        bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', code)
        bare = re.sub(r"//[^\n]*", "", bare)
        assert not re.search(r"alert|fetch|script|evil|</", bare), name
        assert all(ord(char) < 128 for char in bare), name
        assert "\u2028" not in code, name


@pytest.mark.skipif(NODE is None, reason="node checks the syntax where it is installed")
@pytest.mark.parametrize("text", [*HOSTILE.values(), *TEXTS[:2]], ids=[*HOSTILE.keys(), "t0", "t1"])
async def test_every_family_gives_valid_javascript_for_hostile_texts(text: str, tmp_path: Path):
    """One node process compiles the code of all families and forms."""
    listing = tmp_path / "codes.json"
    listing.write_text(json.dumps(_all_codes(text)))
    script = (
        "const vm = require('vm'); const codes = JSON.parse(require('fs').readFileSync(process.argv[1]));"
        "for (const [name, code] of Object.entries(codes))"
        " { try { new vm.Script(code) } catch (e) { console.log(name, e.message); process.exitCode = 1 } }"
    )
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        NODE, "-e", script, str(listing), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()


@pytest.mark.parametrize("family", sorted(all_drawing_families()))
def test_every_family_refers_to_the_words_or_things_of_its_text(family: str):
    """Another text of the same mood and palette source must change more than colours and heading."""

    def constants(text: str) -> str:
        code = compose_sketch(text, 5, 640, 480, family).code
        return re.sub(r"//[^\n]*|#[0-9a-f]{6}", "", code)

    assert constants("three fish in a bottle") != constants("a lonely elephant remembers Hamburg")


@pytest.mark.parametrize("family", [f.id for f in all_drawing_families().values() if f.shows_things or f.hides_things])
def test_families_that_can_show_things_draw_the_apple_and_the_table(family: str):
    code = compose_sketch(APPLE, 5, 640, 480, family).code
    assert "draw: drawApple" in code
    assert "function drawApple(c)" in code
    assert "draw: drawTable" in code
    assert "drawBird" not in code


def test_no_name_is_declared_twice_whatever_a_text_names():
    """A family's function must not have the name of a motif's: JavaScript would silently take the later one."""
    motif_names = [motif.function for motif in all_motifs().values()]
    assert len(set(motif_names)) == len(motif_names)
    for family in all_drawing_families():
        code = compose_sketch("Nothing", 1, 64, 64, family).code
        own = re.findall(r"^(?:function|const|let) (\w+)", code, re.MULTILINE)
        assert len(set(own)) == len(own), family
        named = {name for name in own if f"function {name}(c) {{" not in code}
        assert not named & set(motif_names), family


@pytest.mark.parametrize("name", ["output_code_sketchbook_p5js", "output_code_sketchbook_tonejs"])
def test_the_chunks_offer_exactly_the_families_there_are(name: str):
    tree = ast.parse((PROJECT / "chunks" / f"{name}.py").read_text(encoding="utf-8"))
    assigned = next(node for node in tree.body if isinstance(node, ast.Assign))
    chunk = chunk_reader.validate_python(ast.literal_eval(assigned.value))
    assert isinstance(chunk, PythonChunk)
    kinds, key = (all_drawing_families(), "family") if chunk.framework == "p5js" else (all_musical_forms(), "form")
    mapping = chunk.input_mappings[key]
    assert not isinstance(mapping, tuple)
    assert mapping.choices == ("auto", *kinds)
