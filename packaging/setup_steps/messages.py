"""Everything set-up says, in English and German. The window's language files are not used: this runs before them."""

from __future__ import annotations

import os
import sys

_ENGLISH = {
    "waiting": "Another set-up is running in this folder; waiting for it …",
    "venv": "Making the Python environment (.venv) …",
    "venv_again": "The Python environment (.venv) is incomplete; making it again …",
    "packages": "Installing the packages (once; up to 1.2 GB on disk) …",
    "editable": "Installing the program itself …",
    "libraries": "Installing system libraries: {packages}",
    "libraries_missing": "Missing system libraries: {names}\n  Without them: {effects}\n  Next step: {command}",
    "effect_base": "no window and no pictures",
    "effect_x11": "no window on X11",
    "effect_wayland": "no window on Wayland",
    "effect_sound": "no sound in the window",
    "effect_code_art": "no p5.js pictures and no Tone.js sound",
    "effect_fonts": "no text in the window",
    "libraries_unknown_system": "install the packages that bring these files",
    "libraries_failed": "The system libraries could not be installed:\n{detail}",
    "loopback_down": (
        "127.0.0.1 does not answer: the network interface lo is down or blocked. The language model cannot work.\n"
        "  Next step: sudo ip link set lo up (or allow connections to 127.0.0.1), then start again."
    ),
    "model": "Getting the try-out language model SmolLM2-135M (93 MB, once) …",
    "model_failed": (
        "The try-out language model could not be fetched: {cause}\n"
        "  Procedures and the sketchbook work without it; interceptions by a language model do not.\n"
        "  Next step: with a network, run: python3 packaging/start.py --setup-only"
    ),
    "model_not_kept": "The model could not be kept for other data folders ({cause}); it works in this one.",
    "model_checksum": "the file is not the one that was promised (SHA-256 differs)",
    "ready": "Ready.",
    "gates_summary": "Gates:",
    "gates_passed": "All {total} gates passed.",
    "gates_failed": "{failed} of {total} gates failed.",
    "no_display": "No display found: instead of the window, the main job runs on the command line.",
    "demo_idea": "Idea: {idea}   ({interception})",
    "demo_text": "  Text:  {text}",
    "demo_medium": "  {mime}: {path}",
    "demo_failed": "This run failed (exit code {code}). What is missing here: python3 packaging/start.py doctor",
    "demo_no_json": "The run ended well, but its answer could not be read: {detail}",
    "interrupted": "Interrupted. Nothing is broken: the next start goes on from here.",
    "error_network": (
        "The packages could not be downloaded: no connection to the package index.\n"
        "Next step: check network, proxy and pip's settings (python3 -m pip config list), then start again.\n{detail}"
    ),
    "error_disk": "The disk is full ({folder}).\nNext step: free about 2 GB, then start again; it goes on from here.",
    "error_hash": (
        "A package is not the one that was promised (its SHA-256 differs).\n"
        "Next step: check which package index pip uses, empty pip's cache (python3 -m pip cache purge), start again.\n"
        "{detail}"
    ),
    "error_no_wheel": (
        "The package index has no fitting package for this computer or this Python.\n"
        "Next step: use a 64-bit Python 3.11 to 3.14, check pip's index settings, then start again.\n{detail}"
    ),
    "error_rights": (
        "{folder} cannot be read or written.\n"
        "Next step: move the checkout to a folder of your own, or change its rights."
    ),
    "error_pip": "The packages could not be installed.\nNext step: read the lines below, then start again.\n{detail}",
    "error_venv": (
        "The Python environment could not be made.\nNext step: read the lines below, then start again.\n{detail}"
    ),
    "error_no_venv_module": "This Python cannot make environments.\nNext step: {command}, then start again.",
    "error_venv_foreign": (
        "{folder} is not a Python environment of this checkout.\nNext step: rename or delete it, then start again."
    ),
    "error_libraries": "Without these libraries the program cannot show or draw anything.",
}

