"""Data of any compressor comes back unchanged, up to a limit, and damaged data is refused."""

from __future__ import annotations

import gzip
import struct
from contextlib import suppress

import cramjam
import pytest
import zstandard
from aiokafka import codec as client
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.compression import DamagedError, TooLargeError, decompress

ENCODERS = {
    "none": bytes,
    "gzip": client.gzip_encode,
    "snappy": client.snappy_encode,
    "lz4": client.lz4_encode,
    "zstd": client.zstd_encode,
}
CODECS = sorted(ENCODERS)
texts = st.tuples(st.binary(max_size=200), st.integers(0, 2_000)).map(lambda parts: parts[0] * parts[1])


def whole(codec: str, data: bytes, limit: int = 1 << 30) -> bytes:
    return b"".join(decompress(codec, memoryview(data), limit))


@pytest.mark.parametrize("codec", CODECS)
@given(data=texts)
def test_it_comes_back_as_it_was(codec: str, data: bytes) -> None:
    assert whole(codec, ENCODERS[codec](data), len(data)) == data


@pytest.mark.parametrize("codec", CODECS)
@given(data=texts.filter(bool), part=st.floats(0, 1, exclude_max=True))
def test_beyond_the_limit_it_is_refused(codec: str, data: bytes, part: float) -> None:
    with pytest.raises(TooLargeError):
        whole(codec, ENCODERS[codec](data), int(len(data) * part))


@pytest.mark.parametrize("codec", CODECS)
@given(
    data=st.binary(max_size=400), place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans()
)
def test_what_is_damaged_is_refused_if_at_all(codec: str, data: bytes, place: float, byte: int, cut: bool) -> None:
    encoded = bytearray(ENCODERS[codec](data * 50))
    at = int(len(encoded) * place)
    encoded[at : None if cut else at + 1] = b"" if cut else bytes([byte])
    with suppress(DamagedError, TooLargeError):
        assert len(whole(codec, bytes(encoded), 1 << 20)) <= 1 << 20


def test_other_writers_of_the_same_formats() -> None:
    data = bytes(range(256)) * 1_000
    assert whole("gzip", gzip.compress(data) + gzip.compress(data)) == data * 2
    assert whole("snappy", bytes(cramjam.snappy.compress_raw(data))) == data
    assert whole("lz4", bytes(cramjam.lz4.compress(data[:60_000]))) == data[:60_000]
    # Java's compressor does not write the decompressed size.
    streamed = zstandard.ZstdCompressor().compressobj()
    assert whole("zstd", streamed.compress(data) + streamed.flush() + client.zstd_encode(data)) == data * 2


def test_a_block_that_claims_to_be_large_takes_no_memory() -> None:
    claim = b"\xff\xff\xff\xff\x0f" + b"\x00" * 20
    with pytest.raises(TooLargeError):
        whole("snappy", claim, 1 << 20)
    head = client.snappy_encode(b"")[:16]
    with pytest.raises(TooLargeError):
        whole("snappy", head + struct.pack(">i", len(claim)) + claim, 1 << 20)
    with pytest.raises(DamagedError, match="negative"):
        whole("snappy", head + struct.pack(">i", -1), 1 << 20)
