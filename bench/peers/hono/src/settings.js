// What the harness may set. Every value is read once, at the start.

const required = (name) => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}

const number = (name, otherwise) => Number(process.env[name] ?? otherwise)

export const settings = Object.freeze({
  port: number('PORT', 8000),
  host: process.env.HOST ?? '127.0.0.1',
  socket: required('PG_SOCKET'), // the whole path, such as /run/pg/.s.PGSQL.5432
  user: required('PG_USER'),
  password: process.env.PG_PASSWORD,
  database: required('PG_DATABASE'),
  poolSize: number('POOL_SIZE', 16),
  tokenKey: Buffer.from(required('TOKEN_KEY_HEX'), 'hex'),
  addsVotes: process.env.ADDS_VOTES === 'true', // one is added to a question's votes, instead of counting them
  logFile: process.env.LOG_FILE ?? '/dev/null',
  limits: Object.freeze({
    address: number('RATE_LIMIT_ADDRESS', 3000),
    reads: number('RATE_LIMIT_READS', 1000),
    writes: number('RATE_LIMIT_WRITES', 200),
  }),
})
