import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { systemClock } from "#src/lib/clock.ts";
import { command, executable, json, type Process, start, until } from "#test/bin/executable.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * A month of the demo's history, stated by the compiled executable and checked by it where nothing else is: no
 * database, no settings, no network.
 */

const folder = temporaryFolder();
const place = (name: string) => join(folder.path, name);
const running = new Date(systemClock.now()).toISOString().slice(0, 7);
let demo: Process;
let management = "";
/** What an auditor was handed: files alone. */
const handed = place("handed");
const elsewhere = place("elsewhere");

beforeAll(async () => {
  await executable();
  for (const name of ["demo", "handed", "elsewhere", "unpacked"]) mkdirSync(place(name));
  demo = await start(["demo"], { env: { TMPDIR: place("demo") } });
  await until("it has said all", () => demo.out().includes("Stop with Ctrl-C"));
  management = /lr_mgmt_\w+/.exec(demo.out())?.[0] ?? "";
}, 90_000);
afterAll(async () => {
  await demo?.stop();
  folder[Symbol.dispose]();
});

async function ask(path: string): Promise<Uint8Array> {
  const response = await fetch(demo.url + path, {
    headers: { authorization: `Bearer ${management}` },
  });
  expect([path, response.status]).toEqual([path, 200]);
  return new Uint8Array(await response.arrayBuffer());
}

/** How `audit verify` ends in an empty directory, with a home of its own. */
function verify(file: string, ...more: string[]) {
  return command(["audit", "verify", join(handed, file), ...more], {
    cwd: elsewhere,
    // The executable unpacks its database driver among temporary files.
    env: { HOME: elsewhere, TMPDIR: place("unpacked") },
  });
}

test("each form of a statement of the demo's history verifies in another, empty directory, and no changed byte does", async () => {
  const months: unknown = JSON.parse(new TextDecoder().decode(await ask("/v1/statements")));
  const [month = ""] = listAt(months, "data").map((one) => String(at(one, "month")));
  expect(month).toMatch(/^\d{4}-\d\d$/);
  const partial = month === running ? "&partial=true" : "";
  for (const form of ["json", "pdf", "html", "csv", "csv.sig"])
    writeFileSync(
      join(handed, `demo.${form}`),
      await ask(`/v1/statements/${month}?format=${form}${partial}`),
    );
  const keys = await fetch(`${demo.url}/.well-known/lowrouter-statement-keys.json`);
  const key = String(at(await keys.json(), "keys.0.x"));
  for (const form of ["json", "pdf", "html", "csv"]) {
    const found = await verify(`demo.${form}`, "--key", key);
    expect([form, found.code, found.err]).toEqual([form, 0, ""]);
    expect(found.out).toContain("That is the key that you gave.");
    const bytes = await Bun.file(join(handed, `demo.${form}`)).bytes();
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(join(handed, `changed.${form}`), bytes);
    if (form === "csv")
      writeFileSync(
        join(handed, "changed.csv.sig"),
        await Bun.file(join(handed, "demo.csv.sig")).bytes(),
      );
    const changed = await verify(`changed.${form}`, "--key", key);
    expect([form, changed.code]).toEqual([form, 1]);
    expect(changed.err).toContain("does not verify");
  }
  const stated: unknown = await Bun.file(join(handed, "demo.json")).json();
  expect(Number(at(stated, "statement.totals.requests"))).toBeGreaterThan(100);
  expect(readdirSync(elsewhere)).toEqual([]);
}, 60_000);

test("report footprint writes the same of all accounts beside the gateway that serves, with its type inside the PDF", async () => {
  // The executable unpacks a file beside it.
  const found = readdirSync(place("demo"), { withFileTypes: true });
  const dir = found.find((entry) => entry.isDirectory())?.name ?? "";
  const options = ["--data-dir", join(place("demo"), dir), "--month", running, "--partial"];
  for (const form of ["pdf", "html", "csv", "json"]) {
    const out = join(handed, `gateway.${form}`);
    await json(["report", "footprint", ...options, "--out", out]);
    expect([form, (await verify(`gateway.${form}`)).code]).toEqual([form, 0]);
  }
  const stated: unknown = await Bun.file(join(handed, "gateway.json")).json();
  expect(listAt(stated, "statement.by.account").map((one) => at(one, "account_name"))).toEqual([
    "demo",
  ]);
  const pdf = Buffer.from(await Bun.file(join(handed, "gateway.pdf")).bytes());
  const text = packedText(pdf);
  for (const said of ["NotoSans-Bold", "NotoSansMono-Regular", "/StructTreeRoot"])
    expect(text).toContain(said);
}, 60_000);

/** Everything that is packed in a document, after what is not. */
function packedText(pdf: Buffer): string {
  const parts = [pdf.toString("latin1")];
  for (let from = pdf.indexOf("stream\n"); from >= 0; from = pdf.indexOf("stream\n", from + 7)) {
    try {
      parts.push(inflateSync(pdf.subarray(from + 7)).toString("latin1"));
    } catch {
      // The end of one, or bytes that look like a beginning.
    }
  }
  return parts.join("\n");
}
