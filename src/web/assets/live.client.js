"use strict";

/* Keeps the live view fresh. Without this file the page loads itself again. */
const told = document.getElementById("live");
const total = document.getElementById("live-total");
const mostRows = 50;

function cellInto(place, cell) {
  if (typeof cell === "string") {
    place.textContent = cell;
    return;
  }
  const dash = document.createElement("abbr");
  dash.title = cell.why;
  const said = document.createElement("span");
  said.className = "said";
  said.textContent = ` ${cell.why}`;
  dash.append("—", said);
  place.replaceChildren(dash);
}

function rowOf(template, { href, cells }) {
  const row = template.content.firstElementChild.cloneNode(true);
  cells.forEach((cell, at) => cellInto(row.cells[at], cell));
  if (href !== null) {
    const link = document.createElement("a");
    link.href = href;
    link.append(...row.cells[0].childNodes);
    row.cells[0].append(link);
  }
  return row;
}

function show(id, rows, isAdded) {
  const place = document.getElementById(id);
  const template = place.querySelector("template");
  const body = place.querySelector("tbody");
  const made = rows.map((row) => rowOf(template, row));
  if (!isAdded) body.replaceChildren(...made);
  else if (made.length > 0) {
    if (place.dataset.empty === "1") body.replaceChildren();
    body.prepend(...made);
    while (body.rows.length > mostRows) body.lastElementChild.remove();
  }
  place.dataset.empty = body.rows.length === 0 ? "1" : "0";
  if (body.rows.length > 0) return;
  const none = template.content.firstElementChild.cloneNode(false);
  const cell = document.createElement("td");
  cell.colSpan = template.content.firstElementChild.cells.length;
  cell.textContent = template.dataset.none;
  none.append(cell);
  body.append(none);
  place.dataset.empty = "1";
}

function say(text) {
  if (told.textContent !== text) told.textContent = text;
}

function watch(address) {
  const events = new EventSource(address);
  events.addEventListener("running", ({ data }) => {
    say("Watching.");
    const { rows, total: count } = JSON.parse(data);
    total.textContent = String(count);
    show("live-open", rows, false);
  });
  events.addEventListener("ended", ({ data }) => {
    const { rows, missed } = JSON.parse(data);
    show("live-ended", rows, true);
    say(missed > 0 ? "Watching. More ended than are shown." : "Watching.");
  });
  events.addEventListener("gone", () => {
    events.close();
    say("You are signed out, or no longer of this account: load the page again.");
  });
  events.addEventListener("error", () => {
    say(
      events.readyState === EventSource.CLOSED
        ? "Cannot watch: close other live views, or load the page again."
        : "The connection is lost. Trying again.",
    );
  });
}

for (const id of ["live-open", "live-ended"]) {
  const place = document.getElementById(id);
  if (place?.querySelector("tbody td[colspan]")) place.dataset.empty = "1";
}
if (told?.dataset.events) watch(told.dataset.events);
