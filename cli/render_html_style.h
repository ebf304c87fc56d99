/* SPDX-License-Identifier: GPL-2.0-or-later */
/* render_html_style.h - how the page of render_html.c looks: light, dark and printed. */
#pragma once

// clang-format off
#define RENDER_HTML_STYLE \
    ":root{color-scheme:light dark;--paper:#f5f4f0;--card:#fff;--ink:#22252a;--dim:#6d727a;" \
    "--line:#e3e1da;--accent:#b4232a;--tint:#fbeceb;--file:#0b5c8a;--warn:#8a5a00;--soft:#f0eee8}\n" \
    "@media(prefers-color-scheme:dark){:root{--paper:#131519;--card:#1b1e24;--ink:#e4e6ea;" \
    "--dim:#949aa5;--line:#2c3038;--accent:#ff8f86;--tint:#33201f;--file:#82c4ee;--warn:#e6b455;" \
    "--soft:#23272e}}\n" \
    "*{box-sizing:border-box}\n" \
    "body{margin:0;background:var(--paper);color:var(--ink);" \
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",\"Noto Sans\",\"Liberation Sans\",sans-serif}\n" \
    "code,pre,.stack,.registers,.modules,.facts td,.cards dd,.tids" \
    "{font-family:ui-monospace,\"SF Mono\",\"Cascadia Mono\",\"DejaVu Sans Mono\",Menlo,monospace;" \
    "font-size:13.5px}\n" \
    "code{font-size:inherit}\n" \
    "main{max-width:68rem;margin:0 auto;padding:2.5rem 1.25rem 1rem}\n" \
    "header{margin-bottom:2rem}\n" \
    ".kicker{display:flex;flex-wrap:wrap;gap:.35rem .9rem;align-items:center;margin:0 0 .9rem;" \
    "color:var(--dim)}\n" \
    ".kicker .program{color:var(--ink)}\n" \
    ".pill{background:var(--accent);color:var(--card);border-radius:99px;padding:.1rem .75rem;" \
    "font-size:.8rem;font-weight:650;letter-spacing:.04em}\n" \
    "h1{font-size:clamp(1.45rem,3.4vw,2.1rem);line-height:1.25;font-weight:650;margin:0;" \
    "letter-spacing:-.012em;text-wrap:balance;overflow-wrap:anywhere}\n" \
    ".where{color:var(--dim);margin:.5rem 0 0;overflow-wrap:anywhere}\n" \
    ".where code{color:var(--accent);font-size:.95em}\n" \
    ".details{margin:.9rem 0 0;padding-left:1.1rem;color:var(--dim)}\n" \
    ".message{background:var(--tint);border-left:3px solid var(--accent);border-radius:0 8px 8px 0;" \
    "padding:.7rem 1rem;margin:1rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere}\n" \
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1px;" \
    "margin:1.6rem 0 0;background:var(--card);border:1px solid var(--line);border-radius:12px;" \
    "overflow:hidden}\n" \
    ".cards div{box-shadow:0 0 0 1px var(--line);padding:.7rem 1rem}\n" \
    "dt{color:var(--dim);font-size:.75rem}\n" \
    "dd{margin:.1rem 0 0;overflow-wrap:anywhere}\n" \
    "section{margin:2.2rem 0}\n" \
    "h2{font-size:1.05rem;font-weight:650;margin:0 0 .7rem}\n" \
    "h2 small{font-weight:400;color:var(--dim);margin-left:.4rem}\n" \
    ".stack{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);" \
    "border-radius:12px;overflow:hidden;border-spacing:0;border-collapse:separate}\n" \
    ".stack td{padding:.42rem .6rem;vertical-align:top;border-top:1px solid var(--line);" \
    "overflow-wrap:anywhere}\n" \
    ".stack tr:first-child td{border-top:0}\n" \
    ".stack td:first-child{width:1%;white-space:nowrap;text-align:right;color:var(--dim);" \
    "padding-left:1rem;user-select:none}\n" \
    ".stack td:last-child{width:34%;padding-right:1rem}\n" \
    ".stack .marked td{background:var(--tint)}\n" \
    ".stack .marked td:first-child{box-shadow:inset 3px 0 var(--accent)}\n" \
    ".stack .marked code{color:var(--accent);font-weight:600}\n" \
    ".stack .guess code{color:var(--dim)}\n" \
    ".stack .gap td{color:var(--dim);font-style:italic;width:auto}\n" \
    ".file{color:var(--file);margin-right:.7rem}\n" \
    ".file b{font-weight:600}.file i{font-style:normal;opacity:.65}\n" \
    ".module,.dim{color:var(--dim)}\n" \
    "em{font:italic 400 .78rem system-ui,sans-serif;color:var(--dim);white-space:nowrap}\n" \
    "em.warn{color:var(--warn);font-style:normal;border:1px solid currentColor;border-radius:99px;" \
    "padding:0 .45rem}\n" \
    "details{background:var(--card);border:1px solid var(--line);border-radius:12px;" \
    "margin:.5rem 0;overflow:hidden}\n" \
    "summary{cursor:pointer;padding:.6rem 1rem;overflow-wrap:anywhere}\n" \
    "summary:hover{background:var(--soft)}\n" \
    "summary:focus-visible{outline:2px solid var(--file);outline-offset:-2px}\n" \
    "summary b{font-weight:600}\n" \
    "summary .name{color:var(--dim);margin:0 .5rem 0 .3rem}\n" \
    "summary code{font-size:13px}\n" \
    "details .stack{border-width:1px 0 0;border-radius:0}\n" \
    ".tids{margin:0;padding:.2rem 1rem .7rem;color:var(--dim)}\n" \
    ".registers{display:grid;grid-template-columns:repeat(auto-fill,minmax(12.5rem,1fr));" \
    "gap:.2rem 1rem;margin:0;padding:.6rem 1rem 1rem;border-top:1px solid var(--line)}\n" \
    ".registers div{display:flex;gap:.7rem}.registers dt{min-width:3.6rem;font-size:inherit}\n" \
    ".registers dd{margin:0}\n" \
    ".notes{color:var(--warn)}.notes ul{margin:0;padding-left:1.1rem}\n" \
    ".wide{overflow-x:auto}\n" \
    ".modules,.facts{border-collapse:collapse;width:100%}\n" \
    ".modules td,.modules th,.facts td,.facts th{padding:.35rem .6rem;text-align:left;" \
    "vertical-align:top;border-top:1px solid var(--line)}\n" \
    ".modules td{white-space:nowrap}\n" \
    ".modules th{color:var(--dim);font:400 .75rem system-ui,sans-serif}\n" \
    ".facts th{color:var(--dim);font-weight:400;font-size:.85rem;width:11rem}\n" \
    ".facts td{overflow-wrap:anywhere}\n" \
    ".facts details{border:0;margin:0;border-radius:0}.facts summary{padding:0}\n" \
    ".modules tr>:first-child,.facts tr>:first-child{padding-left:1rem}\n" \
    "pre{margin:.4rem 0;white-space:pre-wrap;overflow-wrap:anywhere}\n" \
    ".facts pre{max-height:24rem;overflow:auto}\n" \
    "footer{max-width:68rem;margin:0 auto;padding:0 1.25rem 2.5rem;color:var(--dim);" \
    "font-size:.8rem}\n" \
    "@media(max-width:40rem){.stack td:last-child{display:block;width:auto;" \
    "padding:0 1rem .5rem 2.9rem;border-top:0}.stack tr{display:block}" \
    ".stack td:nth-child(-n+2){display:inline-block;width:auto;border-top:0}" \
    ".stack td:nth-child(2){max-width:calc(100% - 3.2rem)}}\n" \
    "@media print{body{background:#fff}details:not([open]){display:none}}\n"
// clang-format on
