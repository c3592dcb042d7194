const mostLines = 40;

/**
 * What a runner's log says of each test that failed: the lines before its `(fail)`, back to the test or the file before it.
 * Long ones lose their beginning. Nobody has to look for them in thousands of lines then.
 */
export function failures(log: string): string[] {
  const told: string[] = [];
  let lines: string[] = [];
  for (const line of log.split("\n")) {
    // The runner repeats the names of all that failed.
    if (/^\d+ tests? (?:failed|skipped):$/.test(line)) break;
    if (/^\((?:pass|skip|todo)\) |^\S+\.test\.tsx?:$/.test(line)) lines = [];
    else lines.push(line);
    if (!line.startsWith("(fail) ")) continue;
    told.push(lines.slice(-mostLines).join("\n").trim());
    lines = [];
  }
  return told;
}
