// The moderation queue with one thumb: a card leaves, and the next one's buttons are where the thumb is. Others' acts and what is
// newly asked come by the live stream, and move nothing that is read.

import { renewOnce, send, tell } from "./page.js";
import { text } from "./texts.js";

const FEW = 10; // cards that wait on the page; with fewer, those that follow are fetched
const SNAPSHOT_OF_EACH = 100;
const MOVING_MS = 250;
const NEW_TOGETHER_MS = 1_500;
const STREAM_AGAIN_MS = [2_000, 10_000];
const DONE = {
  approved: "queue_approved", dismissed: "queue_dismissed", answered: "queue_answered", pin: "queue_pinned", unpin: "queue_unpinned",
};
const GONE = { approved: "queue_gone_approved", dismissed: "queue_gone_dismissed", answered: "queue_gone_answered" };
const STEP = { pending: 0, approved: 1, answered: 2, dismissed: 2 }; // none is taken back

const queue = document.getElementById("queue");
const { session, zone } = queue.dataset;
const isContinued = "continued" in queue.dataset;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const days = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "full", timeZone: zone });
const times = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
let pinned = queue.dataset.pinned || null;
let newOnes = 0;

const cardOf = (id) => document.getElementById(`question-${id}`);
const sectionOf = (status) => queue.querySelector(`[data-section="${status}"]`);
const listOf = (status) => sectionOf(status)?.querySelector("[data-list]");
const moreOf = (status) => sectionOf(status)?.querySelector("[data-more]");
const cards = () => [...queue.querySelectorAll(".ask")];

// What a card shows.

function told(moment) {
  const [day, time] = [days.format(moment), times.format(moment)];
  return day === days.format(new Date()) ? time : text("queue_asked", { day, time });
}

function made(question, asked) {
  const card = document.getElementById(`card-${question.status}`).content.firstElementChild.cloneNode(true);
  const { id } = question;
  card.id = `question-${id}`;
  Object.assign(card.dataset, { id, asked: question.asked_at });
  const body = card.querySelector(".ask-body");
  body.id = `body-${id}`;
  body.textContent = question.body;
  card.querySelector("[data-asker]").textContent = question.asker_user_id;
  const time = card.querySelector("time");
  time.dateTime = question.asked_at;
  time.textContent = asked ?? told(new Date(question.asked_at));
  for (const form of card.querySelectorAll("form")) {
    form.action = `/host/${session}/questions/${id}/${form.dataset.act}`;
    renewOnce(form);
  }
  for (const button of card.querySelectorAll("button")) button.setAttribute("aria-describedby", body.id);
  countVotes(card, question.vote_count);
  markPinned(card);
  return card;
}

function countVotes(card, n) {
  card.dataset.votes = n;
  card.querySelector("[data-told-votes]").textContent = text("queue_votes", { n });
}

function markPinned(card) {
  const isPinned = card.dataset.id === pinned;
  card.classList.toggle("is-pinned", isPinned);
  card.querySelector("[data-mark]").hidden = !isPinned;
  const [pin, unpin] = ["pin", "unpin"].map((act) => card.querySelector(`[data-act="${act}"]`));
  if (pin) pin.hidden = isPinned || card.dataset.status === "answered";
  if (unpin) unpin.hidden = !isPinned;
}

function pinnedIs(id) {
  pinned = id;
  cards().forEach(markPinned);
}

// Where a card stands.

function standsBefore(card, other) {
  const isOlder = card.dataset.asked + card.dataset.id < other.dataset.asked + other.dataset.id;
  if (card.dataset.status === "pending") return isOlder;
  if (card.dataset.status !== "approved") return !isOlder;
  const more = Number(card.dataset.votes) - Number(other.dataset.votes);
  return more > 0 || (more === 0 && isOlder);
}

/** Put a card into its section; false where that one is not shown, or its place is among those that are not on this page. */
function settle(card) {
  const { status } = card.dataset;
  const list = listOf(status);
  if (!list) return false;
  list.insertBefore(card, [...list.children].find((one) => standsBefore(card, one)) ?? null);
  const isBefore = isContinued && card === list.firstElementChild;
  const isAfter = moreOf(status) && card === list.lastElementChild;
  if (isBefore || isAfter) card.remove();
  return !isBefore && !isAfter;
}

/** The order of votes; whatever has the focus is not moved, the others are moved around it. */
function sortApproved() {
  const list = listOf("approved");
  if (!list) return;
  const sorted = [...list.children].sort((one, other) => (standsBefore(one, other) ? -1 : 1));
  if (sorted.every((card, at) => list.children[at] === card)) return;
  const kept = sorted.findIndex((card) => card.contains(document.activeElement));
  sorted.forEach((card, at) => {
    if (at < kept) list.insertBefore(card, sorted[kept]);
    else if (at !== kept) list.append(card);
  });
}

