// The page of a session, live: seats, the place in line, questions and their votes, as they change.

import { countDown } from "./countdown.js";
import { reorder } from "./moving.js";
import { renewOnce, send, tell } from "./page.js";
import { listen } from "./stream.js";
import { text } from "./texts.js";

const page = document.getElementById("session");
const session = page.dataset.session;
const all = page.querySelector("[data-list=all]");
const own = page.querySelector("[data-list=own]");
const body = document.getElementById("body");
const MOST_CHARACTERS = 400;
const SHORT = 60;
const TOGETHER_MS = 3_000;
const LONGEST_MS = 2 ** 31 - 1; // that a timer takes

const state = {
  questions: null, // those that all may see, by id; null until the stream has told them: till then the page has its own
  mine: null, // those of one's own that nobody else may see; the same
  voted: new Set(),
  pinned: null,
  session: null, // as the stream told it last
  waits: false, // in line
  mayVote: all.dataset.mayVote === "yes",
};

// --- what the server says in words: asked for when something changed, not by everybody in the same moment

let planned = null;
let looks = 0;
let shown = 0;
let later;

function lookWithin(milliseconds) {
  const at = performance.now() + Math.random() * milliseconds;
  if (planned && planned.at <= at) return;
  if (planned) clearTimeout(planned.timer);
  planned = { at, timer: setTimeout(look, at - performance.now()) };
}

