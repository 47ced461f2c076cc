// The questions of a session, live: on its page, and beside the picture in its room. They are asked, voted on and taken back.

import { reorder } from "./moving.js";
import { renewOnce, tell } from "./page.js";
import { keepingFocus } from "./session_now.js";
import { text } from "./texts.js";

const MOST_CHARACTERS = 400;
const SHORT = 60;
const TOGETHER_MS = 3_000;

/** `heard`: what the stream tells of questions. `show(now)`: what may be done. `sent(form, answer, typed)`: what came of a form. */
export function questionsOf(page, session) {
  const all = page.querySelector("[data-list=all]");
  const own = page.querySelector("[data-list=own]");
  const body = document.getElementById("body");
  const hint = document.getElementById("body-hint");
  const usual = hint.textContent;
  const state = {
    questions: null, // those that all may see, by id; null until the stream has told them: till then the page has its own
    mine: null, // those of one's own that nobody else may see; the same
    voted: new Set(),
    pinned: null,
    mayVote: all.dataset.mayVote === "yes",
  };
  let unannounced = 0;
  let announcing = null;

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

  function announce() {
    unannounced += 1;
    announcing ??= setTimeout(() => {
      document.getElementById("questions-told").textContent = text("new_questions", { n: unannounced });
      unannounced = 0;
      announcing = null;
    }, TOGETHER_MS);
  }

  function countCharacters() {
    const left = MOST_CHARACTERS - [...body.value.trim()].length;
    const isOver = left < 0;
    body.setAttribute("aria-invalid", String(isOver));
    if (left > MOST_CHARACTERS / 2) hint.textContent = usual;
    else hint.textContent = text(isOver ? "characters_over" : "characters_left", { n: Math.abs(left) });
  }

  const heard = {
    snapshot(told) {
      state.questions = new Map(
        told.questions.filter((one) => ["approved", "answered"].includes(one.status)).map((one) => [one.id, one]),
      );
      state.pinned = told.pinned_question_id;
      draw();
    },
    me(told) {
      state.mine = new Map(
        told.questions.filter((one) => ["pending", "dismissed"].includes(one.status)).map((one) => [one.id, one]),
      );
      keepingFocus(draw);
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
  };

  function show(now) {
    if (body.value.trim()) document.getElementById("ask").hidden = false; // what was typed is not taken away
    state.mayVote = now.can_vote;
    draw();
  }

  function sent(form, answer, typed) {
    if (form.id === "ask") {
      if (body.value === typed) body.value = ""; // who typed on meanwhile keeps it
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
    } else if (form.className === "withdraw") tell(text("withdrawn"));
  }

  body.addEventListener("input", countCharacters);
  for (const one of all.children) {
    if (one.querySelector("button").getAttribute("aria-pressed") === "true") state.voted.add(one.dataset.id);
  }
  return { heard, show, sent, typed: () => body.value };
}

function short(body) {
  const characters = [...body];
  return characters.length > SHORT ? `${characters.slice(0, SHORT).join("")}…` : body;
}

function blank(name) {
  return document.getElementById(name).content.querySelector("li").cloneNode(true);
}

function showVotes(element, n, voted) {
  const form = element.querySelector("form");
  form.elements.wants.value = voted ? "no" : "yes";
  form.querySelector("button").setAttribute("aria-pressed", String(voted));
  form.querySelector(".count").textContent = n;
  form.querySelector(".votes-word").textContent = text("votes_for", { n });
}
