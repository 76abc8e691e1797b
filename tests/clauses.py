"""Find a clause in a policy document by its number, whatever style the document numbers by."""

import re
import unicodedata

NUMERALS = "一二三四五六七八九十"
CHAPTER = re.compile(r"^([一二三四五六七八九十]+)、")
SECTION = re.compile(r"^\(([一二三四五六七八九十]+)\)")
ITEM = re.compile(r"^(\d{1,2})[.、](?!\d)")
SAME = str.maketrans({"臵": "置", "∶": ":", "„": "〔", "‟": "〕", "峯": "峄", "峰": "峄", "<": "(", ">": ")"})


def plain(text: str) -> str:
    """Text without spaces, line breaks and mark-up, with one form for every bracket, colon and odd character."""
    return re.sub(r"[\s*#]", "", unicodedata.normalize("NFKC", text).translate(SAME))


def clauses(text: str) -> dict[str, str]:
    """Clause number -> plain text: "三", "三(五)", "三(五)1", "三-15" (running in a chapter), "§11", "二(五)¶1"."""
    found: dict[str, str] = {}
    chapter = section = ""
    item = running = paragraph = 0
    for raw in text.splitlines():
        line = plain(raw)
        if not line:
            continue
        head, part, number = CHAPTER.match(line), SECTION.match(line), ITEM.match(line)
        if head and _next(chapter) == head[1]:
            chapter, section, item, paragraph = head[1], "", 0, 0
        elif part and _next(section) == part[1]:
            section, item, paragraph = part[1], 0, 0
        else:
            paragraph += 1
            if number and int(number[1]) in (1, running + 1, item + 1):
                item = running = int(number[1])
        inside = f"{chapter}({section})"
        keys = [chapter, inside if section else ""]
        if section and paragraph:
            keys.append(f"{inside}¶{paragraph}")
        if item:
            keys += [f"{inside}{item}" if section else f"{chapter}{item}", f"{chapter}-{running}", f"§{running}"]
        for key in keys:
            if key:
                found[key] = found.get(key, "") + line
    return found


def parents(reference: str) -> list[str]:
    """The clause itself and those it stands in, nearest first."""
    steps = [reference]
    if match := re.match(r"^(.+\))[\d¶]", reference):
        steps.append(match[1])
    if match := re.match(r"^([一二三四五六七八九十]+)[(-]", reference):
        steps.append(match[1])
    return steps


def _next(numeral: str) -> str:
    return NUMERALS[NUMERALS.index(numeral) + 1] if numeral else "一"
