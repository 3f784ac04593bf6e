// The contact sheet of the example thumbnails, looked at in a browser. Arguments: the program, and chromedriver.
import { execFile } from 'node:child_process'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { noise, png } from './png.mjs'
import { until } from './browser.mjs'
import { check, foreignElements, isHardToRead, isSame, list, testPage } from './page.mjs'

const [program, driver] = process.argv.slice(2)

// Names are bytes; here each is one of latin1.
const text = Buffer.from('This is no picture.\n')
const markup = '<img src=x onerror=alert(1)>', notUtf8 = 'caf\xe9'
const long = 'a very long name '.repeat(14) + 'twice'
const pictures = [
    { folder: '', name: 'picture 10.png', width: 300, height: 200 },
    { folder: '', name: 'picture 2.png', width: 90, height: 60, noise },
    { folder: '', name: 'two  spaces.png', width: 600, height: 400 },
    { folder: '', name: '\'single\' and "double" quotes.png', width: 200, height: 300 },
    { folder: '', name: '"><script>alert(1)<script>.png', width: 310, height: 200 },
    { folder: '', name: '" onload="alert(1)" x=".png', width: 320, height: 200 },
    { folder: '', name: '%41#?.jpg', width: 330, height: 200 },
    { folder: '', name: '&lt;b&gt;&amp;.png', width: 340, height: 200 },
    { folder: '', name: long + '.png', width: 350, height: 200 },
    { folder: '', name: 'x'.repeat(251) + '.png', width: 50, height: 400 },
    { folder: markup, name: 'tower.png', width: 1, height: 700 },
    { folder: markup, name: 'strip.png', width: 800, height: 1 },
    { folder: notUtf8, name: '\xff\xfe.png', shown: '\\xff\\xfe.png', width: 360, height: 200 },
    { folder: notUtf8, name: 'new\nline.png', shown: 'new\\x0aline.png', width: 150, height: 150, noise },
]
const failures = [
    { folder: '', name: 'empty.jpg', content: Buffer.alloc(0), why: 'the file is empty' },
    { folder: '', name: 'cut off.png', content: png(200, 150, noise).subarray(0, 9000), why: 'damaged PNG' },
    { folder: '', name: '<script>alert(2)<script>.jpg', content: text, why: 'not that of a picture' },
    { folder: '', name: long + '.jpg', content: text, why: 'not that of a picture' },
    { folder: notUtf8, name: 'b\xe4d.gif', shown: 'caf\\xe9/b\\xe4d.gif', content: text, why: 'not that of a picture' },
]
const shown = (one) => one.shown ?? one.name
const names = (some) => some.map(shown)

function named(name) {
    const found = pictures.find((one) => shown(one) === name)
    if (!found)
        throw new Error(`no picture is called ${list([name])}`)
    return found
}

function makeFiles(folder) {
    for (const each of [...pictures, ...failures]) {
        const place = Buffer.concat([Buffer.from(folder + '/'), Buffer.from(each.folder, 'latin1')])
        mkdirSync(place, { recursive: true })
        each.file = Buffer.concat([place, Buffer.from('/' + each.name, 'latin1')])
        writeFileSync(each.file, each.content ?? png(each.width, each.height, each.noise))
        each.bytes = statSync(each.file).size
        each.pixels = each.width * each.height
    }
}

function runProgram(...args) {
    return new Promise((resolve, reject) => execFile(program, args, (error, output, errors) => {
        const status = error?.code ?? error?.signal ?? 0
        if (status === 1)
            resolve()
        else
            reject(new Error(`thumbnails ended with ${status}, not 1: ${errors}`))
    }))
}

// What follows runs in the page, and gives a line for whatever is wrong.

