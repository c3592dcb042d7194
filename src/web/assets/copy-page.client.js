"use strict";

/* The "Copy page" button. Without this file the link to the Markdown is there all the same. */
const button = document.querySelector("[data-copy]");
const told = document.querySelector("[data-copied]");

async function copyPage() {
  try {
    const answer = await fetch(button.dataset.copy);
    if (!answer.ok) throw new Error(answer.statusText);
    await navigator.clipboard.writeText(await answer.text());
    button.textContent = "Copied";
    told.textContent = "The page is in the clipboard";
  } catch {
    button.textContent = "Cannot copy";
    told.textContent = "The page could not be copied: the link beside shows it";
  }
}

if (button && told && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", copyPage);
}
