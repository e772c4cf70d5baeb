"""svg.py - what tmux captures with colours (capture-pane -e) as an SVG of a terminal."""
import html
import re
import unicodedata

CELL_X, CELL_Y, SIZE, EDGE = 7.8, 17, 13, 12
PALETTE = ["#1d1f21", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d0d4da",
           "#7a808a", "#ff7b86", "#b5e890", "#ffd88a", "#82c4ff", "#dd9bf0", "#7fd6e2", "#ffffff"]
GROUNDS = {1: "#8c2f39", 3: "#c9a227", 4: "#2b4a77", 6: "#2f7f8c"}  # under white or black text
FOREGROUND, BACKGROUND = "#d0d4da", "#16181c"
FONT = "ui-monospace,DejaVu Sans Mono,Menlo,Consolas,monospace"
SEQUENCE = re.compile(r"\x1b\[([\d;:]*)m|\x1b\(.|[\x0e\x0f]|(.)")


class Look:
    def __init__(self):
        self.reset()

    def reset(self):
        self.front = self.ground = None
        self.bold = self.dim = self.reverse = self.underline = False

    def take(self, code):
        numbers = [int(part or 0) for part in re.split("[;:]", code)]
        while numbers:
            number = numbers.pop(0)
            if number == 0:
                self.reset()
            elif number in (38, 48) and numbers[:1] == [5]:
                self.set_color(number == 48, numbers[1])
                del numbers[:2]
            elif number in (39, 49):
                self.set_color(number == 49, None)
            elif number // 10 in (3, 4) and number % 10 < 8:
                self.set_color(number // 10 == 4, number % 10)
            elif number // 10 in (9, 10) and number % 10 < 8:
                self.set_color(number // 10 == 10, number % 10 + 8)
            else:
                self.set_attribute(number)

    def set_color(self, is_ground, index):
        if is_ground:
            self.ground = index
        else:
            self.front = index

    def set_attribute(self, number):
        names = {1: ("bold", True), 2: ("dim", True), 4: ("underline", True), 7: ("reverse", True),
                 24: ("underline", False), 27: ("reverse", False)}
        if number == 22:
            self.bold = self.dim = False
        elif number in names:
            setattr(self, *names[number])

    def shown(self):
        """(colour, ground or None, is_bold, is_underlined)"""
        front = PALETTE[self.front] if self.front is not None and self.front < 16 else FOREGROUND
        ground = GROUNDS.get(self.ground, PALETTE[self.ground]) if self.ground is not None and self.ground < 16 else None
        if self.dim and self.front is None:
            front = PALETTE[8]
        if self.reverse:
            front, ground = ground or BACKGROUND, front
        return front, ground, self.bold, self.underline


def cells(line):
    """(character, look) of a line with its escape sequences taken in."""
    look = Look()
    for code, character in SEQUENCE.findall(line):
        if character:
            yield character, look.shown()
        else:
            look.take(code)


def width_of(character):
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def runs_of(line):
    """(first column, columns, text, look) of what looks alike and is equally wide."""
    runs, column = [], 0
    for character, look in cells(line):
        width = width_of(character)
        last = runs[-1] if runs else None
        if last and (width == 0 or last[3] == look and last[4] == width):
            last[1], last[2] = last[1] + width, last[2] + character
        else:
            runs.append([column, width, character, look, width])
        column += width
    return [run[:4] for run in runs]


def draw(lines, columns, label):
    width, height = columns * CELL_X + 2 * EDGE, len(lines) * CELL_Y + 2 * EDGE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
           f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{html.escape(label)}">',
           f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
           f'<g font-family="{FONT}" font-size="{SIZE}" xml:space="preserve">']
    for row, line in enumerate(lines):
        for begin, count, text, (color, ground, bold, underline) in runs_of(line):
            x, y = EDGE + begin * CELL_X, EDGE + row * CELL_Y
            if ground:
                out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{count * CELL_X + 0.3:.1f}" height="{CELL_Y + 0.3:.1f}" '
                           f'fill="{ground}"/>')
            if not text.strip():
                continue
            more = (' font-weight="bold"' if bold else "") + (' text-decoration="underline"' if underline else "")
            out.append(f'<text x="{x:.1f}" y="{y + 0.8 * CELL_Y:.1f}" fill="{color}"{more} '
                       f'textLength="{count * CELL_X:.1f}" lengthAdjust="spacingAndGlyphs">{html.escape(text)}</text>')
    return "\n".join(out + ["</g>", "</svg>", ""])
