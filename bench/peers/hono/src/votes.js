// One vote per person on a question of a session.

import { transaction } from './database.js'
import { atCapacity, forbidden, invalidStatus, noQuestion, notFound, notJoinable } from './errors.js'
import { newId, PREPARED, UUID } from './sessions.js'
import { settings } from './settings.js'

const NO_QUESTION = '00000000-0000-0000-0000-000000000000'

// Of two transactions that insert and then count, neither sees the other's vote: the later count would lose one. So they queue,
// at the session, whose status then stays as it is until the vote is there. On one question its own row would be the same queue.
const LOCK = `select status, version, registered_count < max_participants, host_id = $3 or $3 = any (co_host_ids)
  from sessions where brand_id = $1 and id = $2 for no key update`

// Asked once the lock is held, so that it sees what the transaction before it has done.
const LOOK = `select date_trunc('milliseconds', clock_timestamp()), q.status, q.asker_user_id = $3, q.vote_count,
  exists (select from votes v where v.brand_id = $1 and v.question_id = $4 and v.user_id = $3),
  exists (select from registrations gone where gone.brand_id = $1 and gone.session_id = $2 and gone.user_id = $3
          and gone.removed_at is not null and gone.allowed_at is null),
  exists (select from registrations held where held.brand_id = $1 and held.session_id = $2 and held.user_id = $3
          and held.status = 'registered')
  from (select) one left join questions q on q.brand_id = $1 and q.id = $4 and q.session_id = $2`

const VOTE = `insert into votes (brand_id, question_id, user_id, voted_at) values ($1, $2, $3, $4) on conflict do nothing`

// Counted, the number is right whatever it was before; with one added it takes no longer the more there are.
const COUNTED = settings.addsVotes ? 'vote_count + 1' : '(select count(*) from votes where brand_id = $1 and question_id = $2)'
const COUNT = `update questions set vote_count = ${COUNTED} where brand_id = $1 and id = $2 returning vote_count`

// As Greenroom's own event, one for each vote here: who shares no transaction with others has none to share an event with.
const EVENT = `insert into outbox (id, name, brand_id, session_id, session_version, occurred_at, payload)
  select $1, 'live.question.votes_changed.v1', brand_id, session_id, $4, $5,
    jsonb_build_object('session_id', session_id, 'vote_counts', jsonb_build_object(id, vote_count))
  from questions where brand_id = $2 and id = $3`

// The body of the answer. BEGIN, the lock and the look travel together, then all that is written, and COMMIT.
export async function vote(caller, id, questionId) {
  if (!UUID.test(id)) throw notFound()
  const session = id.toLowerCase()
  const question = UUID.test(questionId) ? questionId.toLowerCase() : NO_QUESTION
  let votes
  await transaction(
    (tx) =>
      Promise.all([
        tx.unsafe(LOCK, [caller.brand, session, caller.user], PREPARED).values(),
        tx.unsafe(LOOK, [caller.brand, session, caller.user, question], PREPARED).values(),
      ]),
    (tx, [[locked], [seen]]) => {
      if (locked === undefined) throw notFound()
      const [status, version, hasSeats, hosts] = locked
      const [now, questionStatus, isAsker, count, hasVoted, barred, seated] = seen
      const moderates = hosts || caller.manages
      if (questionStatus === null) throw noQuestion()
      const isPublic = questionStatus === 'approved' || questionStatus === 'answered'
      if (!isPublic && !isAsker && !moderates) throw noQuestion()
      refuseWhoMayNot(status, { moderates, barred, seated, hasSeats })
      if (questionStatus !== 'approved') throw invalidStatus()
      votes = [[count]]
      if (hasVoted) return []
      const statements = [
        tx.unsafe(VOTE, [caller.brand, question, caller.user, now], PREPARED),
        tx.unsafe(COUNT, [caller.brand, question], PREPARED).values(),
        tx.unsafe(EVENT, [newId(), caller.brand, question, version, now], PREPARED),
      ]
      votes = statements[1]
      return statements
    },
  )
  const [[count]] = await votes // it is here: COMMIT came after it
  return `{"question_id":"${question}","vote_count":${count},"has_voted":true}`
}

// Whoever could join may vote.
function refuseWhoMayNot(status, { moderates, barred, seated, hasSeats }) {
  if (barred && !moderates) throw forbidden('A host has removed this person from the session.')
  if (status === 'ended' || status === 'cancelled') throw invalidStatus()
  if (moderates || seated) return
  if (status !== 'live') throw notJoinable()
  if (!hasSeats) throw atCapacity()
}
