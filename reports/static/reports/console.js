// The console's keyboard, heartbeat and countdown. Every key presses something that is also a button or a link;
// without this file all of it works by hand.
(() => {
  "use strict";
  const bar = document.querySelector(".fl-bar");
  if (!bar) return;
  const on = bar.dataset.shortcuts === "on";
  const FIELDS = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]";

  // --- Help ---
  const help = document.querySelector("[data-opens]");
  const dialog = document.getElementById("fl-keys");
  help.hidden = false;
  help.addEventListener("click", () => dialog.showModal());

  // --- Keys ---
  // The page's own button before the bar's.
  const target = (key) => [...document.querySelectorAll("[data-key]")].findLast((one) => one.dataset.key === key);
  const reach = (one) => {
    const field = one.matches("div") ? one.querySelector("select, input, textarea") : null;
    if (field) {
      field.scrollIntoView({block: "nearest"});
      field.focus();
    } else if (!one.disabled) {
      one.click();
      const opened = one.matches("summary") && one.parentElement.querySelector("input:not([type=hidden]), textarea");
      if (opened) setTimeout(() => opened.focus());
    }
  };
  const rows = () => [...document.querySelectorAll("#result_list tbody tr")];
  const walk = (step) => {
    const all = rows();
    if (!all.length) return false;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const row = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
    const link = row.querySelector("th a, td a");
    if (link) link.focus();
    row.scrollIntoView({block: "nearest"});
    return true;
  };
  const choose = () => {
    const row = rows().find((one) => one.contains(document.activeElement));
    const box = row && row.querySelector("input.action-select");
    if (box) box.click();
    return Boolean(box);
  };
  const keys = {j: () => walk(1), k: () => walk(-1), x: choose};
  const press = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.isComposing) return;
    if (dialog.open || event.target.closest(FIELDS)) {
      if (event.key === "Escape" && event.target.matches && event.target.matches(FIELDS)) event.target.blur();
      return;
    }
    const one = target(event.key);
    if (one && one.checkVisibility()) {
      event.preventDefault();
      reach(one);
    } else if (keys[event.key] && keys[event.key]()) {
      event.preventDefault();
    }
  };
  if (on) {
    document.addEventListener("keydown", press);
    document.body.classList.add("fl-shortcuts");
    for (const one of document.querySelectorAll("button[data-key], a[data-key]")) {
      const hint = document.createElement("kbd");
      hint.textContent = one.dataset.key;
      hint.setAttribute("aria-hidden", "true");
      one.append(" ", hint);
      one.setAttribute("aria-keyshortcuts", one.dataset.key);
    }
  }
  // Enter in a list of reasons or cases presses the first button of its form.
  for (const form of document.querySelectorAll("form[data-enter]")) {
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("select") && event.target.value) {
        event.preventDefault();
        form.requestSubmit(form.querySelector("button[type=submit]"));
      }
    });
  }

  // --- Nothing is pressed twice ---
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // --- The lease ---
  const held = document.querySelector("[data-heartbeat]");
  if (held) {
    const EVERY = 4 * 60 * 1000;
    const words = held.querySelector("[data-lease]");
    const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
    const beat = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        const answer = await fetch(held.dataset.heartbeat, {method: "POST", headers: {"X-CSRFToken": token}});
        if (answer.status === 409) {
          words.textContent = "No longer: somebody took it over, or it was decided. Load the page again.";
          words.className = "fl-bad-text";
          clearInterval(timer);
        } else if (answer.ok) {
          words.textContent = "The hold is renewed while this page is open.";
        }
      } catch {
        words.textContent = "The hold could not be renewed: the server does not answer.";
      }
    };
    const timer = setInterval(beat, EVERY);
    document.addEventListener("visibilitychange", beat);
    beat();
  }

  // --- The time left to undo ---
  const undo = document.querySelector("form[data-seconds]");
  if (undo) {
    const end = Date.now() + 1000 * Number(undo.dataset.seconds);
    const left = undo.querySelector("[data-left]");
    const count = setInterval(() => {
      const seconds = Math.ceil((end - Date.now()) / 1000);
      left.textContent = Math.max(seconds, 0);
      if (seconds <= 0) {
        clearInterval(count);
        undo.remove();
      }
    }, 500);
  }
})();
