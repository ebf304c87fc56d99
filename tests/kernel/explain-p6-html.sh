#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain-p6-html - the page of a real crash is whole, asks for nothing, and a browser shows it light
# and dark.
. "$(dirname "$0")/../lib.sh"
needs_kernel
config </dev/null

crash_it() {
    crash threads "$VICTIMS/threads" 12
}
with_hook crash_it
wait_listed threads || fail "explain-p6-html: listed"
wait_idle 60
id=$(listed threads id)
page=$T/page.html

ok "explain-p6-html: exported" inquest export --format html -o "$page" "$id"
is "explain-p6-html: begins as HTML" "$(head -c 15 "$page")" "<!DOCTYPE html>"
is "explain-p6-html: ends as HTML" "$(tail -n 1 "$page")" "</html>"
! grep -qE '(src|href|url)=|url\(|@import|https?://|<script|<link|<iframe' "$page"
is "explain-p6-html: it asks for nothing and runs nothing" $? 0
ok "explain-p6-html: elements are balanced" python3 - "$page" <<'PYTHON'
import html.parser, sys

class Balance(html.parser.HTMLParser):
    void = {"meta", "br"}
    open = []
    def handle_starttag(self, tag, attributes):
        if tag not in self.void:
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open, tag, self.getpos())
        self.open.pop()

balance = Balance()
balance.feed(open(sys.argv[1], encoding="utf-8").read())
assert not balance.open, balance.open
PYTHON
inquest bt --json "$id" >"$T/bt"
reason=$(jq -r .reason "$T/bt" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g; s/'"'"'/\&#39;/g')
ok "explain-p6-html: the reason is on it" grep -qF "$reason" "$page"
is "explain-p6-html: frames of each stack are on it" \
    "$(grep -c '<tr class="[a-z ]*"><td>[0-9]' "$page")" \
    "$(jq '[.threads[] | {s: [.frames[] | .pc, .function], crashed}] |
           ([.[] | select(.crashed)] + ([.[] | select(.crashed | not)] | unique)) |
           [.[].s | length / 2] | add' "$T/bt")"

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    skip "explain-p6-html: a browser shows it" "no chromium here"
    finish
    exit
}

shoot() { # NAME [OPTION…]
    local name=$1
    shift
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --hide-scrollbars --window-size=1200,1400 --user-data-dir="$T/browser.$name" "$@" \
        --screenshot="$T/$name.png" "file://$page" >"$T/browser.log" 2>&1
}

# The mean of a PNG's bytes of colour: of 8 bits a channel, not interlaced, as browsers write it.
brightness() { # FILE
    python3 - "$1" <<'PYTHON'
import struct, sys, zlib

data = open(sys.argv[1], "rb").read()
at, pixels = 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + size]
    if kind == b"IHDR":
        width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
        assert depth == 8 and not interlaced
        step = {2: 3, 6: 4}[colour]
    if kind == b"IDAT":
        pixels += body
    at += 12 + size
pixels = zlib.decompress(pixels)
before, total, count = bytearray(width * step), 0, 0
for y in range(height):
    start = y * (width * step + 1)
    filter, line = pixels[start], bytearray(pixels[start + 1:start + 1 + width * step])
    for x in range(len(line)):
        left = line[x - step] if x >= step else 0
        corner = before[x - step] if x >= step else 0
        up = before[x]
        if filter == 1:
            guess = left
        elif filter == 2:
            guess = up
        elif filter == 3:
            guess = (left + up) // 2
        elif filter == 4:
            p = left + up - corner
            guess = min((left, up, corner), key=lambda v: abs(p - v))
        else:
            guess = 0
        line[x] = (line[x] + guess) & 255
    before = line
    if y % 7 == 0:
        total += sum(line[c] for c in range(0, len(line), step))
        count += width
print(total // count)
PYTHON
}

ok "explain-p6-html: a browser shows it, light" shoot light
ok "explain-p6-html: and dark" shoot dark --force-dark-mode --blink-settings=preferredColorScheme=0
light=$(brightness "$T/light.png") dark=$(brightness "$T/dark.png")
[ "$light" -gt 200 ] && [ "$light" -lt 254 ]
is "explain-p6-html: light is light, and not empty ($light)" $? 0
[ "$dark" -gt 15 ] && [ "$dark" -lt 70 ]
is "explain-p6-html: dark is dark, and not empty ($dark)" $? 0
finish
