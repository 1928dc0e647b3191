"""How payloads are written and read as JSON: compact, keys as given, no NaN."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from uuid import UUID


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _plain(value: object) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a strategy has no {type(value).__name__}")


_encode_strategy = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode


def encode_strategy(strategy: Mapping[str, Any]) -> str:
    """The JSON of a strategy. Nodes may be UUIDs."""
    return _encode_strategy(dict(strategy))


_decode = json.JSONDecoder(parse_constant=_refuse).decode


def decode(text: str) -> Any:
    """The value of a JSON text."""
    return _decode(text)
