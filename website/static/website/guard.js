// Proof of work for the form it stands in: a worker solves a challenge of ours (ALTCHA's protocol) while somebody reads.
// Whatever fails here, the form is sent all the same; then the small question stands in for it.
"use strict";
for (const guard of document.querySelectorAll(".guard")) {
  const form = guard.closest("form");
  const proof = guard.querySelector("[name=proof]");
  const question = guard.querySelector(".guard-question");
  const status = guard.querySelector(".guard-status");
  const LONGEST_WAIT = 20000;
  let solving = null;
  let aliveUntil = 0;
  let waiting = false;
  let sent = false;

  const solve = async () => {
    const answer = await fetch(guard.dataset.challenge, { credentials: "omit", cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const challenge = await answer.json();
    const worker = new Worker(guard.dataset.worker);
    try {
      const solution = await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => (data && !data.error ? resolve(data) : reject(new Error("unsolved")));
        worker.onerror = reject;
        worker.postMessage({ type: "work", challenge, counterStart: 0, counterStep: 1, timeout: LONGEST_WAIT });
      });
      proof.value = btoa(JSON.stringify({ challenge, solution }));
      aliveUntil = challenge.parameters.expiresAt * 1000 - 30000;
    } finally {
      worker.terminate();
    }
  };
  const begin = () => {
    if (solving === null || (proof.value && Date.now() > aliveUntil)) {
      proof.value = "";
      solving = solve().catch(() => {
        question.hidden = false;
      });
    }
    return solving;
  };

  if (window.Worker && window.crypto && window.crypto.subtle) {
    question.hidden = true;
    begin();
    form.addEventListener("submit", async (event) => {
      const ready = begin();
      if (sent || proof.value) return;
      event.preventDefault();
      if (waiting) return;
      waiting = true;
      const { submitter } = event;
      status.textContent = guard.dataset.wait;
      await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, LONGEST_WAIT))]);
      sent = true;
      // Later: while this event is being handled, a form refuses to be sent again.
      setTimeout(() => form.requestSubmit(submitter));
    });
  }
  // A page from the browser's memory holds a proof that has been used.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    proof.value = "";
    solving = null;
    sent = waiting = false;
    status.textContent = "";
  });
}
