import { expect, test } from "bun:test";
import { databaseFix } from "#src/cli/doctor-fix.ts";

test.each([
  "/nx/.bun-0-d3.node: cannot open shared object file: No such file or directory",
  "Error loading shared library /nx/.bun-0-d3.node: Operation not permitted",
])("nobody is told to move a database away whose library is not loaded: %s", (message) => {
  expect(databaseFix(message)).toContain("see the temporary directory");
});

test.each([
  "libgcc_s.so.1: cannot open shared object file: No such file or directory",
  "Error loading shared library libgcc_s.so.1: No such file or directory (needed by /tmp/.bun-0-d3.node)",
])("a machine without libgcc is told to get it: %s", (message) => {
  expect(databaseFix(message)).toStartWith("install libgcc");
});

test("a data directory that cannot be made is no database to be moved away", () => {
  expect(databaseFix("Cannot create the data directory /nx (ENOENT)")).toStartWith(
    "see the data directory",
  );
});
