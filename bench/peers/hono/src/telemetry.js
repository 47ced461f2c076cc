// One JSON line and one observation per request.

import pino from 'pino'
import { settings } from './settings.js'

const FLUSH_OCTETS = 8 * 1024
const FLUSH_MS = 1000
const BUCKETS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

const file = pino.destination({ dest: settings.logFile, minLength: FLUSH_OCTETS, sync: false })
setInterval(() => file.flush(), FLUSH_MS).unref()

export const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, file)

class Histogram {
  counts = new Float64Array(BUCKETS_MS.length + 1)
  sum = 0

  observe(ms) {
    let bucket = 0
    while (bucket < BUCKETS_MS.length && ms > BUCKETS_MS[bucket]) bucket += 1
    this.counts[bucket] += 1
    this.sum += ms
  }
}

const routes = new Map() // route -> Map of status -> Histogram

export function observe(route, status, ms) {
  let statuses = routes.get(route)
  if (statuses === undefined) routes.set(route, (statuses = new Map()))
  let histogram = statuses.get(status)
  if (histogram === undefined) statuses.set(status, (histogram = new Histogram()))
  histogram.observe(ms)
}

// The Prometheus text format.
export function metrics() {
  const name = 'request_duration_seconds'
  const lines = [`# TYPE ${name} histogram`]
  for (const [route, statuses] of routes) {
    for (const [status, { counts, sum }] of statuses) {
      const labels = `route="${route}",status="${status}"`
      let total = 0
      counts.forEach((count, i) => {
        total += count
        lines.push(`${name}_bucket{${labels},le="${i < BUCKETS_MS.length ? BUCKETS_MS[i] / 1000 : '+Inf'}"} ${total}`)
      })
      lines.push(`${name}_sum{${labels}} ${sum / 1000}`, `${name}_count{${labels}} ${total}`)
    }
  }
  return `${lines.join('\n')}\n`
}
