"""Linking a kernel by itself: from the object file that LLVM gives on Linux to an image.

Sections that are needed while a kernel runs are laid one behind the other, and what refers from one to another is
filled in; all of it is relative, so the result runs at any place. See the System V Application Binary Interface, and
its AMD64 supplement for the relocations. Whatever is not known here makes no image: LLVM links such a kernel.
"""

import struct
from typing import NamedTuple

from kerasish.backend.native.image import CELL, PAGE, Image

_MAGIC, _X86_64 = b"\x7fELF\x02\x01", 62  # 64 bits, little-endian
_WRITABLE, _ALLOCATED, _THREAD_LOCAL = 1, 2, 0x400
_PROGRAM, _SYMBOLS, _RELOCATIONS = 1, 2, 4  # kinds of sections
_PC32, _PLT32 = 2, 4  # relocations: what is meant, seen from where it is written
_TRAP = b"\xcc"


class _Section(NamedTuple):
    """A section's header."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    each: int


class _Symbol(NamedTuple):
    """An entry of the table of symbols."""

    name: int
    info: int
    other: int
    section: int
    value: int
    size: int


class Unknown(Exception):
    """An object file has something in it that is not known here."""


def link(code: bytes, entry: str = "kernel") -> Image | None:
    """Return the image of an object file, None if there is something in it that is not known here.

    Args:
        code: the file's content.
        entry: the name of the function that is called.
    """
    try:
        return _Linker(code).image(entry)
    except Unknown:
        return None


class _Linker:
    def __init__(self, code: bytes):
        if code[:6] != _MAGIC or struct.unpack_from("<H", code, 18)[0] != _X86_64:
            raise Unknown("another kind of file, or another processor's")
        self._code = code
        start, = struct.unpack_from("<Q", code, 40)
        count, names = struct.unpack_from("<HH", code, 60)
        self._sections = [_Section(*struct.unpack_from("<IIQQQQIIQQ", code, start + 64 * n)) for n in range(count)]
        self._names = self._sections[names]
        tables = [s for s in self._sections if s.kind == _SYMBOLS]
        if len(tables) != 1:
            raise Unknown("tables of symbols")
        self._strings = self._sections[tables[0].link]
        self._symbols = [_Symbol(*struct.unpack_from("<IBBHQQ", code, at)) for at in _steps(tables[0])]
        self._places: dict[int, int] = {}  # number of a section -> where it lies in the image
        self._out = bytearray()
        self._cells: dict[str, int] = {}  # name of a function outside -> its cell

    def image(self, entry: str) -> Image:
        """Return the image."""
        for n, section in enumerate(self._sections):
            if section.flags & _ALLOCATED and self._text(self._names, section.name) != ".eh_frame":  # nothing unwinds
                self._lay(n, section)
        self._pad(CELL)
        for section in self._sections:
            if section.info in self._places and section.kind == _RELOCATIONS:
                for at in _steps(section):
                    self._relocate(self._places[section.info], *struct.unpack_from("<QIIq", self._code, at))
        begins = [self._at(s) for s in self._symbols if s.section and self._text(self._strings, s.name) == entry]
        if len(begins) != 1:
            raise Unknown("no entry")
        return Image(bytes(self._out), begins[0], tuple(self._cells))

    def _lay(self, n: int, section: _Section) -> None:
        if section.kind != _PROGRAM or section.flags & (_WRITABLE | _THREAD_LOCAL):
            raise Unknown("memory that is written")
        if section.align > PAGE:
            raise Unknown("an alignment")
        self._pad(section.align)
        self._places[n] = len(self._out)
        self._out += self._code[section.offset : section.offset + section.size]

    def _relocate(self, place: int, offset: int, kind: int, symbol: int, addend: int) -> None:
        if kind not in (_PC32, _PLT32):
            raise Unknown(f"relocation {kind}")
        meant, where = self._symbols[symbol], place + offset
        target = self._at(meant) if meant.section else self._outside(self._text(self._strings, meant.name), kind)
        struct.pack_into("<i", self._out, where, target + addend - where)

    def _at(self, symbol: _Symbol) -> int:
        if symbol.section not in self._places:
            raise Unknown("a symbol of another section")
        return self._places[symbol.section] + symbol.value

    def _outside(self, name: str, kind: int) -> int:
        """Return where a function outside is called: a jump to the address that the loader writes behind it."""
        if kind != _PLT32 or not name.isidentifier():
            raise Unknown("data outside")
        if name not in self._cells:
            self._cells[name] = len(self._out)
            self._out += b"\xff\x25\x02\x00\x00\x00" + 2 * _TRAP + bytes(8)  # jmp *2(%rip)
        return self._cells[name]

    def _pad(self, align: int) -> None:
        self._out += _TRAP * (-len(self._out) % max(align, 1))

    def _text(self, strings: _Section, at: int) -> str:
        begin = strings.offset + at
        return self._code[begin : self._code.index(b"\0", begin)].decode()


def _steps(section: _Section) -> range:
    return range(section.offset, section.offset + section.size, section.each)
