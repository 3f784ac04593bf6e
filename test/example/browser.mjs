// A headless Chromium, led through chromedriver, with what Node 18 has built in.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const patience = 30_000 // milliseconds for one step: only for what would never come
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

// Asks until the answer is true or `patience` is at its end.
export async function until(what, ask) {
    for (const end = Date.now() + patience; ; await pause(50)) {
        if (await ask())
            return
        if (Date.now() > end)
            throw new Error('waited in vain until ' + what)
    }
}

// What /proc says of the processes that live: [pid, its parent's pid].
function processes() {
    const found = []
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
        try {
            const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /s, '').split(' ')
            if (!'ZX'.includes(state))
                found.push([Number(pid), Number(parent)])
        } catch {} // it has just ended
    return found
}

function withDescendants(pid) {
    const family = new Set([pid]), all = processes()
    for (let before = 0; before < family.size;) {
        before = family.size
        all.filter(([, parent]) => family.has(parent)).forEach(([each]) => family.add(each))
    }
    return family
}

function portOf(driver) {
    return new Promise((resolve, reject) => {
        let said = ''
        const listen = (text) => {
            said += text
            const port = /started successfully on port (\d+)/.exec(said)
            if (port)
                resolve(Number(port[1]))
        }
        driver.stdout.on('data', listen)
        driver.stderr.on('data', listen)
        driver.on('error', (error) => reject(new Error('cannot start: ' + error.message)))
        driver.on('exit', () => reject(new Error('chromedriver has ended: ' + said.trim().split('\n').at(-1))))
    })
}

export class Browser {
    #driver
    #address
    #folder

    // All that it writes goes into the folder, which the caller removes after `end` or `kill`.
    constructor(driver, folder) {
        mkdirSync(join(folder, 'home'), { recursive: true })
        const home = Object.fromEntries(
            ['HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR']
                .map((name) => [name, join(folder, 'home')]))
        this.#folder = folder
        this.#driver = spawn(driver, ['--port=0'], {
            env: { ...process.env, ...home, LANGUAGE: 'en', DBUS_SESSION_BUS_ADDRESS: 'disabled:' },
            stdio: ['ignore', 'pipe', 'pipe'] })
    }

    async start() {
        this.#address = `http://127.0.0.1:${await portOf(this.#driver)}/session`
        const args = ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu',
            '--disable-background-networking', '--disable-component-update', '--no-first-run',
            '--user-data-dir=' + join(this.#folder, 'profile')]
        const { sessionId } = await this.#ask('POST', '', { capabilities: { alwaysMatch: {
            browserName: 'chrome', unhandledPromptBehavior: 'ignore', pageLoadStrategy: 'normal',
            'goog:loggingPrefs': { browser: 'ALL' }, 'goog:chromeOptions': { args } } } })
        this.#address += '/' + sessionId
    }

    async #ask(method, path, body) {
        const answer = await fetch(this.#address + path, { method, signal: AbortSignal.timeout(patience),
            body: body && JSON.stringify(body) })
        const { value } = await answer.json()
        if (!answer.ok)
            throw new Error(`${value.error}: ${value.message.split('\n')[0]}`)
        return value
    }

    open(address) { return this.#ask('POST', '/url', { url: String(address) }) }

    // Runs a function in the page. It sees nothing of this side but its arguments.
    run(what, ...args) { return this.#ask('POST', '/execute/sync', { script: `return (${what})(...arguments)`, args }) }

    // The same once the page has been drawn as it now is: before, what was moved into sight has no text yet.
    async look(what, ...args) {
        await this.run(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))))
        return this.run(what, ...args)
    }

    devtools(cmd, params) { return this.#ask('POST', '/goog/cdp/execute', { cmd, params }) }

    resize(width, height) {
        return this.devtools('Emulation.setDeviceMetricsOverride',
            { width, height, deviceScaleFactor: 1, mobile: false })
    }

    // Presses keys one after the other, wherever the focus is.
    press(...keys) {
        const actions = keys.flatMap((value) => [{ type: 'keyDown', value }, { type: 'keyUp', value }])
        return this.#ask('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] })
    }

    async click(selector) {
        const found = await this.#ask('POST', '/element', { using: 'css selector', value: selector })
        await this.#ask('POST', `/element/${Object.values(found)[0]}/click`, {})
    }

    // The text of the dialog that the page has opened, if there is one.
    dialog() { return this.#ask('GET', '/alert/text').catch((error) => {
        if (!error.message.startsWith('no such alert'))
            throw error
    }) }

    // What came to the browser's console since the last time.
    log() { return this.#ask('POST', '/se/log', { type: 'browser' }) }

    async end() {
        const family = withDescendants(this.#driver.pid)
        await this.#ask('DELETE', '').catch(() => {})
        this.#driver.kill()
        await until('the browser has ended', () => !processes().some(([pid]) => family.has(pid)))
    }

    // What remains when there is no time to ask.
    kill() {
        for (const pid of withDescendants(this.#driver.pid))
            try {
                process.kill(pid, 'SIGKILL')
            } catch {} // it has ended
    }
}
