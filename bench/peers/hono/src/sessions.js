// What a session is, may become, and looks like on the wire.

import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { sql, transaction } from './database.js'
import { forbidden, invalid, invalidStatus, notFound, stale } from './errors.js'

const METADATA_OCTETS = 16 * 1024
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const OUR_TAG = /^"(\d{1,9})\.\d+\.\d+\.[01]"$/

const withoutNul = (text) => !text.includes('\0')

const Patch = z.object({
  title: z.string().min(1).max(10_000).refine(withoutNul, 'expected no NUL').optional(),
  scheduled_at: z.iso.datetime({ offset: true }).optional(),
  max_participants: z.int().positive().max(2_147_483_647).optional(),
  kind: z.enum(['live', 'office_hours']).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
})

// The command that a body asks for. Null is a field that was not sent.
function commandOf(text) {
  let body
  try {
    body = JSON.parse(text)
  } catch {
    throw invalid('The body is not JSON.')
  }
  const { success, data, error } = Patch.safeParse(body)
  if (!success) {
    const [{ path, message }] = error.issues
    throw invalid(`${path.join('.') || 'The body'}: ${message}.`)
  }
  return {
    title: data.title ?? null,
    scheduledAt: data.scheduled_at === undefined ? null : instant(data.scheduled_at),
    maxParticipants: data.max_participants ?? null,
    kind: data.kind ?? null,
    metadata: data.metadata === undefined ? null : documentOf(data.metadata),
  }
}

function instant(text) {
  const wire = new Date(text).toISOString()
  if (wire.length !== 24) throw invalid('scheduled_at: expected the years 1 to 9999 of UTC.')
  return wire
}

function documentOf(metadata) {
  const text = JSON.stringify(metadata)
  if (text.length > METADATA_OCTETS / 4 && Buffer.byteLength(text) > METADATA_OCTETS) {
    throw invalid('metadata: expected at most 16 KiB.')
  }
  return text
}

// Null: any version will do. Weak tags never match.
function versionsIn(ifMatch) {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null
  return ifMatch.split(',').flatMap((tag) => {
    const ours = OUR_TAG.exec(tag.trim())
    return ours === null ? [] : [Number(ours[1])]
  })
}

export function answerOf(row) {
  const [
    id, brandId, hostId, title, kind, category, status, scheduledAt, startedAt, endedAt, durationMinutes, maxParticipants,
    registeredCount, streamCallId, recordingUrl, metadata, version, revision, createdAt, updatedAt, isRegistered,
  ] = row
  return {
    tag: `"${version}.${revision}.${registeredCount}.${isRegistered ? 1 : 0}"`,
    body:
      `{"id":"${id}","host_id":${JSON.stringify(hostId)},"brand_id":${JSON.stringify(brandId)},` +
      `"title":${JSON.stringify(title)},"kind":"${kind}","category":${JSON.stringify(category)},` +
      `"scheduled_at":"${scheduledAt}","started_at":${orNull(startedAt)},"ended_at":${orNull(endedAt)},` +
      `"status":"${status}","stream_call_id":${JSON.stringify(streamCallId)},"max_participants":${maxParticipants},` +
      `"duration_minutes":${durationMinutes},"recording_url":${JSON.stringify(recordingUrl)},"metadata":${metadata},` +
      `"created_at":"${createdAt}","updated_at":"${updatedAt}","registered_count":${registeredCount},` +
      `"is_registered":${isRegistered}}`,
  }
}

const orNull = (time) => (time === null ? 'null' : `"${time}"`)

export const [ID, SCHEDULED_AT] = [0, 7] // in what answerOf reads: the columns, then is_registered

export const COLUMNS = `s.id, s.brand_id, s.host_id, s.title, s.kind, s.category, s.status, s.scheduled_at, s.started_at, s.ended_at,
  s.duration_minutes, s.max_participants, s.registered_count, s.stream_call_id, s.recording_url, s.metadata,
  s.version, s.revision, s.created_at, s.updated_at`

const ONE = `${COLUMNS},
  exists (select from registrations r where r.brand_id = $1 and r.session_id = $2 and r.user_id = $3
          and r.status = 'registered') as is_registered`

