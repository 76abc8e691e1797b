"""Find the encoding of Chinese text by decoding it, not by believing a label."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from geo.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ("utf-8", "gb18030", "big5")
_LABELS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "gb18030": "GB18030", "big5": "Big5", "latin-1": "ISO-8859-1"}
_MOST_SAMPLES = 4000


@dataclass(frozen=True)
class Found:
    """An encoding, how much of the sample it explains (0-1), and a sentence when a label was wrong."""

    encoding: str
    share: float
    note: str | None = None

    @property
    def label(self) -> str:
        """The name people know it by."""
        return label(self.encoding)


def label(encoding: str) -> str:
    """Write an encoding the way people know it.

    Examples
    --------
    >>> label("gb18030"), label("utf-8-sig"), label("utf-16-le")
    ('GB18030', 'UTF-8', 'UTF-16-LE')
    """
    return _LABELS.get(encoding, encoding.upper())


def known(encoding: str | None) -> str | None:
    """Turn a label such as CP936, ANSI 1252 or 65001 into a Python codec, None when it says nothing.

    Examples
    --------
    >>> known("GBK"), known("936"), known("65001"), known("nonsense"), known("")
    ('gb18030', 'gb18030', 'utf-8', None, None)
    """
    text = (encoding or "").strip().lower().replace("ansi", "").strip()
    if not text:
        return None
    if text in ("936", "cp936", "gbk", "gb2312", "gb_2312-80", "ms936", "windows-936", "gb18030", "x-gbk"):
        return "gb18030"
    text = {"65001": "utf-8", "utf8": "utf-8", "950": "cp950"}.get(text, text)
    try:
        name = codecs.lookup(text).name
        "".encode(name)
    except (LookupError, UnicodeError, TypeError):
        return None
    return name


def is_utf8(data: bytes) -> bool:
    """Say whether bytes are valid UTF-8 throughout.

    Examples
    --------
    >>> is_utf8("村".encode()), is_utf8("村".encode("gbk"))
    (True, False)
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(sample: bytes, encoding: str) -> str | None:
    """Strict decoding that forgives a character cut in two at the end (DBF fields are cut by bytes)."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(sample, final=False)
    except UnicodeDecodeError:
        return None


def _commonness(text: str) -> tuple[float, int]:
    """Sum of how ordinary each non-ASCII character is in Chinese writing, and how many there are."""
    score, count = 0.0, 0
    for letter in text:
        if letter < "\x80":
            continue
        count += 1
        try:
            lead = letter.encode("gb2312")[0]
        except UnicodeEncodeError:
            score += 0.35 if "\u4e00" <= letter <= "\u9fff" else 0.0
            continue
        score += 1.0 if 0xB0 <= lead <= 0xD7 or lead in (0xA1, 0xA3) else 0.5 if lead >= 0xD8 else 0.1
    return score, count


def _fit(samples: Sequence[bytes], encoding: str) -> tuple[float, float]:
    """Share of samples that decode at all, and how Chinese the result looks (both 0-1)."""
    good, score, letters = 0, 0.0, 0
    for sample in samples:
        text = _decoded(sample, encoding)
        if text is None:
            continue
        good += 1
        more, count = _commonness(text)
        score, letters = score + more, letters + count
    return good / len(samples), score / letters if letters else 0.0


def find(samples: Sequence[bytes], stated: str | None = None) -> Found:
    """Choose the encoding of some byte strings: strict UTF-8 first, then the one whose text reads as Chinese.

    Parameters
    ----------
    samples
        Byte strings as they stand in the file; those in plain ASCII say nothing and are passed over.
    stated
        What a `.cpg` file, a code page or an XML header claims; it decides only where the bytes do not.

    Returns
    -------
    Found
        With a note when the label and the bytes disagree.

    Examples
    --------
    >>> find(["黑龙江省".encode("gbk")], "UTF-8").label
    'GB18030'
    >>> find(["黑龙江省".encode()], None).label
    'UTF-8'
    """
    label_says = known(stated)
    telling = [sample for sample in samples if any(byte > 0x7F for byte in sample)][:_MOST_SAMPLES]
    if not telling:
        return Found(label_says or "utf-8", 1.0)
    fits = {name: _fit(telling, name) for name in _CANDIDATES}
    if label_says is not None and label_says not in fits:
        fits[label_says] = _fit(telling, label_says)
    best = _best(fits, label_says)
    note = None
    if label_says is not None and label_says.replace("-sig", "") != best:
        note = f"文件自称编码为 {stated}，但按此解码不成汉字，已按 {label(best)} 读取，请核对几个地名。"
    return Found(best, fits[best][0] if best in fits else 0.0, note)


def _best(fits: dict[str, tuple[float, float]], label_says: str | None) -> str:
    utf8_share, utf8_look = fits["utf-8"]
    if utf8_share >= 0.99 and (utf8_look >= 0.3 or fits["gb18030"][0] < 0.99 or fits["gb18030"][1] <= utf8_look):
        return "utf-8"
    ranked = {name: share + look for name, (share, look) in fits.items() if share > 0.5}
    if label_says in ranked:
        ranked[label_says] += 0.1
    if "big5" in ranked:
        ranked["big5"] -= 0.05
    if not ranked:
        return "latin-1"
    return max(ranked, key=lambda name: ranked[name])


def decode(data: bytes, given: str | None = None, stated: str | None = None) -> tuple[str, Found]:
    """Decode a whole text file; characters that cannot be decoded become U+FFFD and are counted in the note.

    Raises
    ------
    InputError
        When the encoding a person gave does not exist.

    Examples
    --------
    >>> decode("村名,人口".encode("gb18030"))[0]
    '村名,人口'
    """
    if given is not None:
        codec = known(given)
        if codec is None:
            raise InputError(f"不认识的编码“{given}”。可用：UTF-8、GBK、GB18030、Big5、UTF-16。")
        found = Found(codec, 1.0)
    else:
        found = _of_file(data, stated)
    codec = "utf-8-sig" if found.encoding == "utf-8" else found.encoding
    text = data.decode(codec, errors="replace")
    broken = text.count("\ufffd")
    if broken:
        worse = f"有 {broken} 处字节不能按 {found.label} 解码，已用“\ufffd”标出，请核对编码或修正原文件。"
        found = Found(found.encoding, found.share, f"{found.note or ''}{worse}")
    return text, found


def _of_file(data: bytes, stated: str | None) -> Found:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Found(encoding, 1.0)
    head = data[:4096]
    if head.count(b"\x00") > len(head) // 5:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return Found("utf-16-le" if odd > even else "utf-16-be", 1.0)
    return find(data[:8_000_000].splitlines(), stated)