function count() {
  for (const section of queue.querySelectorAll("[data-section]")) {
    const n = section.querySelector("[data-list]").childElementCount;
    const more = section.querySelector("[data-more]");
    section.querySelector("[data-count]").textContent = text(more ? "queue_shown_of_more" : "queue_shown", { n });
    section.querySelector("[data-empty]").hidden = n > 0;
    if (more && n < FEW && section.dataset.section === "pending") fetchMore(more);
  }
}

// How things move.

const topOf = (element) => element.getBoundingClientRect().top;
const scrollOver = (by) => scrollBy({ top: by, behavior: "instant" });

/** What changes the lists; whoever is moved by it glides there. */
function gliding(change) {
  const before = new Map(cards().map((card) => [card, topOf(card)]));
  change();
  count();
  if (still.matches) return;
  for (const [card, top] of before) {
    const by = card.isConnected ? top - topOf(card) : 0;
    if (Math.abs(by) > 1 && Math.abs(by) < 2 * innerHeight) {
      card.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: MOVING_MS, easing: "ease-out" });
    }
  }
}

/** It comes to stand at this height: the page is scrolled, and where it cannot be, there is more room for a button. */
function bringTo(element, top) {
  scrollOver(topOf(element) - top);
  const off = topOf(element) - top;
  if (off < 0 && element.matches("button")) {
    const card = element.closest(".ask");
    card.style.minHeight = `${card.offsetHeight - off}px`;
  } else if (off > 0) {
    const room = queue.querySelector("[data-room]");
    room.style.height = `${room.offsetHeight + off}px`;
    scrollOver(off);
  }
}

/** What others change: that which is about to be pressed stays where it is, or else that which is read. */
function anchored(change, leaving = null) {
  const isSeen = (card) => card && card !== leaving && card.getBoundingClientRect().bottom > 0 && topOf(card) < innerHeight;
  const { activeElement: focused } = document;
  const kept = isSeen(focused?.closest(".ask")) ? focused : cards().find(isSeen);
  const top = kept && topOf(kept);
  gliding(() => {
    change();
    if (kept?.isConnected) bringTo(kept, top);
  });
}

/** A picture of the card goes away to the side, while the card itself is gone. */
function wave(card) {
  if (still.matches) return;
  const { top, left, width } = card.getBoundingClientRect();
  const ghost = card.cloneNode(true);
  for (const one of [ghost, ...ghost.querySelectorAll("[id]")]) one.removeAttribute("id");
  ghost.className = "card ask-ghost";
  ghost.inert = true;
  ghost.setAttribute("aria-hidden", "true");
  Object.assign(ghost.style, { top: `${top}px`, left: `${left}px`, width: `${width}px` });
  queue.append(ghost);
  const gone = ghost.animate([{ opacity: 1 }, { opacity: 0, transform: "translateX(40%)" }], { duration: MOVING_MS, easing: "ease-in" });
  gone.finished.finally(() => ghost.remove());
}

function pauseForThumb() {
  queue.classList.add("is-moving");
  setTimeout(() => queue.classList.remove("is-moving"), MOVING_MS);
}

// What a moderator does.

/** The card leaves to where its question is now; the focus goes to the same button of the next one. */
function leaves(card, button, question) {
  const list = card.parentElement;
  const next = card.nextElementSibling ?? card.previousElementSibling;
  const same = next?.querySelector(`button[value="${button.value}"]`) ?? next?.querySelector("form:not([hidden]) button");
  const top = topOf(button);
  wave(card);
  pauseForThumb();
  gliding(() => {
    card.remove();
    if (question) settle(made(question, card.querySelector("time").textContent));
    if (same) bringTo(same, top);
  });
  const empty = list.closest("[data-section]").querySelector("[data-empty]");
  (same ?? (empty.hidden ? queue : empty)).focus({ preventScroll: Boolean(same) });
}

/** The question as the server says that it is now, after what was done here. */
function becomes(card, button, question) {
  if (question.is_pinned) pinnedIs(question.id);
  else if (pinned === question.id) pinnedIs(null);
  if (question.status !== card.dataset.status) leaves(card, button, question);
  else card.querySelector("form:not([hidden]) [name='once'] ~ button")?.focus();
}

function isBusy(card, button, busy) {
  if (busy) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
  card.toggleAttribute("data-busy", busy);
}

async function act(form, button) {
  const card = form.closest(".ask");
  if (card.gone) return leaves(card, button, card.gone);
  if (card.hasAttribute("data-busy")) return;
  isBusy(card, button, true);
  try {
    const question = await send(form, button);
    renewOnce(form);
    becomes(card, button, question);
    const done = form.dataset.act === "moderate" ? question.status : form.dataset.act;
    tell(text(DONE[done]));
  } catch (error) {
    if (error.said?.question) becomes(card, button, error.said.question);
    tell(error.message, { isBad: true });
  } finally {
    isBusy(card, button, false);
  }
}

