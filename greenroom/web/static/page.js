// What every page does: the viewer's zone, sign-out in all tabs, forms that show that they wait, word of being offline.

import { text } from "./texts.js";

const ZONE = "greenroom_zone";
const ASKED = "greenroom_zone_asked";

/** Says something aloud, and shows it for a while. */
export function tell(message, { isBad = false } = {}) {
  const place = document.getElementById("told");
  if (!place) return;
  const line = document.createElement("p");
  line.className = isBad ? "notice bad" : "notice good";
  line.textContent = message;
  place.replaceChildren(line);
  setTimeout(() => line.remove(), isBad ? 10_000 : 5_000);
}

/** The next sending of the form is another one. */
export function renewOnce(form) {
  const once = form.elements.namedItem("once");
  if (once) once.value = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

/** For who was signed out the page is loaded again; not while they are in a room, which goes on: see `token` of room.js. */
export function signedOut() {
  if (!["inside", "lobby"].includes(document.getElementById("room")?.dataset.state)) location.reload();
}

/** Sends a form without leaving the page: what the server answers, or an error whose message can be shown; `said` is all of it. */
export async function send(form, submitter) {
  const body = new URLSearchParams(new FormData(form));
  if (submitter?.name) body.set(submitter.name, submitter.value);
  let answer;
  try {
    answer = await fetch(submitter?.getAttribute("formaction") ?? form.getAttribute("action"), {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
      redirect: "error",
    });
  } catch {
    throw new Error(text("not_sent"));
  }
  if (answer.status === 204) return null;
  const said = await answer.json().catch(() => ({ message: text("not_sent") }));
  if (answer.status === 401) signedOut();
  if (!answer.ok) throw Object.assign(new Error(said.message), { status: answer.status, said });
  return said;
}

function keepZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const kept = document.cookie.split("; ").find((one) => one.startsWith(`${ZONE}=`));
  if (!zone || kept === `${ZONE}=${zone}`) return;
  document.cookie = `${ZONE}=${zone}; Path=/; Max-Age=31536000; SameSite=Lax`;
  const tellsTimes = document.querySelector("time") !== null;
  if (!tellsTimes || sessionStorage.getItem(ASKED) === zone) return;
  sessionStorage.setItem(ASKED, zone); // where cookies are refused, once is enough
  location.reload();
}

function leaveTogether() {
  const tabs = new BroadcastChannel("greenroom");
  tabs.addEventListener("message", (event) => {
    if (event.data === "signed out") location.reload();
  });
  for (const form of document.querySelectorAll("[data-signs-out]")) {
    addEventListener("pagehide", () => form.dataset.sent && tabs.postMessage("signed out"));
    form.addEventListener("submit", () => {
      form.dataset.sent = "yes";
    });
  }
}

/** A form that was sent waits, visibly, and is not sent twice. */
function showWaiting() {
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  });
}

function tellWhenOffline() {
  const place = document.getElementById("offline");
  const show = () => {
    place.hidden = navigator.onLine;
    place.textContent = navigator.onLine ? "" : text("offline");
  };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}

/** What a page before has recorded, and could not bring any more (recorder_pieces.js). */
function bringRecordings() {
  const csrf = document.querySelector("input[name=csrf]")?.value;
  try {
    if (csrf && localStorage.getItem("greenroom_recording")) {
      const inRoom = document.getElementById("room") && document.getElementById("session")?.dataset.session;
      import("./recorder_pieces.js").then(({ bringLeftOver }) => bringLeftOver(csrf, inRoom)).catch(() => {});
    }
  } catch {
    // where the browser keeps nothing there is nothing to bring
  }
}

keepZone();
leaveTogether();
showWaiting();
tellWhenOffline();
document.getElementById("problems")?.focus();
bringRecordings();
