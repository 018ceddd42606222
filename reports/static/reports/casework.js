// Selected wording goes into the field of what to take out, with a guess at what it is. Everything works without this.
"use strict";

(() => {
  const passage = document.getElementById("fl-passage");
  const category = document.getElementById("fl-passage-category");
  if (!passage || !category) return;

  const guess = (text) => {
    if (text.includes("@")) return "email";
    if (/^[+(]?\d[\d ()./-]{5,}$/.test(text)) return "phone";
    if (/^\S{20,}$/.test(text)) return "key";
    return "name";
  };

  for (const field of document.querySelectorAll("#case_form textarea, #case_form input[type=text]")) {
    if (field === passage) continue;
    field.addEventListener("select", () => {
      const text = field.value.slice(field.selectionStart, field.selectionEnd).trim();
      if (text.length < 2 || text.length > 1000) return;
      passage.value = text;
      category.value = guess(text);
    });
  }
})();
