// Single keys on pages with a search: "/" to it, "j" and "k" through the records, "?" for help. Each reader can switch
// them off (WCAG 2.2, 2.1.4); that, and nothing else, is remembered, in this browser alone.
(() => {
  "use strict";
  const NAME = "faultline-keys";
  const help = document.getElementById("keys");
  const toggle = document.getElementById("keys-on");
  const opener = document.getElementById("keys-open");
  const search = document.querySelector("main input[type=search]");
  const links = () => [...document.querySelectorAll(".row-title a, .line > a, .records-wide tbody td a")];
  const remembered = () => {
    try {
      return localStorage.getItem(NAME);
    } catch {
      return null; // storage may be forbidden: then the switch holds for this page
    }
  };
  let on = remembered() !== "off";

  const show = () => {
    toggle.checked = on;
    help.showModal();
  };
  const step = (by) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
    all[to]?.focus();
  };
  const keys = { "/": () => search?.focus(), j: () => step(1), k: () => step(-1), "?": show };

  opener.hidden = false;
  opener.addEventListener("click", show);
  toggle.addEventListener("change", () => {
    on = toggle.checked;
    try {
      if (on) localStorage.removeItem(NAME);
      else localStorage.setItem(NAME, "off");
    } catch {
      // as above
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
    if (!on || typing || help.open || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
