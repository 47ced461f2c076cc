// A host's page of one session: what changes by itself is shown, what is being typed is left alone.

import { listen } from "./stream.js";
import { text } from "./texts.js";

const page = document.getElementById("desk");
const form = document.getElementById("edit");
const session = page.dataset.session;
const elsewhere = document.getElementById("elsewhere");
const seats = form.elements.max_participants;
const movesUp = document.getElementById("move-up");
const state = {
  status: page.dataset.status,
  registered: Number(page.dataset.registered),
  waiting: Number(page.dataset.waiting),
  max_participants: Number(form.dataset.seats),
  moves_up: movesUp.textContent,
};

let planned = null;

function lookSoon() {
  planned ??= setTimeout(look, 200 + Math.random() * 800);
}

async function look() {
  planned = null;
  try {
    const answer = await fetch(`/host/${session}/now`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    show(await answer.json());
  } catch {
    planned = setTimeout(look, 5_000);
  }
}

function show(now) {
  Object.assign(state, now);
  for (const one of document.querySelectorAll("[data-desk]")) {
    if (one.textContent !== now[one.dataset.desk]) one.textContent = now[one.dataset.desk];
  }
  const bar = document.getElementById("seats");
  bar.max = now.max_participants;
  bar.value = Math.min(now.registered, now.max_participants);
  tellWhoMovesUp();
  const badge = document.querySelector("[data-status].badge");
  badge.className = `badge ${now.status}`;
  badge.textContent = now.status_text;
  // Whatever was changed: the stream does not tell all of it.
  if (String(now.version) !== form.elements.version.value) elsewhere.hidden = false;
}

/** What the number that is typed would do; of none that is larger, what a larger one would. */
function tellWhoMovesUp() {
  const wanted = Number(seats.value);
  const isLarger = Number.isInteger(wanted) && wanted > state.max_participants;
  const n = Math.max(0, Math.min(state.waiting, wanted - state.registered));
  movesUp.hidden = !state.moves_up;
  const words = isLarger && state.moves_up ? text("desk_moves_up", { n }) : state.moves_up;
  if (movesUp.textContent !== words) movesUp.textContent = words;
}

function isAsShown(told) {
  return (
    told.title.replace(/[\r\n]/g, "") === form.dataset.title &&
    String(told.max_participants) === form.dataset.seats &&
    Date.parse(told.scheduled_at) === Date.parse(form.dataset.instant)
  );
}

async function renew() {
  const answer = await fetch(`/host/${session}/questions/ticket`, { headers: { Accept: "application/json" } });
  if ([401, 403, 404].includes(answer.status)) return new Promise(() => {}); // nobody's to watch any longer
  if (!answer.ok) throw new Error(answer.status);
}

seats.addEventListener("input", tellWhoMovesUp);
listen(
  session,
  (name, told) => {
    const now = name === "snapshot" ? told.session : name === "session" ? told : null;
    if (!now) return;
    if (!isAsShown(now)) elsewhere.hidden = false;
    lookSoon();
  },
  renew,
);
