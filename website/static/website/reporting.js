// htmx notes the page's address in the session storage when it starts; nothing of a report stays in the browser.
try {
  sessionStorage.removeItem("htmx-current-path-for-history");
} catch {
  // A browser without storage has nothing to forget.
}

// What was typed before the page could listen counts as typed now.
addEventListener("load", () => {
  for (const field of document.querySelectorAll("main form textarea, main form input[type=text]")) {
    if (field.value !== field.defaultValue) {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
});