async function look() {
  planned = null;
  looks += 1;
  const [turn, before] = [looks, state.session];
  let now;
  try {
    const answer = await fetch(`/s/${session}/now`, { headers: { Accept: "application/json" } });
    if (answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(answer.status);
    now = await answer.json();
  } catch {
    lookWithin(10_000);
    return;
  }
  if (turn < shown) return; // a younger one was quicker
  shown = turn;
  keepingFocus(() => show(now));
  if (state.session && state.session !== before) showSeats(state.session); // who was told more meanwhile
  lookLater(now);
}

/** Where nothing will be told: the doors open by the clock, and the stream says nothing of recordings. */
function lookLater(now) {
  clearTimeout(later);
  const left = Date.parse(now.doors_at) - Date.now();
  if (now.status === "scheduled" && left > 0 && left < LONGEST_MS) later = setTimeout(() => lookWithin(3_000), left);
  if (now.recording && !now.recording_url) later = setTimeout(() => lookWithin(30_000), 30_000);
}

/** What one has just used may be gone after the change: then the focus goes to the heading of its part. */
function keepingFocus(change) {
  const focused = document.activeElement;
  const part = focused?.closest("section");
  change();
  if (part && !focused.checkVisibility()) part.querySelector("h2").focus({ preventScroll: true });
}

function show(now) {
  if (page.dataset.status !== now.status) tell(now.status_text);
  page.dataset.status = now.status;
  const badge = page.querySelector("[data-now=status_text]");
  badge.className = `badge ${now.status}`;
  for (const one of page.querySelectorAll("[data-now]")) {
    const words = now[one.dataset.now];
    if (words && one.textContent !== words) one.textContent = words;
  }
  for (const one of page.querySelectorAll("[data-shown-if]")) one.hidden = !now[one.dataset.shownIf];
  if (body.value.trim()) document.getElementById("ask").hidden = false; // what was typed is not taken away
  for (const one of page.querySelectorAll("[data-shown-unless]")) one.hidden = Boolean(now[one.dataset.shownUnless]);
  for (const one of page.querySelectorAll("[data-href]")) if (now[one.dataset.href]) one.href = now[one.dataset.href];
  document.getElementById("when").dateTime = now.scheduled_at;
  state.mayVote = now.can_vote;
  draw();
  tick();
}

const tick = countDown(document.getElementById("countdown"), () =>
  page.dataset.status === "scheduled" ? Date.parse(document.getElementById("when").dateTime) : null,
);

// --- questions

function short(body) {
  const characters = [...body];
  return characters.length > SHORT ? `${characters.slice(0, SHORT).join("")}…` : body;
}

function blank(name) {
  return document.getElementById(name).content.querySelector("li").cloneNode(true);
}

function elementOf(list, template, question) {
  let element = list.querySelector(`[data-id="${question.id}"]`);
  if (!element) {
    element = blank(template);
    element.dataset.id = question.id;
  }
  const body = element.querySelector(".body");
  if (body.textContent !== question.body) body.textContent = question.body;
  element.querySelector(".short").textContent = short(question.body);
  return element;
}

function listed(question) {
  const element = elementOf(all, "listed-template", question);
  const isPinned = state.pinned === question.id;
  const isAnswered = question.status === "answered";
  element.id = `question-${question.id}`;
  element.classList.toggle("pinned", isPinned);
  element.classList.toggle("answered", isAnswered);
  element.querySelector(".is-pinned").hidden = !isPinned;
  element.querySelector(".is-answered").hidden = !isAnswered;
  showVotes(element, question.vote_count, state.voted.has(question.id));
  element.querySelector("form").action = `/s/${session}/questions/${question.id}/vote`;
  element.querySelector("form button").disabled = !state.mayVote || isAnswered;
  return element;
}

function showVotes(element, n, voted) {
  const form = element.querySelector("form");
  form.elements.wants.value = voted ? "no" : "yes";
  form.querySelector("button").setAttribute("aria-pressed", String(voted));
  form.querySelector(".count").textContent = n;
  form.querySelector(".votes-word").textContent = text("votes_for", { n });
}

function mine(question) {
  const element = elementOf(own, "own-template", question);
  const waits = question.status === "pending";
  element.querySelector(".is-waiting").hidden = !waits;
  element.querySelector(".is-dismissed").hidden = waits;
  const form = element.querySelector("form");
  form.action = `/s/${session}/questions/${question.id}/withdraw`;
  form.hidden = !waits;
  return element;
}

function inOrder(a, b) {
  return (
    Number(b.id === state.pinned) - Number(a.id === state.pinned) ||
    Number(a.status === "answered") - Number(b.status === "answered") ||
    b.vote_count - a.vote_count ||
    (a.asked_at + a.id < b.asked_at + b.id ? -1 : 1)
  );
}

function draw() {
  if (state.questions) {
    const questions = [...state.questions.values()].sort(inOrder);
    reorder(all, questions.map(listed));
    document.getElementById("no-questions").hidden = questions.length > 0;
  } else for (const button of all.querySelectorAll("li:not(.answered) .vote button")) button.disabled = !state.mayVote;
  if (state.mine) {
    const waiting = [...state.mine.values()];
    reorder(own, waiting.map(mine));
    document.getElementById("own").hidden = waiting.length === 0;
  }
}

let unannounced = 0;
let announcing = null;

function announce() {
  unannounced += 1;
  announcing ??= setTimeout(() => {
    document.getElementById("questions-told").textContent = text("new_questions", { n: unannounced });
    unannounced = 0;
    announcing = null;
  }, TOGETHER_MS);
}

function keepMine(questions) {
  state.mine = new Map(questions.filter((one) => ["pending", "dismissed"].includes(one.status)).map((one) => [one.id, one]));
}

// --- seats, which change most often: as long as there are some, their number is all that is to be said

function isFull(told) {
  return told.registered_count >= told.max_participants;
}

function showSeats(told) {
  const place = page.querySelector("[data-now=seats]");
  if (isFull(told) || !["scheduled", "live"].includes(told.status)) return;
  place.textContent = text("seats_left", { n: told.max_participants - told.registered_count });
  place.hidden = false;
}

/** Whether the server must say how things are: all look at once, so not for each seat that somebody takes. */
function needsWords(before, told) {
  if (!before || state.waits || isFull(before) !== isFull(told)) return true;
  const { registered_count: _before, ...one } = before;
  const { registered_count: _told, ...other } = told;
  return JSON.stringify(one) !== JSON.stringify(other);
}

// --- what the stream tells

const heard = {
  snapshot(told) {
    heard.session(told.session);
    state.questions = new Map(
      told.questions.filter((one) => ["approved", "answered"].includes(one.status)).map((one) => [one.id, one]),
    );
    state.pinned = told.pinned_question_id;
    heard.presence(told);
    draw();
    lookWithin(3_000); // also told when settings have changed
  },
  me(told) {
    state.waits = told.registration?.status === "waitlist";
    keepMine(told.questions);
    keepingFocus(draw);
    lookWithin(300);
  },
  session(told) {
    const title = document.getElementById("title");
    if (title.textContent !== told.title) title.textContent = told.title;
    const before = state.session;
    state.session = told;
    showSeats(told);
    if (needsWords(before, told)) lookWithin(told.status === page.dataset.status ? 3_000 : 1_000);
  },
  question(told) {
    if (!state.questions) return; // a snapshot comes first
    const isShown = told.question !== null && ["approved", "answered"].includes(told.question.status);
    if (isShown) {
      if (!state.questions.has(told.question_id)) announce();
      state.questions.set(told.question_id, told.question);
    } else state.questions.delete(told.question_id);
    keepingFocus(draw);
  },
  votes(told) {
    for (const [id, count] of Object.entries(told.counts)) {
      const known = state.questions?.get(id);
      if (known) known.vote_count = count;
    }
    draw();
  },
  pin(told) {
    state.pinned = told.question_id;
    draw();
  },
  presence(told) {
    document.getElementById("watching").textContent = text("watching", { n: told.watching });
  },
};

// --- forms, sent without leaving the page

function changed(form, answer, sent) {
  const act = form.getAttribute("action").split("/").at(-1);
  if (form.id === "ask") {
    if (body.value === sent) body.value = ""; // who typed on meanwhile keeps it
    renewOnce(form);
    countCharacters();
    tell(text(answer.status === "pending" ? "asked" : "asked_at_once"));
  } else if (form.className === "vote") {
    if (answer.has_voted) state.voted.add(answer.question_id);
    else state.voted.delete(answer.question_id);
    const known = state.questions?.get(answer.question_id);
    if (known) known.vote_count = answer.vote_count;
    showVotes(form.closest("li"), answer.vote_count, answer.has_voted);
    draw();
  } else if (answer?.url) location.assign(answer.url);
  else if (act === "cancel") tell(text("given_up"));
  else if (act === "withdraw") tell(text("withdrawn"));
  lookWithin(100);
}

page.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  const sent = body.value;
  try {
    changed(form, await send(form, event.submitter), sent);
  } catch (error) {
    // The answer to an earlier sending was lost on its way: it was asked, and what was typed since is another question.
    if (error.said?.error === "idempotency_key_payload_mismatch") renewOnce(form);
    tell(error.message, { isBad: true });
  } finally {
    form.removeAttribute("aria-busy");
  }
});

const hint = document.getElementById("body-hint");
const usual = hint.textContent;

function countCharacters() {
  const left = MOST_CHARACTERS - [...body.value.trim()].length;
  const isOver = left < 0;
  body.setAttribute("aria-invalid", String(isOver));
  if (left > MOST_CHARACTERS / 2) hint.textContent = usual;
  else hint.textContent = text(isOver ? "characters_over" : "characters_left", { n: Math.abs(left) });
}

body.addEventListener("input", countCharacters);

for (const one of all.children) {
  if (one.querySelector("button").getAttribute("aria-pressed") === "true") state.voted.add(one.dataset.id);
}
/** Another ticket: somebody may be typing, so the page is loaded again for who was signed out alone. */
async function renew() {
  const answer = await fetch(`/s/${session}/ticket`, { headers: { Accept: "application/json" } });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(answer.status);
}

listen(session, (name, told) => heard[name](told), renew);
