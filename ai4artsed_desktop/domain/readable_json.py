"""JSON for files that people open: indented, with their own letters."""

from __future__ import annotations

import json

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json


def readable_json(data: object) -> bytes:
    """Return data (a pydantic model, or what JSON knows) as indented JSON in UTF-8.

    Lone surrogates, as in names of files that are no text, become ``?``: no UTF-8 holds them.
    """
    try:
        return to_json(data, indent=2)  # an eighth of the time: json's own encoder indents in Python
    except (PydanticSerializationError, UnicodeEncodeError):
        known = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
        return json.dumps(known, ensure_ascii=False, indent=2).encode("utf-8", "replace")
