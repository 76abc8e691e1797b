"""Mapbox Vector Tile 2.1 encoding of whole arrays at once.

Everything inside a feature of the format is a varint, so a layer of any number of features is laid out as one array of
integers and turned into bytes in a single pass: no loop over features.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

EXTENT = 4096
POINT, LINE, POLYGON = 1, 2, 3

Ints = npt.NDArray[np.int64]


def varint_lengths(values: Ints) -> Ints:
    """Return how many bytes each value takes as a varint.

    Parameters
    ----------
    values
        Whole numbers from 0 to 2**35 - 1.

    Examples
    --------
    >>> varint_lengths(np.array([0, 127, 128, 16384])).tolist()
    [1, 1, 2, 3]

    """
    lengths = np.ones(len(values), dtype=np.int64)
    for bits in (7, 14, 21, 28):
        lengths += values >= (1 << bits)
    return lengths


def varints(values: Ints) -> bytes:
    """Write values one after the other as varints.

    Examples
    --------
    >>> varints(np.array([1, 300])).hex()
    '01ac02'

    """
    if len(values) == 0:
        return b""
    lengths = varint_lengths(values)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    out = np.zeros(int(ends[-1]), dtype=np.uint8)
    for byte in range(int(lengths.max())):
        here = lengths > byte
        more = (lengths[here] > byte + 1).astype(np.int64) << 7
        out[starts[here] + byte] = ((values[here] >> (7 * byte)) & 0x7F) | more
    return out.tobytes()


def encode_layer(
    name: str,
    kind: int,
    ids: Ints,
    coordinates: Ints,
    part_offsets: Ints,
    feature_offsets: Ints,
    properties: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """Encode one layer as a whole tile.

    Parameters
    ----------
    name
        Layer name inside the tile.
    kind
        `POINT`, `LINE` or `POLYGON`.
    ids
        One id a feature, 0 or more.
    coordinates
        (n, 2) tile units, y down. Rings are given without their closing point, exterior rings clockwise on screen.
    part_offsets
        Where each point, line or ring begins in `coordinates`, and the end.
    feature_offsets
        Where each feature begins in the list of parts, and the end.
    properties
        Text attributes, one text a feature.

    Returns
    -------
    bytes
        Empty when there is no feature.

    Examples
    --------
    >>> one = np.array([0, 1])
    >>> encode_layer("p", POINT, np.array([7]), np.array([[3, 4]]), one, one).hex()
    '1a1378020a01701209080718012203090608288020'

    """
    if len(ids) == 0:
        return b""
    geometry, geometry_offsets = _commands(kind, coordinates, part_offsets, feature_offsets)
    tags, tail = _tags(properties or {}, len(ids))
    body = _features(kind, ids, geometry, geometry_offsets, tags)
    label = name.encode()
    layer = b"\x78\x02\x0a" + varints(np.array([len(label)])) + label + body + tail
    layer += b"\x28" + varints(np.array([EXTENT]))
    return b"\x1a" + varints(np.array([len(layer)])) + layer


def _commands(kind: int, coordinates: Ints, part_offsets: Ints, feature_offsets: Ints) -> tuple[Ints, Ints]:
    """Return the command integers of all features and where each feature begins among them."""
    counts = np.diff(part_offsets)
    closing = 1 if kind == POLYGON else 0
    sizes = 1 + 2 * counts + (counts > 1) + closing
    part_starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    out = np.empty(int(part_starts[-1]), dtype=np.int64)
    out[part_starts[:-1]] = 9
    long = counts > 1
    out[part_starts[:-1][long] + 3] = ((counts[long] - 1) << 3) | 2
    if closing:
        out[part_starts[1:] - 1] = 15
    delta = np.diff(coordinates, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    first = part_offsets[feature_offsets[:-1]]
    delta[first] = coordinates[first]
    zigzag = (delta << 1) ^ (delta >> 63)
    within = np.arange(len(coordinates)) - np.repeat(part_offsets[:-1], counts)
    at = np.repeat(part_starts[:-1], counts) + 1 + 2 * within + (within > 0)
    out[at] = zigzag[:, 0]
    out[at + 1] = zigzag[:, 1]
    return out, part_starts[feature_offsets]


def _features(kind: int, ids: Ints, geometry: Ints, geometry_offsets: Ints, tags: Ints) -> bytes:
    """Lay out all features (tags is features x items) as one run of varints."""
    lengths = np.concatenate([[0], np.cumsum(varint_lengths(geometry))])
    geometry_bytes = lengths[geometry_offsets[1:]] - lengths[geometry_offsets[:-1]]
    tag_bytes = varint_lengths(tags.ravel()).reshape(tags.shape).sum(axis=1) if tags.shape[1] else np.zeros_like(ids)
    size = 4 + varint_lengths(ids) + varint_lengths(geometry_bytes) + geometry_bytes
    ones = np.ones_like(ids)
    head: list[Any] = [ones * 0x12, size, ones * 0x08, ids]
    if tags.shape[1]:
        size += 1 + varint_lengths(tag_bytes) + tag_bytes
        head += [ones * 0x12, tag_bytes, *tags.T]
    head += [ones * 0x18, ones * kind, ones * 0x22, geometry_bytes]
    width = len(head)
    counts = np.diff(geometry_offsets)
    starts = geometry_offsets[:-1] + width * np.arange(len(ids))
    out = np.empty(len(geometry) + width * len(ids), dtype=np.int64)
    for column, values in enumerate(head):
        out[starts + column] = values
    out[np.arange(len(geometry)) + np.repeat(width * np.arange(1, len(ids) + 1), counts)] = geometry
    return varints(out)


def _tags(properties: Mapping[str, Sequence[str]], count: int) -> tuple[Ints, bytes]:
    """Return the tag integers of every feature and the bytes of the keys and values they point to."""
    columns: list[Ints] = []
    keys: list[bytes] = []
    values: list[bytes] = []
    for place, (key, texts) in enumerate(properties.items()):
        distinct, codes = np.unique(np.asarray(texts, dtype=object).astype(str), return_inverse=True)
        columns += [np.full(count, place, dtype=np.int64), codes.astype(np.int64) + len(values)]
        keys.append(_delimited(b"\x1a", key.encode()))
        values += [_delimited(b"\x22", _delimited(b"\x0a", str(text).encode())) for text in distinct]
    tags = np.stack(columns, axis=1) if columns else np.zeros((count, 0), dtype=np.int64)
    return tags, b"".join(keys) + b"".join(values)


def _delimited(tag: bytes, content: bytes) -> bytes:
    return tag + varints(np.array([len(content)])) + content
