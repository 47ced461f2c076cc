// A seat in a session while there is one, else a place in its line.

import { transaction } from './database.js'
import { atCapacity, forbidden, invalidStatus, notFound } from './errors.js'
import { newId, PREPARED, UUID } from './sessions.js'

const LOCK = `select status, max_participants, registered_count, waitlist_count, next_position, next_admission, version
  from sessions where brand_id = $1 and id = $2 for no key update`

// Asked once the lock is held, so that it sees what the transaction before it has done.
const LOOK = `select date_trunc('milliseconds', clock_timestamp()),
  exists (select from registrations gone where gone.brand_id = $1 and gone.session_id = $2 and gone.user_id = $3
          and gone.removed_at is not null and gone.allowed_at is null),
  held.id, held.status, held.registered_at
  from (select) one left join registrations held
    on held.brand_id = $1 and held.user_id = $3 and held.session_id = $2 and held.status <> 'cancelled'`

const REGISTER = `insert into registrations (brand_id, id, session_id, user_id, role, status, position,
  capacity_at_admission, admission, registered_at, registered_by)
  values ($1, $2, $3, $4, 'participant', $5, $6, $7, $8, $9, $4)`

const COUNT = `update sessions set registered_count = registered_count + $3, waitlist_count = waitlist_count + $4,
  next_position = next_position + 1, next_admission = next_admission + $3 where brand_id = $1 and id = $2`

const AUDIT = `insert into audit_log (brand_id, entity, entity_id, entity_version, action, changed,
  actor_user_id, actor_client_id, request_id, occurred_at)
  values ($1, 'registration', $2, 1, $3, '{}', $4, $5, $6, $7)`

const EVENT = `insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
  values ($1, $2, $3, $4, $5, $6, $7)`

// The body of the answer. BEGIN, the lock and the look travel together, then all that is written, and COMMIT.
export async function registerCaller(caller, id, requestId) {
  if (!UUID.test(id)) throw notFound()
  const known = id.toLowerCase()
  let registration
  await transaction(
    (tx) =>
      Promise.all([
        tx.unsafe(LOCK, [caller.brand, known], PREPARED).values(),
        tx.unsafe(LOOK, [caller.brand, known, caller.user], PREPARED).values(),
      ]),
    (tx, [[locked], [seen]]) => {
      const [now, barred, heldId, heldStatus, heldSince] = seen
      if (locked === undefined) throw notFound()
      const [status, capacity, registered, waiting, position, admission, version] = locked
      if (status === 'ended' || status === 'cancelled') throw invalidStatus()
      if (barred) throw forbidden('A host has removed this person from the session; a host may allow them again.')
      if (heldId !== null) {
        registration = { id: heldId, status: heldStatus, since: heldSince }
        return []
      }
      const free = waiting === 0 && registered < capacity
      if (!free && status !== 'scheduled') throw atCapacity()
      registration = { id: newId(), status: free ? 'registered' : 'waitlist', since: now }
      const seats = free ? 1 : 0
      const [action, event] = free
        ? ['registration.created', 'live.registration.created.v1']
        : ['registration.waitlisted', 'live.registration.waitlisted.v1']
      const payload =
        `{"session_id":"${known}","registration_id":"${registration.id}","version":1,"user_id":${JSON.stringify(caller.user)},` +
        `"role":"participant","position":${position},"registered_at":"${now}"}`
      return [
        tx.unsafe(
          REGISTER,
          [
            caller.brand, registration.id, known, caller.user, registration.status, position,
            free ? capacity : null, free ? admission : null, now,
          ],
          PREPARED,
        ),
        tx.unsafe(COUNT, [caller.brand, known, seats, 1 - seats], PREPARED),
        tx.unsafe(AUDIT, [caller.brand, registration.id, action, caller.user, caller.client, requestId, now], PREPARED),
        tx.unsafe(EVENT, [newId(), event, caller.brand, known, version, now, payload], PREPARED),
      ]
    },
  )
  return (
    `{"id":"${registration.id}","session_id":"${known}","user_id":${JSON.stringify(caller.user)},` +
    `"status":"${registration.status}","registered_at":"${registration.since}","cancelled_at":null}`
  )
}
