"use strict";

/* Copies what stands beside. Without this file the text can be selected all the same. */
for (const button of document.querySelectorAll("[data-copy-text]")) {
  const id = button.dataset.copyText;
  const text = document.getElementById(id);
  const told = document.querySelector(`[data-copied="${id}"]`);
  if (!text || !told || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent.trim());
      told.textContent = "It is in the clipboard";
      button.textContent = "Copied";
    } catch {
      told.textContent = "It could not be copied: select it instead";
      button.textContent = "Cannot copy";
    }
  });
}
