// Refusals, each with its status, its code and what the caller may know.

const JSON_HEADERS = { 'content-type': 'application/json' }

export class Refusal extends Error {
  static {
    // An answer, not a defect: nobody reads its stack, and capturing one costs more than the rest of the refusal.
    this.prototype.name = 'Refusal'
  }

  constructor(status, code, message, headers = JSON_HEADERS) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = limit
    this.status = status
    this.code = code
    this.headers = headers === JSON_HEADERS ? JSON_HEADERS : { ...JSON_HEADERS, ...headers }
  }

  get body() {
    return JSON.stringify({ error: this.code, message: this.message, ...this.extra })
  }
}

export const unauthenticated = () =>
  new Refusal(401, 'unauthenticated', 'A bearer token is required.', { 'www-authenticate': 'Bearer' })

export const invalidToken = () =>
  new Refusal(401, 'invalid_token', 'The token is not valid here.', { 'www-authenticate': 'Bearer error="invalid_token"' })

export const insufficientScope = (scope) =>
  new Refusal(403, 'insufficient_scope', `The token lacks the scope ${scope}.`, {
    'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
  })

export const forbidden = (message) => new Refusal(403, 'forbidden', message)
export const notFound = () => new Refusal(404, 'not_found', 'There is no such session.')
export const noQuestion = () => new Refusal(404, 'not_found', 'There is no such question.')
export const noRoute = () => new Refusal(404, 'not_found', 'There is nothing here.')
export const invalid = (message) => new Refusal(400, 'validation_error', message)
export const tooLarge = () => new Refusal(413, 'payload_too_large', 'The body is larger than 64 KiB.')
export const wrongType = () => new Refusal(415, 'unsupported_media_type', 'Expected application/json.')
export const stale = () => new Refusal(412, 'precondition_failed', 'The session has changed since.')
export const invalidStatus = () => new Refusal(412, 'invalid_status', 'The status of the session does not allow this.')
export const atCapacity = () => new Refusal(412, 'at_capacity', 'All seats of this session are taken.')
export const notJoinable = () => new Refusal(412, 'not_joinable', 'There is no seat, and the session has not begun.')
export const internal = () => new Refusal(500, 'internal_error', 'Something went wrong here.')

export const rateLimited = (waitMs) => {
  const refusal = new Refusal(429, 'rate_limited', 'Too many requests.', { 'retry-after': String(Math.ceil(waitMs / 1000)) })
  refusal.extra = { retry_after_ms: waitMs }
  return refusal
}
