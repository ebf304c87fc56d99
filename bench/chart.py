# SPDX-License-Identifier: GPL-2.0-or-later
"""chart.py - how long each handler held the process, as bars: one SVG, light and dark."""
from xml.sax.saxutils import escape

WIDTH, LABEL, BAR, GAP, TITLE = 760, 150, 20, 6, 34
COLOURS = {'inquest': '#1f7a5c', 'drain': '#8a94a0'}
OTHER = '#c0762b'
STYLE = '''
text { font: 13px system-ui, sans-serif; fill: #1c2024 }
.case { font-weight: 600 }
.note { fill: #5b6570; font-size: 12px }
@media (prefers-color-scheme: dark) { text { fill: #e6e8ea } .note { fill: #9aa4ae } }
'''


def colour(name):
    return next((value for key, value in COLOURS.items() if name.startswith(key)), OTHER)


def shown(seconds):
    return f'{seconds:.2f} s' if seconds >= 1 else f'{seconds * 1e3:.0f} ms'


def draw_case(case, held, top):
    """The bars of one victim, the longest as wide as there is room. Returns lines and height."""
    known = {name: value for name, value in held.items() if value}
    room = WIDTH - LABEL - 150
    longest = max(known.values(), default=1)
    drain = known.get('drain')
    lines = [f'<text class="case" x="0" y="{top + 20}">{escape(case)}</text>']
    y = top + TITLE
    for name, value in known.items():
        width = max(1.5, value / longest * room)
        ratio = f' · {value / drain:.2f} × drain' if drain and name != 'drain' else ''
        lines += [f'<text x="{LABEL - 10}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
                  f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" '
                  f'fill="{colour(name)}"/>',
                  f'<text class="note" x="{LABEL + width + 8:.1f}" y="{y + 15}">'
                  f'{shown(value)}{ratio}</text>']
        y += BAR + GAP
    return lines, y - top + GAP


def write(path, summary):
    """`summary`: for each case, the median seconds each handler held the process."""
    lines, top = [], 26
    for case, held in summary.items():
        drawn, height = draw_case(case, held, top)
        lines += drawn
        top += height
    title = 'How long a crashed process is held (median; less is better)'
    with open(path, 'w') as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
                   f'width="{WIDTH}" height="{top}" role="img" aria-label="{title}">\n'
                   f'<style>{STYLE}</style>\n<text class="note" x="0" y="14">{title}</text>\n'
                   + '\n'.join(lines) + '\n</svg>\n')
