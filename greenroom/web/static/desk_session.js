// A host's page of one session: what changes by itself is shown, what is being typed is left alone.

import { listen } from "./stream.js";

const page = document.getElementById("desk");
const form = document.getElementById("edit");
const session = page.dataset.session;
const elsewhere = document.getElementById("elsewhere");

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
  for (const one of document.querySelectorAll("[data-desk]")) {
    if (one.textContent !== now[one.dataset.desk]) one.textContent = now[one.dataset.desk];
  }
  const bar = document.getElementById("seats");
  bar.max = now.max_participants;
  bar.value = Math.min(now.registered, now.max_participants);
  document.getElementById("move-up").hidden = !now.waiting || form.elements.max_participants.disabled;
  const badge = document.querySelector("[data-status].badge");
  badge.className = `badge ${now.status}`;
  badge.textContent = now.status_text;
  if (now.status !== page.dataset.status) elsewhere.hidden = false;
}

function isAsShown(told) {
  return (
    told.title === form.dataset.title &&
    String(told.max_participants) === form.dataset.seats &&
    Date.parse(told.scheduled_at) === Date.parse(form.dataset.instant)
  );
}

listen(session, (name, told) => {
  const state = name === "snapshot" ? told.session : name === "session" ? told : null;
  if (!state) return;
  if (!isAsShown(state)) elsewhere.hidden = false;
  lookSoon();
});
