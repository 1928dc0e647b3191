"""How payloads are written and read as JSON: compact, keys as given, no NaN."""

import json
from typing import Any, NoReturn


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

_decode = json.JSONDecoder(parse_constant=_refuse).decode


def decode(text: str) -> Any:
    """The value of a JSON text."""
    return _decode(text)
