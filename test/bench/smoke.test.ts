import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { picturePaths } from "#test/bench/pictures.ts";
import { findNginx } from "#test/bench/nginx.ts";
import { holdTo } from "#test/bench/share.ts";

/** Longest that the quick run may take, in milliseconds. */
const patience = 150_000;

const always = ["direct", "pipe", "lowrouter", "portkey (bun)"];
const expected = [
  ...always,
  ...(findNginx() === undefined ? [] : ["nginx"]),
  ...(Bun.which("node") === null ? [] : ["portkey (node)"]),
];
const swift = expected.filter((name) => !name.startsWith("portkey"));
const crossed = ["pipe", "lowrouter", "lowrouter (translated)"];

/** Whether the kernel lets this test hold a process to a share of a core. */
function canHold(): boolean {
  const child = Bun.spawn(["sleep", "60"]);
  const held = holdTo(1, [child.pid]);
  child.kill("SIGKILL");
  held?.[Symbol.dispose]();
  return held !== undefined;
}

const sections = new Map<string, string[][]>();

beforeAll(async () => {
  const script = join(import.meta.dir, "main.ts");
  const child = Bun.spawn([process.execPath, script, "--quick"], { stderr: "pipe" });
  const [code, report, errors] = await Promise.all([
    child.exited,
    child.stdout.text(),
    child.stderr.text(),
  ]);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  // What the report says could not be measured belongs in the log of a red test.
  const missing = report.split("\n").filter((line) => line.startsWith("- **Not measured"));
  if (missing.length > 0) console.log(missing.join("\n"));
  for (const section of report.split("\n## ").slice(1)) {
    const [title = "", ...lines] = section.split("\n");
    sections.set(title, lines.filter((line) => line.startsWith("| ")).map(cells));
  }
}, patience);

describe("the benchmark", () => {
  test.each([
    ["Non-streaming chat at 32 connections", [...expected, "pipe with a row", "least gateway"]],
    ["Streams of 50 events at 20 connections", expected],
    ["Non-streaming chat at 32 connections, translated", crossed],
    ["Streams of 200 events at 20 connections, translated", crossed],
    ["Streams of 200 events at 100 connections", swift],
    ["Latency at 300 requests/s", expected],
    ["Latency at 2,000 requests/s", swift],
    ["Questions of 1 MB at 8 connections", [...swift, "least gateway"]],
    [
      "Non-streaming chat at 32 connections, with a full store",
      ["lowrouter", "lowrouter (full store)"],
    ],
    [
      "Non-streaming chat at 32 connections, by two workers",
      ["lowrouter", "lowrouter (2 workers)"],
    ],
    ...(canHold()
      ? [
          [
            "Non-streaming chat at 32 connections, by two workers of 0.4 cores each",
            ["lowrouter", "lowrouter (2 workers)"],
          ] as const,
        ]
      : []),
    ["Many slow streams at once", expected],
    ["Memory", ["pipe", "lowrouter"]],
    ["Pictures of 1 MB at 8 connections", crossed],
  ])("%s: every target yields figures and fails no request", (title, targets) => {
    const [columns = [], , ...rows] = sections.get(title) ?? [];
    expect(rows.map(([name]) => name).toSorted()).toEqual(targets.toSorted());
    for (const row of rows) {
      expect(row).toHaveLength(columns.length);
      // Column 1 is how many were answered, of whatever the scenario counts.
      expect(Number.parseFloat(row[1]?.replaceAll(",", "") ?? "")).toBeGreaterThan(0);
      expect([row[0], row.at(-1)]).toEqual([row[0], "0"]);
    }
  });
});

test("the benchmark counts the copies of a picture on every path", () => {
  const [, , ...rows] = sections.get("Copies of a picture in memory") ?? [];
  expect(rows).toHaveLength(2 * picturePaths.length);
  for (const [, referenced] of rows) expect(Number(referenced)).toBeGreaterThan(0);
});

test("the benchmark fills a store, signs in and is answered by pages", () => {
  const [, , ...rows] = sections.get("First byte of the pages behind the sign-in") ?? [];
  for (const path of ["/dashboard", "/dashboard/usage", "/dashboard/usage?group=key,maker"]) {
    const row = rows.find(([name]) => name === path) ?? [];
    expect([path, Number(row[2]) > 0, row.at(-1)]).toEqual([path, true, "0"]);
  }
});

function cells(line: string): string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
