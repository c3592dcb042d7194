/** What a terminal, or who reads a log line by line, would take for more than text. */
const unseen = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
/** The same where a text has lines and columns of its own. */
const unseenInLines =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text as it may stand in a line, in JSON too: every character of it is seen, and none begins another line. */
export function shown(text: string): string {
  return text.replace(unseen, escaped);
}

/** Text of several lines as it may stand on a terminal: it does nothing there but stand. */
export function shownLines(text: string): string {
  return text.replace(unseenInLines, escaped);
}

function escaped(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