function isClipped() {
    const page = document.documentElement
    const wrong = page.scrollWidth <= innerWidth ? [] : [`the page is ${page.scrollWidth} pixels wide`]
    for (const figure of document.querySelectorAll('figure')) {
        const frame = figure.getBoundingClientRect()
        for (const each of [figure, ...figure.querySelectorAll('*')]) {
            if (!each.checkVisibility())
                continue
            const box = each.getBoundingClientRect(), isInline = each.clientWidth === 0
            const isInside = box.left > frame.left - 1 && box.right < frame.right + 1 && box.top > frame.top - 1 &&
                box.bottom < frame.bottom + 1 && frame.left >= 0 && frame.right <= innerWidth
            const isWhole = isInline || each.scrollWidth <= each.clientWidth && each.scrollHeight <= each.clientHeight
            if (!isInside || !isWhole || box.width < 1 || box.height < 1)
                wrong.push(`${each.localName} of ${figure.querySelector('bdi').textContent.slice(0, 40)} is clipped`)
        }
    }
    return wrong
}

const namesInPage = () => [...document.querySelectorAll('figure')].filter((each) => each.checkVisibility())
    .map((each) => each.querySelector('bdi').innerText)
const failuresInPage = () => [...document.querySelectorAll('.failures li')].filter((each) => each.checkVisibility())
    .map((each) => [...each.children].map((part) => part.innerText))
const isEachLoaded = () => [...document.images].every((each) => each.complete)
const brokenImages = () => [...document.images].filter((each) => each.naturalWidth === 0).map((each) => each.src)

// The tests.

const elements = 'html head meta title style body header h1 h2 p a div label span input select option output ' +
    'section figure img figcaption b bdi ul li script'
const texts = 'h1 bdi, .summary, h2, label span, figcaption *, .failures li > *'
const sorted = (some) => [...some].sort()

async function lookAt(browser, page, width, colours) {
    const where = `at ${width} pixels, ${colours}: `
    await browser.devtools('Emulation.setEmulatedMedia',
        { features: [{ name: 'prefers-color-scheme', value: colours }] })
    await browser.resize(width, 12_000) // high enough for all pictures to be in sight, since others are not loaded
    await browser.open(page)
    await until('all thumbnails are loaded', () => browser.run(isEachLoaded))
    for (const each of await browser.look(brokenImages))
        check(false, `${where}${each} does not load`)
    const wrong = [await browser.look(isClipped), await browser.look(isHardToRead, texts),
        await browser.look(foreignElements, elements, 1)]
    for (const each of wrong.flat())
        check(false, where + each)
    const seen = await browser.look(namesInPage)
    check(isSame(sorted(seen), sorted(names(pictures))), `${where}the names shown are ${list(seen)}`)
    const found = await browser.look(failuresInPage)
    check(found.length === failures.length, `${where}${found.length} failures are shown, not ${failures.length}`)
    for (const each of failures)
        check(found.some(([name, why]) => name === shown(each) && why.includes(each.why)),
            `${where}the failure of ${list([shown(each)])} is not shown`)
}

// The browser must find behind each link the picture that the name tells.
async function followLinks(browser, page) {
    await browser.open(page)
    const links = await browser.look(() => [...document.querySelectorAll('figure')].map((each) =>
        [each.querySelector('bdi').innerText, each.querySelector('a').href]))
    for (const [name, link] of links) {
        await browser.open(link)
        const size = await browser.run(() => [document.images[0]?.naturalWidth, document.images[0]?.naturalHeight])
        const { width, height } = named(name)
        check(isSame(size, [width, height]), `the link of ${list([name])} leads elsewhere: ${link}`)
    }
}

const tab = '\uE004', down = '\uE015', back = '\uE003'

async function goTo(browser, element) {
    await browser.run(() => document.querySelector('.summary a').focus())
    for (let i = 0; i < 3; ++i) {
        await browser.press(tab)
        if (await browser.run(() => document.activeElement.localName) === element)
            return
    }
    throw new Error(`the key Tab does not lead to ${element}`)
}

