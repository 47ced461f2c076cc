// Bearer tokens: HS256, checked once and then known until they expire.

import { verify } from 'hono/jwt'
import { insufficientScope, invalidToken, unauthenticated } from './errors.js'
import { settings } from './settings.js'

const KNOWN_TOKENS = 20_000

const CONTAINS = {
  'manage:live': ['read:live', 'write:live'],
  'admin:live': ['read:live', 'write:live', 'manage:live'],
  'admin:*': ['read:live', 'write:live', 'manage:live', 'admin:live'],
}

const key = await crypto.subtle.importKey('raw', settings.tokenKey, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
const known = new Map() // the whole Authorization header -> caller

// The caller that the header names. A known token is answered without a promise.
export function callerOf(authorization) {
  const caller = known.get(authorization)
  if (caller === undefined) return check(authorization)
  if (caller.expiresMs <= Date.now()) {
    known.delete(authorization)
    throw invalidToken()
  }
  return caller
}

export function requireScope(caller, scope) {
  if (!caller.scopes.has(scope)) throw insufficientScope(scope)
}

async function check(authorization) {
  if (!authorization || authorization.slice(0, 7).toLowerCase() !== 'bearer ') throw unauthenticated()
  let claims
  try {
    claims = await verify(authorization.slice(7).trim(), key, 'HS256')
  } catch {
    throw invalidToken()
  }
  if (!claims.sub || !claims.client_id || !claims.brand || !claims.exp || typeof claims.scope !== 'string') throw invalidToken()
  const named = claims.scope.split(' ').filter(Boolean)
  const scopes = new Set(named.flatMap((scope) => [scope, ...(CONTAINS[scope] ?? [])]))
  const caller = {
    user: claims.sub,
    client: claims.client_id,
    brand: claims.brand,
    scopes,
    manages: scopes.has('manage:live'),
    expiresMs: claims.exp * 1000,
    limitKey: `${claims.client_id}\0${claims.sub}`,
  }
  if (known.size >= KNOWN_TOKENS) known.delete(known.keys().next().value)
  known.set(authorization, caller)
  return caller
}
