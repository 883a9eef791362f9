"""Random damage to files and models; the same seed does the same damage."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_INTEGERS = (0, 1, -1, 2, 3, 7, 8, 11, 16, 127, 255, 256, 4096, 2**31 - 1, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, -3e38, float("nan"), float("inf"), float("-inf"))
_TEXTS = (
    "",
    "x",
    " ",
    "../../up",
    "n" * 300,
    "$(false)",
    "\n",
    "Quant",
    "MatMul",
    "Sign",
    "ROUND",
    "finn.custom_op.general",
)
_WORDS = (
    b"",
    b"\0",
    b"\xff" * 4,
    b"\0\0\x80\x7f",
    b"\0\0\xc0\x7f",
    b"\0\0\x80\xff",
    b"{",
    b"]",
    b'"',
    b"-1",
    b"1e999",
    b"null",
)


def damaged_bytes(data: bytes, seed: int) -> bytes:
    """The file with one to four bytes or blocks flipped, inserted, deleted or duplicated, or truncated."""
    rng = random.Random(seed)
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        # The start of a file describes the rest.
        at = rng.randrange(min(len(result), 200) if rng.random() < 0.3 else len(result)) if result else 0
        length = rng.choice((1, 1, 1, 2, 4, 8, 64, 1000))
        kind = rng.randrange(7)
        if kind == 0 and result:
            result[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and result:
            result[at] = rng.randrange(256)
        elif kind == 2:
            result[at:at] = rng.randbytes(length)
        elif kind == 3:
            del result[at : at + length]
        elif kind == 4:
            result[at:at] = result[at : at + length]
        elif kind == 5:
            del result[at:]
        else:
            word = rng.choice(_WORDS)
            result[at : at + len(word)] = word
    return bytes(result)


def damaged_model(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """A model with one to three fields changed: it still parses, so the damage reaches the graph."""
    rng = random.Random(seed)
    result = onnx.ModelProto()
    result.CopyFrom(model)
    for _ in range(rng.choice((1, 1, 2, 3))):
        messages = list(_messages(result))
        message = rng.choice(messages)
        # Most of what can go wrong is in nodes.
        if rng.random() < 0.5 and result.graph.node:
            message = rng.choice(list(_messages(rng.choice(result.graph.node))))
        _damage(message, rng, messages)
    return result


def damaged_json(text: str, seed: int) -> str:
    """A JSON file in which one to three values are changed, deleted or duplicated."""
    rng = random.Random(seed)
    data = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(data))
        if not places:
            break
        holder, key = rng.choice(places)
        kind = rng.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = rng.choice((None, True, "", "x" * 300, [], {}, [[]], 1.5, *_INTEGERS, *_FLOATS))
        elif kind == 2:
            other, where = rng.choice(places)
            holder[key] = copy.deepcopy(other[where])
        elif isinstance(holder, list):
            holder.insert(key, holder[key])
        else:
            holder[f"{key}_"] = holder.pop(key)
    return json.dumps(data, indent=1)


def damaged_yaml(text: str, seed: int) -> str:
    """A folding file in which one to three words or characters are changed."""
    rng = random.Random(seed)
    pieces = re.findall(r"\w+|\s+|.", text)
    words = (
        "&a",
        "*a",
        "<<",
        "!!python/name:os",
        "!!binary",
        "0x8",
        "1e3",
        "yes",
        "null",
        "~",
        "[",
        "{",
        "}",
        "- ",
        ": ",
        "? ",
        "|",
        "%",
    )
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(pieces))
        pieces[at] = rng.choice(
            (*words, "", pieces[at] * 2, str(rng.choice(_INTEGERS)), rng.choice(_TEXTS), rng.choice(pieces))
        )
    return "".join(pieces)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """All containers and their keys below a value."""
    for key in range(len(data)) if isinstance(data, list) else list(data) if isinstance(data, dict) else ():
        yield data, key
        yield from _places(data[key])


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for part in value if field.is_repeated else (value,):
                yield from _messages(part)


def _damage(message: Message, rng: random.Random, messages: list[Message]) -> None:
    """Change one field of a message."""
    present = [field for field, _ in message.ListFields()]
    field = rng.choice(present) if present and rng.random() < 0.8 else rng.choice(message.DESCRIPTOR.fields)
    name = field.name
    value = getattr(message, name)
    is_message = field.type == FieldDescriptor.TYPE_MESSAGE
    if rng.random() < 0.15:
        message.ClearField(name)
    elif field.is_repeated:
        kind = rng.randrange(4) if len(value) else 3
        at = rng.randrange(len(value)) if len(value) else 0
        if kind == 0:
            del value[at]
        elif kind == 1:
            items = list(value)
            if is_message:
                items = [type(item).FromString(item.SerializeToString()) for item in items]
            other = rng.randrange(len(items))
            items[at], items[other] = items[other], items[at]
            del value[:]
            value.extend(items)
        elif kind == 2:
            value.extend([value[at]])
        elif is_message:
            _damage(value.add(), rng, messages)
        elif len(value) and rng.random() < 0.7:
            value[at] = _other(field, value[at], rng, messages)
        else:
            value.append(_other(field, None, rng, messages))
    elif is_message:
        _damage(value, rng, messages)
    else:
        setattr(message, name, _other(field, value, rng, messages))


def _other(field: Any, value: Any, rng: random.Random, messages: list[Message]) -> Any:
    """Another value for a field: one that is legal nowhere, or one from another place of the model."""
    kind = field.type
    if kind == FieldDescriptor.TYPE_ENUM:
        return rng.choice(field.enum_type.values).number
    if kind in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
        found = [
            text
            for message in messages
            for other, held in message.ListFields()
            if other.type == FieldDescriptor.TYPE_STRING
            for text in (held if other.is_repeated else (held,))
        ]
        if kind == FieldDescriptor.TYPE_STRING:
            return rng.choice((*_TEXTS, rng.choice(found))) if rng.random() < 0.5 else rng.choice(found)
        return damaged_bytes(value or b"\0\0\0\0", rng.randrange(2**32))
    if kind in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return rng.choice(_FLOATS)
    low, high = (0, 2**64 - 1) if kind == FieldDescriptor.TYPE_UINT64 else (-(2**63), 2**63 - 1)
    if kind == FieldDescriptor.TYPE_INT32:
        low, high = -(2**31), 2**31 - 1
    return rng.choice([number for number in _INTEGERS if low <= number <= high])
