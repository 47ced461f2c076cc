// The list of sessions by time, a page at a time.

import { parse } from 'node:querystring'
import { z } from 'zod'
import { open, seal } from './cursors.js'
import { sql } from './database.js'
import { forbidden, invalid } from './errors.js'
import { answerOf, COLUMNS, ID, PREPARED, SCHEDULED_AT } from './sessions.js'

const USUAL_LIMIT = 20
const LARGEST_LIMIT = 100

const name = z.string().min(1).max(200).refine((text) => !text.includes('\0'), 'expected no NUL').optional()
const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1').optional()

const Filters = z.object({
  brand_id: name,
  host_user_id: name,
  host_id: name,
  community_id: name,
  status: z.enum(['scheduled', 'live', 'ended', 'cancelled']).optional(),
  upcoming_only: flag,
  upcoming: flag,
  month: z.string().regex(/^(?!0000)\d{4}-(?:0[1-9]|1[0-2])$/, 'expected YYYY-MM').optional(),
  kind: z.enum(['live', 'office_hours']).optional(),
  category: name,
  cursor: z.string().optional(),
  limit: z
    .string()
    .regex(/^0*[1-9]\d*$/, 'expected an integer from 1 on')
    .transform((text) => Math.min(Number(text), LARGEST_LIMIT))
    .optional(),
})

// Node's own parser; a parameter that is sent twice becomes an array, which the schema refuses.
function filtersIn(query) {
  const { success, data, error } = Filters.safeParse(parse(query))
  if (!success) {
    const [{ path, message }] = error.issues
    throw invalid(`${path.join('.')}: ${message}.`)
  }
  return data
}

// A month and the one after it begin at these instants; after 9999-12 there is none.
function boundsOf(month) {
  if (month === undefined) return [null, null]
  const [year, number] = month.split('-').map(Number)
  const after = number === 12 ? `${String(year + 1).padStart(4, '0')}-01` : `${month.slice(0, 4)}-${String(number + 1).padStart(2, '0')}`
  return [`${month}-01T00:00:00.000Z`, year === 9999 && number === 12 ? null : `${after}-01T00:00:00.000Z`]
}

function sameOf(filters, one, other) {
  const [first, second] = [filters[one], filters[other]]
  if (first !== undefined && second !== undefined && first !== second) {
    throw invalid(`${one} and ${other}: expected the same, or one of them.`)
  }
  return first ?? second
}

const statements = new Map() // which filters are there -> the statement

function statementOf(statuses, columns, bounds) {
  const shape = `${statuses}|${columns}|${bounds}`
  let text = statements.get(shape)
  if (text === undefined) {
    const conditions = ['s.brand_id = $1']
    let place = 3 // after the brand, the user and the rows
    for (const column of columns) conditions.push(`s.${column} = $${++place}`)
    for (const bound of bounds) {
      conditions.push(bound === 'before' ? `s.scheduled_at < $${++place}` : `(s.scheduled_at, s.id) > ($${++place}, $${++place})`)
    }
    // A status stands in the statement itself, so that the planner knows how many there are of it.
    for (const status of statuses) conditions.push(`s.status = '${status}'`)
    // `offset 0` keeps it a search by key for each row: else the planner reads all registrations while there are few.
    text = `select ${COLUMNS},
      exists (select from registrations r where r.brand_id = s.brand_id and r.session_id = s.id and r.user_id = $2
              and r.status = 'registered' offset 0) as is_registered
      from sessions s where ${conditions.join(' and ')} order by s.scheduled_at, s.id limit $3`
    statements.set(shape, text)
  }
  return text
}

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

// A page as JSON, and the cursor of the next one or null.
export async function listSessions(caller, query) {
  const filters = filtersIn(query)
  if (filters.brand_id !== undefined && filters.brand_id !== caller.brand) {
    throw forbidden("brand_id: expected the token's own brand.")
  }
  const upcoming = sameOf(filters, 'upcoming_only', 'upcoming')
  const wanted = {
    host_id: sameOf(filters, 'host_user_id', 'host_id'),
    community_slug: filters.community_id,
    category: filters.category,
    kind: filters.kind,
  }
  const bound = JSON.stringify(['sessions', caller.brand, { ...filters, brand_id: undefined, cursor: undefined, limit: undefined }])
  let [after, before] = boundsOf(filters.month)
  let afterId = BEFORE_ALL
  if (upcoming) {
    const now = new Date().toISOString()
    if (after === null || now > after) after = now
  }
  if (filters.cursor !== undefined) {
    const position = open(filters.cursor, bound)
    if (position === null) throw invalid('cursor: expected the cursor of an answer to the same filters.')
    const [time, id] = position.split(' ')
    if (after === null || time >= after) [after, afterId] = [time, id]
  }

  const limit = filters.limit ?? USUAL_LIMIT
  const values = [caller.brand, caller.user, limit + 1]
  const columns = Object.keys(wanted).filter((column) => wanted[column] !== undefined)
  for (const column of columns) values.push(wanted[column])
  const bounds = []
  if (after !== null) {
    bounds.push('after')
    values.push(after, afterId)
  }
  if (before !== null) {
    bounds.push('before')
    values.push(before)
  }
  const statuses = [...(filters.status === undefined ? [] : [filters.status]), ...(upcoming ? ['scheduled'] : [])]

  const rows = await sql.unsafe(statementOf(statuses, columns, bounds), values, PREPARED).values()
  const shown = Math.min(rows.length, limit)
  let sessions = ''
  for (let i = 0; i < shown; i += 1) sessions += i === 0 ? answerOf(rows[i]).body : `,${answerOf(rows[i]).body}`
  const last = rows[shown - 1]
  const next = rows.length > limit ? seal(`${last[SCHEDULED_AT]} ${last[ID]}`, bound) : null
  return { body: `{"sessions":[${sessions}],"next_cursor":${next === null ? 'null' : `"${next}"`}}`, next }
}

// The Link header of the next page (RFC 8288): this request with another cursor.
export function linkTo(path, query, cursor) {
  const kept = new URLSearchParams(query)
  kept.delete('cursor')
  kept.append('cursor', cursor)
  return `<${path}?${kept}>; rel="next"`
}
