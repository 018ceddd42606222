// Counts down to the moment of each <time data-countdown>, and shows the page anew once a near one has come.
// Without it the page says the moment itself.
"use strict";

const NEAR_SECONDS = 600;
const WORKER_SECONDS = 3;

function inWords(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min` : `${Math.floor(hours / 24)} days`;
}

function countDown(moment) {
  const until = Date.parse(moment.dateTime);
  const left = document.createElement("span");
  left.className = "fl-countdown";
  moment.after(" ", left);
  const near = (until - Date.now()) / 1000 < NEAR_SECONDS;
  const tick = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    left.textContent = seconds > 0 ? `(in ${inWords(seconds)})` : "(now)";
    if (seconds > 0) return;
    clearInterval(timer);
    // What somebody is writing is not taken away from them.
    const writing = document.activeElement?.matches("input, textarea, select");
    if (near && !writing) setTimeout(() => location.reload(), WORKER_SECONDS * 1000);
  };
  const timer = setInterval(tick, 1000);
  tick();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("time[data-countdown]").forEach(countDown);
});
