import { describe, expect, test } from "bun:test";
import { StoreError } from "#src/store/error.ts";
import type { Statement, Store } from "#src/store/store.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

/** Holds up every report of a store until `release`, which may make them fail. */
function holdReports(store: Store) {
  const held = Promise.withResolvers<void>();
  const { snapshot } = store;
  const asked = Promise.withResolvers<void>();
  store.snapshot = async (statements) => {
    asked.resolve();
    await held.promise;
    return snapshot(statements);
  };
  return {
    asked: asked.promise,
    release: () => held.resolve(),
    fail: (error: Error) => held.reject(error),
    end: () => void (store.snapshot = snapshot),
  };
}

/** The answer to somebody who is signed in, as it comes. */
async function visitor(house: PeopleGateway) {
  const browser = await house.somebody("ada", { operator: true });
  await browser.post("/dashboard/keys", { name: "first", type: "regular" });
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return (path: string, encoding = "gzip") =>
    fetch(house.url + path, {
      headers: { cookie, accept: "text/html", "accept-encoding": encoding },
    });
}

async function readOn(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read">,
  isEnough: (text: string) => boolean,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  while (!isEnough(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

const pages = [
  ["/dashboard", "Overview"],
  ["/dashboard/usage", "Usage"],
  ["/dashboard/what-if", "What if"],
  ["/dashboard/statements", "Statements"],
  ["/dashboard/keys", "Keys"],
  ["/dashboard/credits", "Credits"],
  ["/operator/statements", "Statements"],
] as const;

describe("a page that takes long", () => {
  for (const [path, title] of pages)
    for (const encoding of ["gzip", "identity"])
      test(`${path} sends its frame ahead and then is the same page (${encoding})`, async () => {
        await using house = await startPeople();
        const ask = await visitor(house);
        const reports = holdReports(house.store);
        const response = await ask(path, encoding);
        expect(response.status).toBe(200);
        expect(response.headers.get("content-encoding")).toBe(encoding === "gzip" ? "gzip" : null);
        expect(response.headers.get("cache-control")).toBe("no-store");
        expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
        const reader = response.body?.getReader();
        if (reader === undefined) throw new Error("There is no body");
        const frame = await readOn(reader, (text) => text.endsWith("</h1>"));
        expect(frame).toEndWith(`<h1>${title}</h1>`);
        expect(frame).toContain('aria-label="Dashboard"');
        reports.release();
        const whole = frame + (await readOn(reader, () => false));
        reports.end();
        house.clock.advance(0);
        expect(whole).toBe(await (await ask(path, encoding)).text());
        expect(whole).toEndWith("</html>");
      });

  for (const [path] of pages)
    test(`${path} has its groups added up by the thread that reads them`, async () => {
      await using house = await startPeople();
      const ask = await visitor(house);
      const { store } = house;
      const { snapshot } = store;
      const asked: Statement[] = [];
      store.snapshot = (statements) => {
        asked.push(...statements);
        return snapshot(statements);
      };
      await (await ask(path)).text();
      store.snapshot = snapshot;
      const grouped = asked.filter(({ sql }) => sql.includes("GROUP BY"));
      expect(grouped).not.toBeEmpty();
      // That thread goes as far as the first row; without a sort, that one is there when one group is.
      for (const { sql, args } of grouped) {
        const plan = await store.read(`EXPLAIN QUERY PLAN ${sql}`, args);
        const details = plan.map(({ detail }) => detail);
        expect(details.some((detail) => String(detail).startsWith("USE TEMP B-TREE"))).toBe(true);
      }
    });

  test("says in its frame what broke, and logs it", async () => {
    await using house = await startPeople();
    const ask = await visitor(house);
    const reports = holdReports(house.store);
    const response = await ask("/dashboard/usage");
    reports.fail(new StoreError("unavailable", "the disk is gone"));
    const text = await response.text();
    reports.end();
    expect(response.status).toBe(200);
    expect(text).toContain("<h1>Usage</h1>");
    expect(text.match(/role="alert"/g)).toHaveLength(1);
    expect(text).toEndWith("</html>");
    expect(text).not.toContain("the disk is gone");
  });

  test("logs what nobody foresaw, and tells it to nobody", async () => {
    await using house = await startPeople();
    const ask = await visitor(house);
    const reports = holdReports(house.store);
    const response = await ask("/dashboard/usage");
    reports.fail(new Error("a fault of ours"));
    const text = await response.text();
    reports.end();
    expect(text).not.toContain("a fault of ours");
    expect(text.match(/role="alert"/g)).toHaveLength(1);
    expect(house.logged()).toContain('"event":"internal_error"');
  });

  test("has no frame as a file: what broke is its status", async () => {
    await using house = await startPeople();
    const ask = await visitor(house);
    const reports = holdReports(house.store);
    const answer = ask("/dashboard/usage?format=csv");
    await reports.asked;
    await Bun.sleep(40);
    reports.fail(new StoreError("unavailable", "the disk is gone"));
    expect((await answer).status).toBeGreaterThanOrEqual(500);
    reports.end();
  });

  test("does no harm where who asked has left", async () => {
    await using house = await startPeople();
    const ask = await visitor(house);
    const reports = holdReports(house.store);
    const response = await ask("/dashboard/usage");
    await response.body?.cancel();
    reports.release();
    reports.end();
    expect((await ask("/dashboard/usage")).status).toBe(200);
    expect(house.logged()).not.toContain('"error"');
  });
});
