import { expect, test } from "bun:test";
import { refuseMoves } from "#src/cli/reload.ts";
import { loadConfig } from "#src/config/load.ts";

const before = { ...loadConfig({ dataDir: "/state" }, {}), file: "/etc/lowrouter/lowrouter.toml" };

test("a file that is gone is not one that says nothing", () => {
  expect(() => refuseMoves(before, { ...before, file: undefined })).toThrow(
    "Cannot find /etc/lowrouter/lowrouter.toml any more: put it back, or restart the gateway without it",
  );
});

test("the same file, another one and a first one are taken", () => {
  for (const file of [before.file, "/srv/lowrouter.toml"])
    expect(() => refuseMoves(before, { ...before, file })).not.toThrow();
  expect(() => refuseMoves({ ...before, file: undefined }, before)).not.toThrow();
});
