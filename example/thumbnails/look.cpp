#include "look.hpp"

// Rows are filled as a page is with words: a picture grows from the width that gives it the common height, in
// proportion to its shape, so that all pictures of a row remain of one height. Names are never cut: two that differ
// only at their ends shall look different.
char const sheet_style[] = R"css(
:root { color-scheme: light dark; --paper: #f6f5f2; --ink: #1d1c1a; --quiet: #68655e; --line: #e2dfd8; --card: #fff;
        --edge: #8c897f; --focus: #1f5fbf; --shade: 0 1px 2px #0001, 0 4px 14px #0000000d; --bad: #b3261e;
        --height: 200px; --margin: clamp(1rem, 3vw, 3rem); }
@media (prefers-color-scheme: dark) {
    :root { --paper: #161617; --ink: #ececea; --quiet: #a09e97; --line: #2b2b2c; --card: #212123; --edge: #77757a;
            --focus: #8ab4f8; --shade: 0 1px 2px #0006; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0 auto; max-width: 1800px; padding: var(--margin); background: var(--paper); color: var(--ink);
       font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
bdi { white-space: pre-wrap; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: clamp(1.5rem, 3vw, 2.1rem); font-weight: 650; letter-spacing: -.02em; }
h2 { margin: 2.2rem 0 .8rem; font-size: 1.02rem; font-weight: 600; }
h2 span, .summary, .details, .folder { color: var(--quiet); font-weight: 400; font-variant-numeric: tabular-nums; }
h2 span { margin-left: .5em; }
.summary { margin: .35rem 0 0; }
.summary a { color: var(--bad); }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1.2rem; background: var(--paper);
            margin: .9rem calc(-1 * var(--margin)) -.7rem; padding: .6rem var(--margin); }
.controls label { display: flex; align-items: center; gap: .5rem; color: var(--quiet); }
input, select { min-width: 0; padding: .4rem .6rem; border: 1px solid var(--edge); border-radius: 8px;
                background: var(--card); color: var(--ink); font: inherit; }
input { width: 15rem; }
output { color: var(--quiet); font-variant-numeric: tabular-nums; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
.row { display: flex; flex-wrap: wrap; gap: 14px; }
.row:first-child { margin-top: 1.5rem; }
.row::after { content: ""; flex-grow: 1000; }
figure { margin: 0; flex: var(--shape) 1 calc(var(--shape) * var(--height)); min-width: 6rem;
         max-width: calc(2.2 * var(--shape) * var(--height)); border-radius: 10px; overflow: hidden;
         background: var(--card); box-shadow: var(--shade); transition: transform .15s ease;
         content-visibility: auto; contain-intrinsic-size: auto 260px; }
figure:hover { transform: translateY(-2px); }
figure a { display: block; aspect-ratio: var(--shape); }
figure a:focus-visible { outline-width: 3px; outline-offset: -3px; }
img { display: block; width: 100%; height: 100%; object-fit: contain; }
img.small { object-fit: scale-down; }
img.see-through { background: repeating-conic-gradient(#a3a8ae 0 25%, #989da3 0 50%) 0 0 / 20px 20px; }
figcaption { padding: .5rem .7rem .6rem; font-size: .82rem; overflow-wrap: anywhere; }
figcaption b { display: block; font-weight: 550; }
.details span { display: inline-block; }
.details span:first-child::after { content: " ·"; }
.row .folder { display: none; }
.of-all .folder { display: block; }
.failures { border-top: 1px solid var(--line); margin-top: 2.5rem; }
.failures h2 { color: var(--bad); }
.failures ul { list-style: none; margin: 0; padding: 0; }
.failures li { display: grid; grid-template-columns: minmax(8rem, 2fr) 3fr; gap: 1.2rem; padding: .5rem 0;
               border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.failures li:first-child { border-top: 0; }
.failures li span { color: var(--quiet); }
@media (min-width: 601px) { .controls { position: sticky; top: 0; z-index: 1; } section { scroll-margin-top: 3.5rem; } }
@media (max-width: 600px) {
    :root { --height: 130px; }
    .controls label { flex: 1 1 100%; }
    .controls label span { flex: 0 0 4rem; }
    input, select { flex: 1; }
    figcaption { padding: .4rem .5rem .5rem; }
    .failures li { grid-template-columns: 1fr; gap: .1rem; }
}
@media print {
    .controls { display: none; }
    .failures li, figure { break-inside: avoid; }
    figure { box-shadow: none; border: 1px solid var(--line); }
}
)css";

char const sheet_controls[] = R"html(<div class="controls" role="search" hidden>
<label><span>Filter</span> <input type="search" placeholder="by name" autocomplete="off" spellcheck="false"></label>
<label><span>Order</span> <select>
<option value="folder">Folder by folder</option>
<option value="name">Name, A to Z</option>
<option value="name-down">Name, Z to A</option>
<option value="bytes-down">Largest file first</option>
<option value="bytes">Smallest file first</option>
<option value="pixels-down">Most pixels first</option>
<option value="pixels">Fewest pixels first</option>
</select></label>
<output></output>
</div>
)html";

// In any order but the first the pictures of all folders are in one row, and each says from where it is.
char const sheet_script[] = R"js(
'use strict'
{
const find = (what) => document.querySelector(what)
const filter = find('.controls input'), order = find('.controls select'), output = find('.controls output')
const all = document.createElement('section'), rowOfAll = document.createElement('div')
rowOfAll.className = 'row of-all'
all.append(rowOfAll)
find('.controls').after(all)

const pictures = [...document.querySelectorAll('figure')].map((element) => {
    const row = element.parentElement, folder = row.parentElement.querySelector('h2 bdi')
    const name = element.querySelector('bdi').textContent
    if (folder) {
        const where = element.querySelector('figcaption').appendChild(folder.cloneNode(true))
        where.className = 'folder'
    }
    return { element, row, name, text: comparable((folder ? folder.textContent + '/' : '') + name),
             bytes: Number(element.dataset.bytes), pixels: Number(element.dataset.pixels) }
})
const failures = [...document.querySelectorAll('.failures li')].map((element) =>
    ({ element, text: comparable(element.querySelector('bdi').textContent) }))
const names = new Intl.Collator(undefined, { numeric: true })

function comparable(text) {
    return text.normalize('NFC').toLowerCase()
}

function sort() {
    const [by, down] = order.value.split('-')
    const upwards = (one, other) => by === 'name' ? names.compare(one.name, other.name) : one[by] - other[by]
    const sorted = by === 'folder' ? pictures : [...pictures].sort((one, other) =>
        down ? upwards(other, one) : upwards(one, other))
    for (const each of sorted)
        (by === 'folder' ? each.row : rowOfAll).append(each.element)
    show()
}

// Shows what has each of the words in its name or its folder's.
function show() {
    const words = comparable(filter.value).split(/\s+/).filter(Boolean)
    let shown = 0
    for (const each of [...pictures, ...failures]) {
        each.element.hidden = !words.every((word) => each.text.includes(word))
        shown += each.element.hidden ? 0 : 1
    }
    for (const section of document.querySelectorAll('section'))
        section.hidden = !section.querySelector('figure:not([hidden]), li:not([hidden])')
    output.value = words.length === 0 ? '' : shown + ' of ' + (pictures.length + failures.length)
}

filter.addEventListener('input', show)
order.addEventListener('change', sort)
addEventListener('pageshow', sort) // a browser that comes back to the page may have kept what was chosen
find('.controls').hidden = false
}
)js";
