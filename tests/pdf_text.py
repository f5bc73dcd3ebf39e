"""The words of a PDF that Chromium wrote, without a library for it.

Skia numbers fonts by their objects and writes letters as codes that a table of the font
turns into characters; that is all that is read here.
"""

from __future__ import annotations

import re
import unicodedata
import zlib

_OBJECT = re.compile(rb"(?<!\d)(\d+) 0 obj\n(.*?)endobj", re.DOTALL)
_UNICODE = re.compile(rb"/ToUnicode (\d+) 0 R")
_SHOWN = re.compile(rb"/F(\d+) [-\d.]+ Tf|<([0-9A-Fa-f]+)> Tj")
_CHARACTERS = re.compile(rb"beginbfchar\n(.*?)endbfchar", re.DOTALL)
_RANGES = re.compile(rb"beginbfrange\n(.*?)endbfrange", re.DOTALL)
# Fonts share their shapes with the characters, and Unicode knows no other form of them.
_RADICALS = str.maketrans("⻉⻋⻓⻘⻝⻩", "贝车长青食黄")
_CODES = re.compile(rb"<(\w+)>")


def words_of(content: bytes) -> str:
    """Return all characters in the order in which they were drawn, without spaces."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    # Hexadecimal digits of a code, and characters by code.
    fonts = {
        number: (
            2 if b"/Type3" in body else 4,
            _table(_stream(objects[int(found[1])])),
        )
        for number, body in objects.items()
        if (found := _UNICODE.search(body))
    }
    drawn = []
    for body in objects.values():
        width, font = 4, dict[int, str]()
        for number, codes in _SHOWN.findall(_stream(body)):
            if number:
                width, font = fonts[int(number)]
            drawn += [
                font[int(codes[at : at + width], 16)]
                for at in range(0, len(codes), width)
            ]
    return spaceless("".join(drawn))


def spaceless(text: str) -> str:
    """Return a text as it can be compared: ligatures as letters, and no spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).translate(_RADICALS)


def _stream(body: bytes) -> bytes:
    head, mark, rest = body.partition(b"stream\n")
    raw = rest[: rest.rfind(b"\nendstream")]
    if b"/FlateDecode" not in head:
        return raw if mark else b""
    return zlib.decompress(raw)


def _table(cmap: bytes) -> dict[int, str]:
    """Return the characters of a font by their codes."""
    table = {}
    for block in _CHARACTERS.findall(cmap):
        codes = _CODES.findall(block)
        for code, text in zip(codes[::2], codes[1::2], strict=True):
            table[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in _RANGES.findall(cmap):
        codes = _CODES.findall(block)
        for first, last, text in zip(codes[::3], codes[1::3], codes[2::3], strict=True):
            start = int(first, 16)
            for code in range(start, int(last, 16) + 1):
                table[code] = chr(int(text, 16) + code - start)
    return table
