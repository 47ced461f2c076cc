// Signed cursors: where a list goes on, bound by HMAC-SHA256 to the list, its brand and its filters.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { settings } from './settings.js'

const key = createHmac('sha256', settings.tokenKey).update('cursors').digest()

const signatureOf = (position, bound) => createHmac('sha256', key).update(`${bound}\n${position}`).digest('base64url')

export function seal(position, bound) {
  const text = Buffer.from(position).toString('base64url')
  return `${text}.${signatureOf(text, bound)}`
}

// The position, or null for a cursor that is not ours, or is of another list.
export function open(cursor, bound) {
  const dot = cursor.indexOf('.')
  const text = cursor.slice(0, dot)
  const expected = Buffer.from(signatureOf(text, bound))
  const given = Buffer.from(cursor.slice(dot + 1))
  if (dot === -1 || given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  return Buffer.from(text, 'base64url').toString()
}
