// What the tests share that look at a page: complaints, the browser's life, and looks at what any page may have wrong.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Browser } from './browser.mjs'

const failed = []
export function check(is, what) {
    if (!is)
        failed.push(what)
}

const short = (name) => name.length > 40 ? name.slice(0, 40) + '…' : name
export const list = (names) => names.map((name) => JSON.stringify(short(name))).join(' ')
export const isSame = (some, others) => JSON.stringify(some) === JSON.stringify(others)

// Runs a test in a folder that goes with it, and ends this program. `prepare` makes the page, and gives what `test` is
// given after the browser.
export async function testPage(name, driver, prepare, test) {
    const folder = mkdtempSync(join(tmpdir(), name + '-'))
    let browser
    process.on('exit', () => {
        browser?.kill()
        rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
    })
    for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]])
        process.on(signal, () => process.exit(status))
    try {
        const made = await prepare(folder)
        browser = new Browser(driver, folder)
        await browser.start()
        await test(browser, made)
        for (const { message } of await browser.log())
            check(false, 'the browser complains: ' + message)
        await browser.end()
    } catch (error) {
        check(false, error.message)
    }
    for (const each of failed)
        console.error(name + ': ' + each)
    process.exit(failed.length === 0 ? 0 : 1)
}

// What follows runs in the page, and gives a line for whatever is wrong.

export function foreignElements(known, scripts) {
    const wrong = document.scripts.length === scripts ? [] : ['there are ' + document.scripts.length + ' scripts']
    for (const element of document.querySelectorAll('*')) {
        if (!known.split(' ').includes(element.localName))
            wrong.push('there is an element ' + element.localName)
        for (const { name, value } of element.attributes)
            if (name.startsWith('on') || (name === 'src' || name === 'href') && /^([a-z]+:|\/)/i.test(value))
                wrong.push(`${element.localName} has ${name}=${value.slice(0, 60)}`)
    }
    return wrong
}

export function isHardToRead(texts) {
    const numbers = (colour) => colour.match(/[\d.]+/g).map(Number)
    const light = (colour) => numbers(colour).slice(0, 3).map((each) => each / 255)
        .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0.05)
    const behind = (element) => {
        const colour = getComputedStyle(element).backgroundColor
        return numbers(colour)[3] === 0 ? behind(element.parentElement) : colour
    }
    const wrong = []
    for (const each of document.querySelectorAll(texts)) {
        if (!each.checkVisibility())
            continue
        const style = getComputedStyle(each), box = each.getClientRects()[0]
        const lights = [light(style.color), light(behind(each))].sort((one, other) => other - one)
        const text = each.textContent.slice(0, 40), there = document.elementFromPoint(box.x + 2, box.y + box.height / 2)
        if (lights[0] / lights[1] < 4.5)
            wrong.push(`${text} has too little contrast: ${(lights[0] / lights[1]).toFixed(1)}`)
        if (parseFloat(style.fontSize) < 12 || box.width < 1 || box.height < 10)
            wrong.push(`${text} is too small`)
        if (!there || !each.contains(there) && !there.contains(each))
            wrong.push(`${text} is covered`)
    }
    return wrong
}
