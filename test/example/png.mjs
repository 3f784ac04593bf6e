// Small PNG files.
import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'

function checksum(bytes) { // zlib has it only from Node 20 on
    let sum = ~0
    for (const each of bytes) {
        sum ^= each
        for (let i = 0; i < 8; ++i)
            sum = sum >>> 1 ^ (sum & 1 ? 0xedb88320 : 0)
    }
    return ~sum >>> 0
}

function number(value) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
}

function chunk(name, content) {
    const body = Buffer.concat([Buffer.from(name), content])
    return Buffer.concat([number(content.length), body, number(checksum(body))])
}

/// What a row of a picture is made of: compresses well, or not at all.
export const stripes = (size) => Buffer.from(Array.from({ length: size }, (_, i) => i % 120 + 80))
export const noise = randomBytes

export function png(width, height, row = stripes) {
    const rows = Array.from({ length: height }, () => [Buffer.of(0), row(3 * width)]).flat()
    const header = Buffer.concat([number(width), number(height), Buffer.of(8, 2, 0, 0, 0)])
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header),
        chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))])
}
