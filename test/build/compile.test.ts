import { expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embedAddon, requireAddon } from "#src/build/compile.ts";
import { hostTarget, targets } from "#src/build/targets.ts";
import { executable } from "#test/bin/executable.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const root = join(import.meta.dir, "../..");
const addonName = targets[hostTarget()].addon.slice("@libsql/".length);
const addonBytes = readFileSync(
  Bun.resolveSync(targets[hostTarget()].addon, join(root, "node_modules/libsql")),
);

test("the executable holds the addon of its machine, by name and byte for byte, and no other", async () => {
  using folder = temporaryFolder();
  const own = join(folder.path, `${addonName}.node`);
  writeFileSync(own, addonBytes);
  await requireAddon(await executable(), own);
  const other = join(folder.path, "linux-riscv64-gnu.node");
  writeFileSync(other, addonBytes);
  await expect(requireAddon(await executable(), other)).rejects.toThrow(
    `it holds ${addonName} instead of linux-riscv64-gnu`,
  );
  writeFileSync(own, addonBytes.toReversed());
  await expect(requireAddon(await executable(), own)).rejects.toThrow("is not the one of");
}, 60_000);

test("a loader of libSQL that changed shape stops the build", async () => {
  using folder = temporaryFolder();
  const library = join(folder.path, "node_modules/libsql");
  mkdirSync(library, { recursive: true });
  const write = (text: string) => writeFileSync(join(library, "index.js"), text);
  writeFileSync(join(folder.path, "main.js"), 'import "libsql";');
  writeFileSync(join(folder.path, "any.node"), "");
  const bundle = () =>
    Bun.build({
      entrypoints: [join(folder.path, "main.js")],
      target: "bun",
      plugins: [embedAddon(join(folder.path, "any.node"))],
    });
  const known = "if (dev) load(__dirname);\nrequire(`@libsql/${target}`);";
  write(known);
  expect((await bundle()).success).toBe(true);
  for (const changed of [
    known.replace("@libsql/", "@turso/"),
    known.replace("load(", "open("),
    `${known}\nopen(__dirname)`,
  ]) {
    write(changed);
    await expect(bundle()).rejects.toThrow();
  }
});

test("the same sources give the same executable, in whatever folder they are built", async () => {
  // On the disk of the repository, so that what is installed is linked and not copied.
  mkdirSync(join(root, "dist"), { recursive: true });
  const aside = mkdtempSync(join(root, "dist/.twice-"));
  try {
    const hashes: string[] = [];
    let from = root;
    for (const name of ["one", "two/and/deeper"]) {
      const copy = join(aside, name);
      mkdirSync(copy, { recursive: true });
      // The second is a copy of the first: the repository may be worked on meanwhile.
      for (const part of ["src", "db", "data", "docs", "package.json", "bun.lock", "tsconfig.json"])
        cpSync(join(from, part), join(copy, part), { recursive: true });
      const linked = Bun.spawnSync(["cp", "-al", join(root, "node_modules"), copy]);
      expect(linked.exitCode).toBe(0);
      const built = Bun.spawnSync([process.execPath, "src/build.ts"], { cwd: copy });
      expect([built.exitCode, built.stderr.toString()]).toEqual([0, ""]);
      const bytes = readFileSync(join(copy, "dist/lowrouter"));
      expect(bytes.includes(copy)).toBe(false);
      hashes.push(new Bun.CryptoHasher("sha256").update(bytes).digest("hex"));
      from = copy;
    }
    expect(hashes[1]).toBe(hashes[0] ?? "");
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}, 300_000);