const GET = `select ${ONE} from sessions s where s.brand_id = $1 and s.id = $2`

const LOCK = `select version, status, title, scheduled_at, max_participants, kind, metadata <> $4::jsonb,
  host_id = $3 or $3 = any (co_host_ids),
  greatest(date_trunc('milliseconds', clock_timestamp()), updated_at + interval '1 millisecond')
  from sessions where brand_id = $1 and id = $2 for no key update`

const UPDATE = `update sessions s set title = coalesce($4, title), scheduled_at = coalesce($5, scheduled_at),
  max_participants = coalesce($6, max_participants), kind = coalesce($7, kind), metadata = coalesce($8, metadata),
  version = $9, updated_at = $10
  where s.brand_id = $1 and s.id = $2 returning ${ONE}`

const AUDIT = `insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
  actor_user_id, actor_client_id, request_id, occurred_at)
  values ($1, 'session', $2, $3, 'session.updated', $4, $5, $6, $7, $8)`

const EVENT = `insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
  values ($1, $2, $3, $4, $5, $6, $7)`

export const PREPARED = { prepare: true }

export async function getSession(caller, id) {
  if (!UUID.test(id)) throw notFound()
  const [row] = await sql.unsafe(GET, [caller.brand, id, caller.user], PREPARED).values()
  if (row === undefined) throw notFound()
  return answerOf(row)
}

export async function updateSession(caller, id, text, ifMatch, requestId) {
  const command = commandOf(text)
  const expected = versionsIn(ifMatch)
  if (!UUID.test(id)) throw notFound()
  const [row] = await transaction(
    (tx) => tx.unsafe(LOCK, [caller.brand, id, caller.user, command.metadata], PREPARED).values(),
    (tx, [locked]) => changesOf(tx, caller, id, command, expected, locked, requestId),
  )
  return answerOf(row)
}

// The statements that make the change, the one that answers the session first.
function changesOf(tx, caller, id, command, expected, locked, requestId) {
  if (locked === undefined) throw notFound()
  const [version, status, title, scheduledAt, maxParticipants, kind, metadataDiffers, hosts, now] = locked
  if (!hosts && !caller.manages) throw forbidden("Only the session's host, a co-host or manage:live may do this.")
  if (expected !== null && !expected.includes(version)) throw stale()
  if (status === 'ended' || status === 'cancelled') throw invalidStatus()

  const reschedules = command.scheduledAt !== null && command.scheduledAt !== scheduledAt
  const changed = []
  if (command.title !== null && command.title !== title) changed.push('title')
  if (reschedules) changed.push('scheduled_at')
  if (command.maxParticipants !== null && command.maxParticipants !== maxParticipants) changed.push('max_participants')
  if (command.kind !== null && command.kind !== kind) changed.push('kind')
  if (status === 'live' && (changed.includes('scheduled_at') || changed.includes('kind'))) throw invalidStatus()
  if (metadataDiffers) changed.push('metadata')
  if (changed.length === 0) return [tx.unsafe(GET, [caller.brand, id, caller.user], PREPARED).values()]

  const next = version + 1
  const event = (name, payload) =>
    tx.unsafe(EVENT, [newId(), name, caller.brand, id, next, now, payload], PREPARED)
  const statements = [
    tx.unsafe(
      UPDATE,
      [
        caller.brand, id, caller.user, command.title, command.scheduledAt, command.maxParticipants, command.kind,
        command.metadata, next, now,
      ],
      PREPARED,
    ).values(),
    tx.unsafe(
      AUDIT,
      [caller.brand, id, next, `{${changed.join(',')}}`, caller.user, caller.client, requestId, now],
      PREPARED,
    ),
    event('live.session.updated.v1', `{"session_id":"${id}","version":${next},"changed":["${changed.join('","')}"]}`),
  ]
  if (reschedules) {
    statements.push(
      event(
        'live.session.rescheduled.v1',
        `{"session_id":"${id}","version":${next},"old_scheduled_at":"${scheduledAt}","new_scheduled_at":"${command.scheduledAt}"}`,
      ),
    )
  }
  return statements
}

// A UUIDv7: the milliseconds, then what Node's own generator, which keeps entropy in stock, gives.
export function newId() {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
