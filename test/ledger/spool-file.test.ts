import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSpoolFile, linesOf } from "#src/ledger/spool-file.ts";

const folder = mkdtempSync(join(tmpdir(), "spool-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a file that was emptied begins with the next line, not with a hole", () => {
  const file = createSpoolFile(folder, "proc_1", 1, { isSynced: false });
  file.append("first\nsecond\n");
  file.clear();
  file.append("third\n");
  file.append("fourth\n");
  expect(readFileSync(file.path, "utf8")).toBe("third\nfourth\n");
  expect(linesOf({ path: file.path, processId: "proc_1", order: 1, isCertain: true })).toEqual([
    "third",
    "fourth",
  ]);
  file.leave();
});