_GERMAN = {
    "waiting": "In diesem Ordner läuft schon eine Einrichtung; warten …",
    "venv": "Python-Umgebung (.venv) anlegen …",
    "venv_again": "Die Python-Umgebung (.venv) ist unvollständig; neu anlegen …",
    "packages": "Pakete installieren (einmalig; bis zu 1,2 GB auf der Platte) …",
    "editable": "Das Programm selbst installieren …",
    "libraries": "Systembibliotheken installieren: {packages}",
    "libraries_missing": "Fehlende Systembibliotheken: {names}\n  Ohne sie: {effects}\n  Nächster Schritt: {command}",
    "effect_base": "kein Fenster und keine Bilder",
    "effect_x11": "kein Fenster unter X11",
    "effect_wayland": "kein Fenster unter Wayland",
    "effect_sound": "kein Ton im Fenster",
    "effect_code_art": "keine p5.js-Bilder und kein Tone.js-Klang",
    "effect_fonts": "keine Schrift im Fenster",
    "libraries_unknown_system": "die Pakete installieren, die diese Dateien bringen",
    "libraries_failed": "Die Systembibliotheken ließen sich nicht installieren:\n{detail}",
    "loopback_down": (
        "127.0.0.1 antwortet nicht: Die Netzschnittstelle lo ist aus oder gesperrt. Das Sprachmodell geht so nicht.\n"
        "  Nächster Schritt: sudo ip link set lo up (oder Verbindungen zu 127.0.0.1 erlauben), neu starten."
    ),
    "model": "Kleines Probier-Sprachmodell SmolLM2-135M holen (93 MB, einmalig) …",
    "model_failed": (
        "Das Probier-Sprachmodell ließ sich nicht holen: {cause}\n"
        "  Verfahren und Skizzenbuch gehen ohne es; Interceptions mit Sprachmodell nicht.\n"
        "  Nächster Schritt: mit Netz ausführen: python3 packaging/start.py --setup-only"
    ),
    "model_not_kept": "Das Modell ließ sich nicht für andere Datenordner aufheben ({cause}); in diesem geht es.",
    "model_checksum": "die Datei ist nicht die versprochene (SHA-256 weicht ab)",
    "ready": "Fertig.",
    "gates_summary": "Prüfungen:",
    "gates_passed": "Alle {total} Prüfungen bestanden.",
    "gates_failed": "{failed} von {total} Prüfungen gescheitert.",
    "no_display": "Kein Bildschirm gefunden: Statt des Fensters läuft die Hauptaufgabe auf der Kommandozeile.",
    "demo_idea": "Idee: {idea}   ({interception})",
    "demo_text": "  Text:  {text}",
    "demo_medium": "  {mime}: {path}",
    "demo_failed": "Dieser Lauf ist gescheitert (Exit-Code {code}). Was hier fehlt: python3 packaging/start.py doctor",
    "demo_no_json": "Der Lauf ging gut aus, aber seine Antwort ist nicht lesbar: {detail}",
    "interrupted": "Unterbrochen. Nichts ist kaputt: Der nächste Start macht hier weiter.",
    "error_network": (
        "Die Pakete ließen sich nicht laden: keine Verbindung zum Paketindex.\n"
        "Nächster Schritt: Netz, Proxy und pip-Einstellungen prüfen (python3 -m pip config list).\n{detail}"
    ),
    "error_disk": (
        "Die Platte ist voll ({folder}).\nNächster Schritt: etwa 2 GB frei machen, neu starten; es geht hier weiter."
    ),
    "error_hash": (
        "Ein Paket ist nicht das versprochene (SHA-256 weicht ab).\n"
        "Nächster Schritt: prüfen, welchen Paketindex pip nutzt, pips Cache leeren (python3 -m pip cache purge), "
        "neu starten.\n{detail}"
    ),
    "error_no_wheel": (
        "Der Paketindex hat kein passendes Paket für diesen Rechner oder dieses Python.\n"
        "Nächster Schritt: ein 64-Bit-Python 3.11 bis 3.14 nehmen, pip-Einstellungen prüfen, neu starten.\n{detail}"
    ),
    "error_rights": (
        "{folder} ist nicht lesbar oder nicht beschreibbar.\n"
        "Nächster Schritt: in einen eigenen Ordner umziehen oder die Rechte ändern."
    ),
    "error_pip": (
        "Die Pakete ließen sich nicht installieren.\nNächster Schritt: die Zeilen unten lesen, neu starten.\n{detail}"
    ),
    "error_venv": (
        "Die Python-Umgebung ließ sich nicht anlegen.\nNächster Schritt: die Zeilen unten lesen, neu starten.\n{detail}"
    ),
    "error_no_venv_module": (
        "Dieses Python kann keine Umgebungen anlegen.\nNächster Schritt: {command}, dann neu starten."
    ),
    "error_venv_foreign": (
        "{folder} ist keine Python-Umgebung dieses Checkouts.\nNächster Schritt: umbenennen oder löschen, neu starten."
    ),
    "error_libraries": "Ohne diese Bibliotheken kann das Programm nichts zeigen und nichts zeichnen.",
}

TEXTS = {"en": _ENGLISH, "de": _GERMAN}


class SetupError(Exception):
    """Set-up cannot go on. Its text names the cause and the next step.

    Args:
        key: Key in ``TEXTS``.
        params: Values for the text's placeholders.
    """

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(text(key, **params).rstrip())
        self.key = key


def language() -> str:
    """Return ``de`` if the person's system speaks German, else ``en``."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "de" if value.lower().startswith("de") else "en"
    if sys.platform == "win32":
        import ctypes

        # The low ten bits of a Windows language id are the primary language; 7 is German (winnt.h, LANG_GERMAN).
        return "de" if ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF == 7 else "en"
    return "en"


def text(key: str, **params: object) -> str:
    """Return one text in the person's language."""
    return TEXTS[language()][key].format(**params)


def say(key: str, **params: object) -> None:
    """Print one text at once."""
    print(text(key, **params), flush=True)


def make_output_safe() -> None:
    """Let a console that cannot show a character print a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
