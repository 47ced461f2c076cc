// Forms of a session, sent without leaving the page.

import { renewOnce, send, signedOut, tell } from "./page.js";

/** Sends every form of the page; `sent` is called with the form, what was answered, and what was typed when it was sent. */
export function sendForms(page, typed, sent) {
  page.addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    const before = typed();
    try {
      sent(form, await send(form, event.submitter), before);
    } catch (error) {
      // The answer to an earlier sending was lost on its way: it was asked, and what was typed since is another question.
      if (error.said?.error === "idempotency_key_payload_mismatch") renewOnce(form);
      tell(error.message, { isBad: true });
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}

/** Another ticket for the stream: somebody may be typing, so the page is loaded again for who was signed out alone. */
export async function renewTicket(session) {
  const answer = await fetch(`/s/${session}/ticket`, { headers: { Accept: "application/json" } });
  if (answer.status === 401) signedOut();
  if (!answer.ok) throw new Error(answer.status);
}
