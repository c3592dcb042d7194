import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { askAdvisories } from "#src/build/advisories.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const root = join(import.meta.dir, "../..");

/** Asks a registry of our own, which answers so, about the packages of this repository. */
async function ask(answer: () => Response) {
  const asked: unknown[] = [];
  await using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const raw = new Uint8Array(await request.arrayBuffer());
      const gzipped = request.headers.get("content-encoding") === "gzip";
      const text = new TextDecoder().decode(gzipped ? Bun.gunzipSync(raw) : raw);
      asked.push(`${request.method} ${new URL(request.url).pathname}`, JSON.parse(text));
      return answer();
    },
  });
  using folder = temporaryFolder();
  for (const name of ["package.json", "bun.lock"])
    copyFileSync(join(root, name), join(folder.path, name));
  const report = await askAdvisories(folder.path, {
    PATH: process.env.PATH,
    HOME: folder.path,
    BUN_CONFIG_REGISTRY: server.url.href,
    npm_config_registry: server.url.href,
  });
  return { report, asked };
}

const grave = {
  id: 1,
  url: "https://github.com/advisories/GHSA-none",
  title: "Everything is lost",
  severity: "high",
  vulnerable_versions: "<2000.0.0",
  cwe: [],
  cvss: { score: 9, vectorString: null },
};

test("a registry that knows of nothing grave is an answer, to a question about every package", async () => {
  const { report, asked } = await ask(() => Response.json({}));
  expect(report).toEqual({ answered: true, lines: [], grave: false });
  expect(asked[0]).toBe("POST /-/npm/v1/security/advisories/bulk");
  expect(asked[1]).toMatchObject({ elysia: ["1.4.30"], libsql: ["0.5.29"] });
});

test("a high advisory on a pinned package is told and is grave; a low one is told", async () => {
  const high = await ask(() => Response.json({ elysia: [grave] }));
  expect(high.report.lines).toEqual([
    "high: elysia <2000.0.0: Everything is lost (https://github.com/advisories/GHSA-none)",
  ]);
  expect(high.report).toMatchObject({ answered: true, grave: true });
  const low = await ask(() => Response.json({ elysia: [{ ...grave, severity: "low" }] }));
  expect(low.report).toMatchObject({ answered: true, grave: false });
  expect(low.report.lines).toHaveLength(1);
});

test("a registry that gives no answer is not taken for good news", async () => {
  const { report } = await ask(() => new Response("no", { status: 405 }));
  expect(report).toMatchObject({ answered: false, grave: false });
  expect(report.lines[0]).toContain("405");
});
