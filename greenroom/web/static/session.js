// The page of a session, live: seats, the place in line, questions and their votes, as they change.

import { countDown } from "./countdown.js";
import { tell } from "./page.js";
import { renewTicket, sendForms } from "./session_forms.js";
import { followNow } from "./session_now.js";
import { questionsOf } from "./session_questions.js";
import { listen } from "./stream.js";
import { text } from "./texts.js";

const page = document.getElementById("session");
const session = page.dataset.session;
const questions = questionsOf(page, session);
const state = {
  session: null, // as the stream told it last
  toldAt: 0, // when that was
  waits: false, // in line
};

const lookWithin = followNow(page, session, (now, asked) => {
  document.getElementById("when").dateTime = now.scheduled_at;
  questions.show(now);
  tick();
  if (state.session && state.toldAt > asked) showSeats(state.session); // who was told more meanwhile
});

const tick = countDown(document.getElementById("countdown"), () =>
  page.dataset.status === "scheduled" ? Date.parse(document.getElementById("when").dateTime) : null,
);

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
    questions.heard.snapshot(told);
    heard.presence(told);
    lookWithin(3_000); // also told when settings have changed
  },
  me(told) {
    state.waits = told.registration?.status === "waitlist";
    questions.heard.me(told);
    lookWithin(300);
  },
  session(told) {
    const title = document.getElementById("title");
    if (title.textContent !== told.title) title.textContent = told.title;
    const before = state.session;
    state.session = told;
    state.toldAt = performance.now();
    showSeats(told);
    if (needsWords(before, told)) lookWithin(told.status === page.dataset.status ? 3_000 : 1_000);
  },
  presence(told) {
    document.getElementById("watching").textContent = text("watching", { n: told.watching });
  },
};

sendForms(page, questions.typed, (form, answer, typed) => {
  questions.sent(form, answer, typed);
  const act = form.getAttribute("action").split("/").at(-1);
  if (answer?.url) location.assign(answer.url);
  else if (act === "cancel") tell(text("given_up"));
  lookWithin(100);
});

listen(session, (name, told) => (heard[name] ?? questions.heard[name])(told), () => renewTicket(session));
