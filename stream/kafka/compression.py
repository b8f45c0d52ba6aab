"""Decompresses record batches up to a limit, since a few kilobytes of gzip or zstd can become gigabytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import cramjam
import zstandard

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
_GZIP = 31
_CHUNK = 256 * 1024
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER = 16
_BLOCK_SIZE = struct.Struct(">i")
_LZ4_BLOCK_SIZE = struct.Struct("<I")
_LZ4_PLAIN = 1 << 31


class TooLargeError(Exception):
    """The data decompresses to more than the limit."""


class DamagedError(Exception):
    """The data cannot be decompressed."""


def decompress(codec: str, data: memoryview, limit: int) -> list[bytes]:
    """Decompress the records of a batch, and return the bytes in parts.

    Raises TooLargeError if they are more than `limit` bytes, and DamagedError.
    """
    found: list[bytes] = []
    left = limit
    try:
        for part in _DECODERS[codec](data, limit):
            left -= len(part)
            if left < 0:
                raise TooLargeError
            found.append(part)
    except (cramjam.DecompressionError, zstandard.ZstdError, zlib.error, struct.error, IndexError) as error:
        raise DamagedError(str(error)) from None
    return found


def _gzip(data: memoryview, limit: int) -> Iterator[bytes]:
    rest: bytes | memoryview = data
    while rest:
        member = zlib.decompressobj(_GZIP)
        yield member.decompress(rest, limit + 1)
        if not member.eof and not member.unconsumed_tail:
            raise DamagedError("the end is missing")
        rest = member.unused_data


def _zstd(data: memoryview, limit: int) -> Iterator[bytes]:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        while part := reader.read(min(_CHUNK, limit + 1)):
            yield part


def _snappy(data: memoryview, limit: int) -> Iterator[bytes]:
    if data[: len(_XERIAL)] != _XERIAL:
        yield _snappy_block(data, limit)
        return
    at = _XERIAL_HEADER
    while at < len(data):
        (size,) = _BLOCK_SIZE.unpack_from(data, at)
        if size < 0:
            raise DamagedError("a block of negative size")
        at += _BLOCK_SIZE.size
        yield _snappy_block(data[at : at + size], limit)
        at += size


def _snappy_block(data: memoryview, limit: int) -> bytes:
    # The library allocates the size that the block claims.
    if cramjam.snappy.decompress_raw_len(data) > limit:
        raise TooLargeError
    return bytes(cramjam.snappy.decompress_raw(data))


def _lz4(data: memoryview, _: int) -> Iterator[bytes]:
    # The library decompresses whole frames only. Single blocks allow a stop at the limit.
    flags, block = data[4], bytearray(1 << (8 + 2 * (data[5] >> 4 & 7)))
    at = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    while size := _LZ4_BLOCK_SIZE.unpack_from(data, at)[0]:
        at += _LZ4_BLOCK_SIZE.size
        stored = data[at : at + (size & ~_LZ4_PLAIN)]
        if size & _LZ4_PLAIN:
            yield bytes(stored)
        else:
            written = cramjam.lz4.decompress_block_into(stored, block, output_len=len(block))
            yield bytes(memoryview(block)[:written])
        at += len(stored) + (4 if flags & 16 else 0)


_DECODERS: dict[str, Callable[[memoryview, int], Iterator[bytes]]] = {
    "none": lambda data, _: iter((bytes(data),)),
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _lz4,
    "zstd": _zstd,
}
