// The peer's composition root: what surrounds every request, and the routes.

import { randomUUID } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { closeDatabase } from './src/database.js'
import { internal, noRoute, Refusal, tooLarge, wrongType } from './src/errors.js'
import { Limiter } from './src/limits.js'
import { linkTo, listSessions } from './src/list.js'
import { registerCaller } from './src/registrations.js'
import { getSession, updateSession } from './src/sessions.js'
import { settings } from './src/settings.js'
import { log, metrics, observe } from './src/telemetry.js'
import { callerOf, requireScope } from './src/tokens.js'
import { vote } from './src/votes.js'

const BODY_OCTETS = 64 * 1024
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/
const SESSION = '/v1/sessions/:id'
const SESSIONS = '/v1/live/sessions'
const REGISTRATIONS = '/v1/sessions/:id/registrations'
const VOTE = '/v1/sessions/:id/questions/:question_id/vote'

const addresses = new Limiter(settings.limits.address)
const readers = new Limiter(settings.limits.reads)
const writers = new Limiter(settings.limits.writes)

// One handler per operation instead of a chain of middleware: the headers are written once, and no promise is made that
// the request does not need.
function operation(method, route, scope, limiter, perform) {
  const label = `${method} ${route}`
  return async (c) => {
    const started = performance.now()
    const { incoming } = c.env
    const headers = incoming.headers // Node's own object: a Headers is never built
    const given = headers['x-request-id']
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID()
    let caller
    let response
    try {
      addresses.take(incoming.socket.remoteAddress)
      caller = callerOf(headers.authorization)
      limiter.take(caller.limitKey)
      requireScope(caller, scope)
      response = await perform(c, caller, headers, requestId)
    } catch (error) {
      response = refuse(error, requestId)
    }
    const ms = performance.now() - started
    observe(label, response.status, ms)
    log.info({
      event: 'request',
      request_id: requestId,
      method,
      route,
      status: response.status,
      duration_ms: Math.round(ms * 100) / 100,
      client_id: caller?.client ?? null,
      brand_id: caller?.brand ?? null,
    })
    return response
  }
}

function refuse(error, requestId) {
  let refusal = error
  if (!(error instanceof Refusal)) {
    log.error({ event: 'request_failed', request_id: requestId, error: error?.stack ?? String(error) })
    refusal = internal()
  }
  return new Response(refusal.body, { status: refusal.status, headers: { ...refusal.headers, 'x-request-id': requestId } })
}

const ok = ({ body, tag }, requestId) =>
  new Response(body, {
    headers: {
      'content-type': 'application/json',
      etag: tag,
      'cache-control': 'private, no-cache',
      'x-request-id': requestId,
    },
  })

const app = new Hono()

app.get(
  SESSION,
  operation('GET', SESSION, 'read:live', readers, async (c, caller, headers, requestId) => {
    const session = await getSession(caller, c.req.param('id'))
    const ifNoneMatch = headers['if-none-match']
    if (ifNoneMatch !== undefined && isFresh(ifNoneMatch, session.tag)) {
      return new Response(null, {
        status: 304,
        headers: { etag: session.tag, 'cache-control': 'private, no-cache', 'x-request-id': requestId },
      })
    }
    return ok(session, requestId)
  }),
)

app.get(
  SESSIONS,
  operation('GET', SESSIONS, 'read:live', readers, async (c, caller, _headers, requestId) => {
    const { url } = c.env.incoming // path and query, as they came
    const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
    const { body, next } = await listSessions(caller, query)
    const headers = { 'content-type': 'application/json', 'cache-control': 'private, no-cache', 'x-request-id': requestId }
    if (next !== null) headers.link = linkTo(SESSIONS, query, next)
    return new Response(body, { headers })
  }),
)

app.patch(
  SESSION,
  operation('PATCH', SESSION, 'write:live', writers, async (c, caller, headers, requestId) => {
    if (Number(headers['content-length']) > BODY_OCTETS) throw tooLarge()
    const text = await c.req.text()
    if (text.length > BODY_OCTETS) throw tooLarge()
    const type = headers['content-type']
    if (type !== 'application/json' && type?.split(';')[0].trim().toLowerCase() !== 'application/json') throw wrongType()
    return ok(await updateSession(caller, c.req.param('id'), text, headers['if-match'], requestId), requestId)
  }),
)

app.post(
  REGISTRATIONS,
  operation('POST', REGISTRATIONS, 'write:live', writers, async (c, caller, headers, requestId) => {
    if (Number(headers['content-length']) > BODY_OCTETS) throw tooLarge()
    const body = await registerCaller(caller, c.req.param('id'), requestId)
    return new Response(body, {
      status: 201,
      headers: { 'content-type': 'application/json', 'cache-control': 'private, no-cache', 'x-request-id': requestId },
    })
  }),
)

app.put(
  VOTE,
  operation('PUT', VOTE, 'write:live', writers, async (c, caller, headers, requestId) => {
    if (Number(headers['content-length']) > BODY_OCTETS) throw tooLarge()
    const body = await vote(caller, c.req.param('id'), c.req.param('question_id'))
    return new Response(body, {
      headers: { 'content-type': 'application/json', 'cache-control': 'private, no-cache', 'x-request-id': requestId },
    })
  }),
)

app.get('/healthz', (c) => c.json({ status: 'ok' }))
app.get('/metrics', (c) => c.text(metrics()))
app.notFound((c) => refuse(noRoute(), randomUUID()))
app.onError((error, c) => refuse(error, randomUUID()))

const isFresh = (ifNoneMatch, tag) =>
  ifNoneMatch === tag ||
  ifNoneMatch.trim() === '*' ||
  ifNoneMatch.split(',').some((theirs) => theirs.trim().replace(/^W\//, '') === tag)

const server = serve({ fetch: app.fetch, port: settings.port, hostname: settings.host })

process.once('SIGTERM', async () => {
  server.close()
  await closeDatabase()
  process.exit(0)
})
