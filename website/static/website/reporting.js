// htmx notes the page's address in the session storage when it starts; nothing of a report stays in the browser.
try {
  sessionStorage.removeItem("htmx-current-path-for-history");
} catch {
  // A browser without storage has nothing to forget.
}
