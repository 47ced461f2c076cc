// Requests a minute, counted in this process: a window opens with a key's first request.

import { rateLimited } from './errors.js'

const WINDOW_MS = 60_000
const SWEEP_AT = 100_000

export class Limiter {
  #windows = new Map()
  #limit

  constructor(limit) {
    this.#limit = limit
  }

  take(key) {
    if (this.#limit === 0) return
    const now = Date.now()
    const window = this.#windows.get(key)
    if (window === undefined || now - window.start >= WINDOW_MS) {
      if (this.#windows.size >= SWEEP_AT) this.#sweep(now)
      this.#windows.set(key, { start: now, count: 1 })
    } else if (window.count >= this.#limit) {
      throw rateLimited(window.start + WINDOW_MS - now)
    } else {
      window.count += 1
    }
  }

  #sweep(now) {
    for (const [key, { start }] of this.#windows) if (now - start >= WINDOW_MS) this.#windows.delete(key)
  }
}
