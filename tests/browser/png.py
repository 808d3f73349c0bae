"""PNG files of screens made small: at most 255 colours, one byte a pixel. Enough for text and plain figures."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 255


def small(png: bytes) -> bytes:
    """The same picture in its most frequent colours; every other pixel takes the nearest of them."""
    pixels = decoded(png)
    height, width, _ = pixels.shape
    flat = pixels[:, :, :3].reshape(-1, 3).astype(np.int32)
    key = (flat[:, 0] << 16) | (flat[:, 1] << 8) | flat[:, 2]
    found, place, count = np.unique(key, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, (found >> 8) & 255, found & 255], axis=1)
    # Of colours that hardly differ the most frequent one: else shades of grey would leave no room for a red.
    coarse = (colours >> 3) @ (1024, 32, 1)
    order = np.lexsort((-count, coarse))
    alike, first = np.unique(coarse[order], return_index=True)
    weight = np.bincount(np.searchsorted(alike, coarse), count)
    kept = order[first][np.argsort(-weight, kind="stable")[:COLOURS]]
    nearest = np.empty(len(found), np.uint8)
    for at in range(0, len(found), 4096):
        apart = ((colours[at : at + 4096, None, :] - colours[None, kept, :]) ** 2).sum(axis=2)
        nearest[at : at + 4096] = apart.argmin(axis=1)
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = nearest[place].reshape(height, width)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    palette = colours[kept].astype(np.uint8).tobytes()
    packed = zlib.compress(rows.tobytes(), 9)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", packed), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def decoded(png: bytes) -> NDArray[np.uint8]:
    """Height × width × 3 or 4 bytes, of a PNG with eight bits a channel as browsers write it."""
    assert png.startswith(SIGNATURE)
    at, data, channels, width, height = len(SIGNATURE), b"", 0, 0, 0
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if name == b"IHDR":
            width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", body)
            channels = {2: 3, 6: 4}[kind]
            assert depth == 8
        elif name == b"IDAT":
            data += body
        at += 12 + length
    raw = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * channels)
    rows = np.zeros((height, width, channels), np.uint8)
    above = np.zeros((width, channels), np.uint8)
    for y in range(height):
        above = rows[y] = _row(raw[y, 0], raw[y, 1:].reshape(width, channels), above)
    return rows


def _row(filter: int, row: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if filter == 0:
        return row
    if filter == 1:
        return np.cumsum(row, axis=0, dtype=np.uint8)
    if filter == 2:
        return row + above
    out = np.zeros_like(row)
    for c in range(row.shape[1]):
        left, corner = 0, 0
        for x, (value, up) in enumerate(zip(row[:, c].tolist(), above[:, c].tolist(), strict=True)):
            left = (value + ((left + up) // 2 if filter == 3 else _paeth(left, up, corner))) & 255
            out[x, c], corner = left, up
    return out


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
