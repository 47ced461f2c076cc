// Bearer tokens: HS256, checked once and then known until they expire.

import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { insufficientScope, invalidToken, unauthenticated } from './errors.js'
import { settings } from './settings.js'

const KNOWN_TOKENS = 20_000 // at most; at least half of them

const CONTAINS = {
  'manage:live': ['read:live', 'write:live'],
  'admin:live': ['read:live', 'write:live', 'manage:live'],
  'admin:*': ['read:live', 'write:live', 'manage:live', 'admin:live'],
}

const key = createSecretKey(settings.tokenKey)
// The whole Authorization header -> caller. Two halves, of which the older one is let go whole: a Map finds its first key by
// passing all those that are gone.
let known = new Map()
let before = new Map()
const scopesOf = new Map() // the scope claim -> all that it grants
let knownHead = '' // all tokens of one key begin alike

// The caller that the header names.
export function callerOf(authorization) {
  const caller = known.get(authorization) ?? before.get(authorization)
  if (caller === undefined) return check(authorization)
  if (caller.expiresMs <= Date.now()) throw invalidToken()
  return caller
}

export function requireScope(caller, scope) {
  if (!caller.scopes.has(scope)) throw insufficientScope(scope)
}

function check(authorization) {
  if (!authorization || authorization.slice(0, 7).toLowerCase() !== 'bearer ') throw unauthenticated()
  const claims = claimsOf(authorization.slice(7).trim())
  if (!claims.sub || !claims.client_id || !claims.brand || !claims.exp || typeof claims.scope !== 'string') throw invalidToken()
  if (claims.exp * 1000 <= Date.now()) throw invalidToken()
  const scopes = granted(claims.scope)
  const caller = {
    user: claims.sub,
    client: claims.client_id,
    brand: claims.brand,
    scopes,
    manages: scopes.has('manage:live'),
    expiresMs: claims.exp * 1000,
    limitKey: `${claims.client_id}\0${claims.sub}`,
  }
  if (known.size >= KNOWN_TOKENS / 2) {
    before = known
    known = new Map()
  }
  known.set(authorization, caller)
  return caller
}

// By Node's own HMAC, on the spot: hono/jwt's goes through WebCrypto, a promise and a thread, and takes three times as long.
function claimsOf(token) {
  const first = token.indexOf('.')
  const last = token.lastIndexOf('.')
  try {
    const head = token.slice(0, first)
    if (head !== knownHead) {
      if (JSON.parse(decoded(head)).alg !== 'HS256') throw invalidToken()
      knownHead = head
    }
    const mac = createHmac('sha256', key).update(token.slice(0, last)).digest()
    if (!timingSafeEqual(mac, Buffer.from(token.slice(last + 1), 'base64url'))) throw invalidToken()
    return JSON.parse(decoded(token.slice(first + 1, last)))
  } catch {
    throw invalidToken()
  }
}

const decoded = (part) => Buffer.from(part, 'base64url').toString()

function granted(claim) {
  let scopes = scopesOf.get(claim)
  if (scopes === undefined) {
    const named = claim.split(' ').filter(Boolean)
    scopes = new Set(named.flatMap((scope) => [scope, ...(CONTAINS[scope] ?? [])]))
    if (scopesOf.size < 256) scopesOf.set(claim, scopes)
  }
  return scopes
}
