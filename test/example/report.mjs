// The report of the example crashbox, looked at in a browser. Arguments: the program, and chromedriver.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { check, foreignElements, isHardToRead, isSame, list, testPage } from './page.mjs'

const [program, driver] = process.argv.slice(2)

// Names are bytes; here each is one of latin1.
const long = 'a very long name '.repeat(14)
const groups = [ // the largest first
    { title: 'by a division by zero, in (anonymous namespace)::divide(', trace: 'divide(', text: '(/ 1 0)',
        names: ['<script>alert(1)<script>', '" onload="alert(1)', 'caf\xe9', long] },
    { title: 'std::invalid_argument: stol', text: 'word', names: ['\'single\' and "double"', 'a  b'] },
    { title: 'by a jump to address 0x0', trace: 'list(', text: '(% 1)', names: ['&lt;b&gt;'] },
]
const shown = (name) => name.replace('\xe9', '\\xe9')
// The program puts them in the order of their bytes.
const inOrder = (names) => [...names].sort((one, other) => Buffer.compare(Buffer.from(one, 'latin1'), Buffer.from(other, 'latin1')))

async function makeReport(folder) {
    const files = join(folder, 'files'), output = join(folder, 'a "report" #1?')
    mkdirSync(files)
    const all = groups.flatMap(({ names, text }) => names.map((name) => [name, text]))
    all.push(['fine', '(+ 1 2)'])
    for (const [name, text] of all)
        writeFileSync(Buffer.from(files + '/' + name, 'latin1'), text)
    const names = Buffer.from(all.map(([name]) => files + '/' + name).join('\n') + '\n', 'latin1')
    const { status, stderr } = spawnSync(program, ['--output', output], { input: names })
    if (status !== 1)
        throw new Error(`crashbox ended with ${status}, not 1: ${stderr}`)
    return { folder: files, page: pathToFileURL(join(output, 'report.html')) }
}

// What follows runs in the page.

const groupsInPage = () => [...document.querySelectorAll('article')].map((each) => ({
    count: Number(each.querySelector('.count').innerText), title: each.querySelector('h2 bdi').innerText,
    first: each.querySelector('.first bdi').innerText, command: each.querySelector('code').innerText,
    trace: each.querySelector('pre')?.innerText ?? '', names: [...each.querySelectorAll('li')].map((one) => one.innerText),
    isTraceShown: each.querySelector('pre')?.checkVisibility() ?? true,
}))
const openAll = () => document.querySelectorAll('details').forEach((each) => { each.open = true })

function isClipped() {
    const page = document.documentElement
    const wrong = page.scrollWidth <= innerWidth ? [] : [`the page is ${page.scrollWidth} pixels wide`]
    for (const article of document.querySelectorAll('article')) {
        const frame = article.getBoundingClientRect()
        for (const each of article.querySelectorAll('*')) {
            if (!each.checkVisibility())
                continue
            const box = each.getBoundingClientRect(), isInline = each.clientWidth === 0
            const isInside = box.left > frame.left - 1 && box.right < frame.right + 1 && box.bottom < frame.bottom + 1
            if (!isInside || !isInline && each.scrollWidth > each.clientWidth)
                wrong.push(`${each.localName} "${each.textContent.slice(0, 40)}" is clipped`)
        }
    }
    return wrong
}

// One click takes the whole command.
function selectedByClick() {
    return getSelection().toString()
}

// The tests.

const elements = 'html head meta title style body h1 h2 p article span bdi dl dt dd code details summary pre ul li'
const texts = 'h1, .summary, h2 *, dt, dd *, summary, pre, li bdi'

async function lookAt(browser, { folder, page }, width, colours) {
    const where = `at ${width} pixels, ${colours}: `
    await browser.devtools('Emulation.setEmulatedMedia',
        { features: [{ name: 'prefers-color-scheme', value: colours }] })
    await browser.resize(width, 8000) // all is in sight
    await browser.open(page)
    check((await browser.look(groupsInPage)).every((each) => each.isTraceShown), where + 'a trace is hidden at first')
    await browser.run(openAll)
    const wrong = [await browser.look(isClipped), await browser.look(isHardToRead, texts),
        await browser.look(foreignElements, elements, 0)]
    for (const each of wrong.flat())
        check(false, where + each)
    const seen = await browser.look(groupsInPage)
    check(seen.length === groups.length, `${where}there are ${seen.length} groups`)
    groups.forEach((group, i) => {
        const { count, title, first, command, trace, names } = seen[i]
        const expected = inOrder(group.names).map((name) => `${folder}/${shown(name)}`)
        check(title.includes(group.title), `${where}the title is ${title}, not ${group.title}`)
        check(count === expected.length && first === expected[0], `${where}${group.title}: ${count}, first ${first}`)
        check(isSame(names, expected.length > 1 ? expected : []), `${where}the files shown are ${list(names)}`)
        check(trace.includes(group.trace ?? ''), `${where}the trace is ${trace}`)
        check(command.includes(' --wodehaus-replay '), `${where}the command is ${command}`)
    })
}

async function replay(browser, { page }) {
    await browser.open(page)
    const [division] = await browser.look(groupsInPage)
    const { status } = spawnSync('bash', ['-c', division.command + '; exit $?'])
    check(status === 128 + 8, `the command of the page ends with ${status}`)
    await browser.run(() => document.querySelector('code').scrollIntoView())
    await browser.click('code')
    const selected = await browser.look(selectedByClick)
    check(selected.trim() === division.command, `a click selects ${selected}`)
}

testPage('report', driver, makeReport, async (browser, made) => {
    for (const width of [400, 1600])
        for (const colours of ['light', 'dark'])
            await lookAt(browser, made, width, colours)
    await replay(browser, made)
    const said = await browser.dialog()
    check(said === undefined, 'a script ran and said ' + said)
})
