// Reads share a pool whose connections pipeline; transactions have one of their own, and wait for the database twice.

import postgres from 'postgres'
import { settings } from './settings.js'

const TIMESTAMPTZ = 1184
const JSONB = 3802
const INT8 = 20

// 2026-11-23 09:00:00.5+00, as a session in UTC sends it, to 2026-11-23T09:00:00.500Z, without a Date in between.
const wireTime = (text) => {
  const time = text.slice(11, -3)
  return `${text.slice(0, 10)}T${time.length === 8 ? `${time}.000` : time.padEnd(12, '0').slice(0, 12)}Z`
}

const asIs = (text) => text

const options = {
  path: settings.socket,
  user: settings.user,
  pass: settings.password,
  database: settings.database,
  max: settings.poolSize,
  prepare: true,
  idle_timeout: 0,
  max_lifetime: null,
  connection: { application_name: 'bench-hono', TimeZone: 'UTC', DateStyle: 'ISO', jit: 'off', statement_timeout: 5000 },
  types: {
    time: { to: TIMESTAMPTZ, from: [TIMESTAMPTZ], serialize: asIs, parse: wireTime },
    document: { to: JSONB, from: [JSONB], serialize: asIs, parse: asIs }, // JSON text goes in and out unparsed
    bigint: { to: INT8, from: [INT8], serialize: String, parse: Number },
  },
}

export const sql = postgres(options)

const writes = postgres(options)

export const closeDatabase = () => Promise.all([sql.end({ timeout: 1 }), writes.end({ timeout: 1 })])

// Connections for transactions are reserved once and handed round: `begin` and `reserve` build a new `sql` each time.
class Lanes {
  #idle = []
  #waiting = []
  #made = 0

  async take() {
    const lane = this.#idle.pop()
    if (lane !== undefined) return lane
    if (this.#made < settings.poolSize) {
      this.#made += 1
      return writes.reserve().catch((error) => {
        this.#made -= 1
        throw error
      })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  give(lane) {
    const next = this.#waiting.shift()
    if (next !== undefined) next(lane)
    else this.#idle.push(lane)
  }

  // Its connection is gone: whoever waits gets a new one.
  async drop() {
    this.#made -= 1
    if (this.#waiting.length > 0) this.give(await this.take())
  }
}

const lanes = new Lanes()

// `sql.begin` waits for BEGIN and for COMMIT alone. Here BEGIN travels with the first statement and COMMIT with the last
// ones: `first` answers the statements to lock and look with, `rest` their rows to the statements that remain.
export async function transaction(first, rest) {
  const lane = await lanes.take()
  let open = true
  let broken = false
  try {
    const [, rows] = await Promise.all([lane.unsafe('begin').execute(), first(lane)])
    const statements = rest(lane, rows)
    statements.push(lane.unsafe('commit'))
    const results = await Promise.allSettled(statements)
    open = false // a failed statement turned COMMIT into ROLLBACK
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return results[0].value
  } catch (error) {
    broken = typeof error.code === 'string' && error.code.startsWith('CONNECTION_')
    throw error
  } finally {
    if (open && !broken) await lane.unsafe('rollback').catch(() => {})
    if (broken) lanes.drop().catch(() => {})
    else lanes.give(lane)
  }
}