queue.addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.target, event.submitter ?? event.target.querySelector("button"));
});

// What others do.

function isAsked(question) {
  const isSettled = settle(made(question));
  if (question.status !== "pending" || !isSettled) return;
  newOnes += 1;
  if (newOnes > 1) return;
  setTimeout(() => {
    tell(text("queue_new", { n: newOnes }));
    newOnes = 0;
  }, NEW_TOGETHER_MS);
}

/** Who is about to press a button of the card is told; it goes when the focus does. */
function standsStill(card, question) {
  card.gone = question;
  const said = text(GONE[question.status]);
  const line = card.querySelector("[data-gone]");
  const top = topOf(document.activeElement);
  line.textContent = said;
  line.hidden = false;
  bringTo(document.activeElement, top);
  for (const button of card.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  tell(said);
}

function othersMove(card, question) {
  anchored(() => {
    card.remove();
    settle(made(question, card.querySelector("time").textContent));
  }, card);
}

function changes(question) {
  const card = cardOf(question.id);
  if (!card) return anchored(() => isAsked(question));
  if (card.hasAttribute("data-busy")) return; // the answer is on its way
  if (STEP[question.status] < STEP[card.dataset.status]) return; // looked up before the last act
  if (question.status === card.dataset.status) return countsAre({ [question.id]: question.vote_count });
  if (card.contains(document.activeElement)) standsStill(card, question);
  else {
    wave(card);
    othersMove(card, question);
  }
}

queue.addEventListener("focusout", (event) => {
  const card = event.target.closest(".ask");
  if (card?.gone && card.isConnected && !card.contains(event.relatedTarget)) {
    setTimeout(() => {
      if (card.isConnected && !card.contains(document.activeElement)) othersMove(card, card.gone);
    });
  }
});

function countsAre(counts) {
  const changed = Object.entries(counts).filter(([id, n]) => cardOf(id) && Number(cardOf(id).dataset.votes) !== n);
  if (!changed.length) return;
  anchored(() => {
    for (const [id, n] of changed) countVotes(cardOf(id), n);
    sortApproved();
  });
}

/** All anew: what is on the page and is not told of, though there is room for it, is dismissed. */
function isAll({ questions, pinned_question_id: id }) {
  pinnedIs(id);
  const told = new Set(questions.map((one) => one.id));
  for (const status of ["pending", "approved", "answered"]) {
    if (questions.filter((one) => one.status === status).length >= SNAPSHOT_OF_EACH) continue;
    for (const card of cards()) {
      if (card.dataset.status !== status || told.has(card.dataset.id) || card.hasAttribute("data-busy")) continue;
      changes(questionIn(card, "dismissed"));
    }
  }
  for (const question of questions) changes(question);
}

function questionIn(card, status) {
  const shown = (selector) => card.querySelector(selector).textContent;
  return {
    id: card.dataset.id, status, body: shown(".ask-body"), asker_user_id: shown("[data-asker]"),
    asked_at: card.dataset.asked, vote_count: Number(card.dataset.votes),
  };
}

// What follows.

async function asJson(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, redirect: "error" });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.message ?? text("not_sent"));
  return answer.status === 204 ? null : answer.json();
}

async function fetchMore(more, { focuses = false } = {}) {
  if (more.getAttribute("aria-busy") === "true") return;
  more.setAttribute("aria-busy", "true");
  try {
    const section = await asJson(`/host/${session}/questions/more${new URL(more.href).search}`);
    if (section.next_cursor === null) more.parentElement.remove();
    else more.search = new URLSearchParams({ status: section.status, cursor: section.next_cursor });
    const added = section.cards.filter(({ question }) => !cardOf(question.id)).map(({ question, asked }) => made(question, asked));
    listOf(section.status).append(...added);
    more.removeAttribute("aria-busy");
    count();
    if (focuses) added[0]?.focus();
  } catch (error) {
    tell(error instanceof TypeError ? text("not_sent") : error.message, { isBad: true });
    more.removeAttribute("aria-busy");
  }
}

queue.addEventListener("click", (event) => {
  const more = event.target.closest("[data-more]");
  if (!more || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  fetchMore(more, { focuses: true });
});

function listen() {
  const source = new EventSource(`/v1/sessions/${session}/stream`);
  const on = (name, told) => source.addEventListener(name, (event) => told(JSON.parse(event.data)));
  on("snapshot", isAll);
  on("question", ({ question }) => question && changes(question));
  on("votes", ({ counts }) => countsAre(counts));
  on("pin", ({ question_id: id }) => pinnedIs(id));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) listenAgain();
  });
}

/** With another ticket, and not all in the same moment. */
function listenAgain() {
  const [least, most] = STREAM_AGAIN_MS;
  setTimeout(() => asJson(`/host/${session}/questions/ticket`).then(listen, listenAgain), least + Math.random() * (most - least));
}

listen();