async function sort(browser) {
    const numbers = new Intl.Collator('en', { numeric: true })
    const orders = {
        'name': (one, other) => numbers.compare(shown(one), shown(other)),
        'name-down': (one, other) => numbers.compare(shown(other), shown(one)),
        'bytes-down': (one, other) => other.bytes - one.bytes,
        'bytes': (one, other) => one.bytes - other.bytes,
        'pixels-down': (one, other) => other.pixels - one.pixels,
        'pixels': (one, other) => one.pixels - other.pixels,
    }
    const asFound = await browser.look(namesInPage)
    const inOrder = (seen, order) => seen.length === pictures.length && seen.every((name, i) =>
        i === 0 || order(named(seen[i - 1]), named(name)) <= 0)
    await goTo(browser, 'select')
    for (const [value, order] of Object.entries(orders)) {
        await browser.press(down)
        await until(`the key Down chooses ${value}`, async () =>
            await browser.run(() => document.querySelector('select').value) === value)
        const seen = await browser.look(namesInPage)
        check(inOrder(seen, order), `the order ${value} is ${list(seen)}`)
        for (const each of await browser.look(isClipped))
            check(false, `in the order ${value}: ${each}`)
    }
    await browser.press(...'Folder') // as one chooses by typing
    await until('all is folder by folder again', async () => isSame(await browser.look(namesInPage), asFound))
}

async function filter(browser) {
    const cases = [ // what is typed, pictures, failures
        ['PICTURE', ['picture 10.png', 'picture 2.png'], []],
        ['<script>', ['"><script>alert(1)<script>.png'], ['<script>alert(2)<script>.jpg']],
        ['\\xff', ['\\xff\\xfe.png'], []],
        ['onerror tower', ['tower.png'], []],
        ['empty', [], ['empty.jpg']],
        ['no such name', [], []],
    ]
    await goTo(browser, 'input')
    for (const [typed, ...expected] of cases) {
        await browser.press(...typed)
        const count = `${expected.flat().length} of ${pictures.length + failures.length}`
        await until(`the filter ${typed} shows ${count}`, async () =>
            await browser.run(() => document.querySelector('output').value) === count)
        const seen = [await browser.look(namesInPage), (await browser.look(failuresInPage)).map(([name]) => name)]
        check(isSame(seen.map(sorted), expected), `the filter ${typed} shows ${list(seen.flat())}`)
        const empty = await browser.look(() => [...document.querySelectorAll('h2')].filter((each) =>
            each.checkVisibility() && !each.parentElement.innerText.includes('.')).map((each) => each.innerText))
        check(empty.length === 0, `the filter ${typed} leaves the headings ${list(empty)} alone`)
        await browser.press(...Array(typed.length).fill(back))
        await until(`without the filter ${typed} all is shown`, async () =>
            (await browser.look(namesInPage)).length === pictures.length)
    }
}

async function withoutScript(browser, page) {
    await browser.devtools('Emulation.setScriptExecutionDisabled', { value: true })
    await browser.open(page)
    check((await browser.run(namesInPage)).length === pictures.length, 'without JavaScript pictures are missing')
    check(await browser.run(() => !document.querySelector('input').checkVisibility()),
        'without JavaScript there are controls that do nothing')
    await browser.devtools('Emulation.setScriptExecutionDisabled', { value: false })
}

async function test(browser, page) {
    for (const width of [400, 1600]) {
        for (const colours of ['light', 'dark'])
            await lookAt(browser, page, width, colours)
        await sort(browser)
        await filter(browser)
    }
    const said = await browser.dialog()
    check(said === undefined, 'a script ran and said ' + said)
    await withoutScript(browser, page)
    await followLinks(browser, page)
}

async function makeSheet(folder) {
    const sheet = join(folder, 'a sheet\'s "#1?" %41')
    makeFiles(join(folder, '<b>pictures<b>'))
    await runProgram(join(folder, '<b>pictures<b>'), '--output', sheet)
    return pathToFileURL(join(sheet, 'contact.html'))
}

testPage('sheet', driver, makeSheet, test)
