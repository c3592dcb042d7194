import { expect, test } from "bun:test";
import Database from "libsql";
import { openStore } from "#src/store/open.ts";
import { type House, openHouse } from "#test/chaos/house.ts";
import { type Gateway, fromSources } from "#test/chaos/program.ts";

const lockedMs = 3000;
const password = "three words in a row";
const email = "ada@example.org";

/** Somebody's browser: keeps cookies, follows nothing. */
function browser(url: string) {
  const cookies = new Map<string, string>();
  return async (path: string, fields?: Record<string, string>): Promise<Response> => {
    const answer = await fetch(url + path, {
      redirect: "manual",
      headers: {
        accept: "text/html",
        origin: url,
        cookie: [...cookies].map((pair) => pair.join("=")).join("; "),
      },
      ...(fields === undefined ? {} : { method: "POST", body: new URLSearchParams(fields) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
      cookies.set(name, value);
    }
    return answer;
  };
}

/** A house that serves, its administrator signed in. */
async function opened(
  house: House,
): Promise<{ gateway: Gateway; ada: ReturnType<typeof browser> }> {
  const gateway = await house.serve();
  const ada = browser(gateway.url);
  let link: string | undefined;
  while (link === undefined) {
    link = /\/register\?invite=[\w-]+/.exec(gateway.err())?.[0];
    await Bun.sleep(5);
  }
  await ada(link);
  const sent = await ada("/register", { name: "Ada", email, "new-password": password });
  expect(sent.headers.get("location")).toBe("/operator/welcome");
  return { gateway, ada };
}

function complete(url: string, key: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: "hi" }],
    }),
  });
}

/** Holds the database's write lock, as a backup or a shell would. */
function lock({ database }: House): { release(): void } {
  const other = new Database(database, { timeout: 10_000 });
  other.exec("BEGIN IMMEDIATE");
  return {
    release() {
      other.exec("ROLLBACK");
      other.close();
    },
  };
}

/** Asks for the health of a gateway again and again; stop() says how long the longest answer took, milliseconds. */
function watchHealth(url: string): { stop(): Promise<number> } {
  let isOver = false;
  let longest = 0;
  const asking = (async () => {
    while (!isOver) {
      const from = performance.now();
      const answer = await fetch(`${url}/healthz`);
      await answer.text();
      longest = Math.max(longest, performance.now() - from);
      await Bun.sleep(10);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await asking;
      return longest;
    },
  };
}

/** Who is signed in how often, and which keys were made, by name. */
async function kept(house: House): Promise<{ sessions: number; keys: string[] }> {
  const store = await openStore({ url: `file:${house.database}` });
  try {
    const [row] = await store.read("SELECT count(*) AS sessions FROM person_session", []);
    const keys = await store.read("SELECT name FROM api_key ORDER BY name", []);
    return { sessions: Number(row?.["sessions"]), keys: keys.map(({ name }) => String(name)) };
  } finally {
    store.close();
  }
}

test("while another program has the database locked, whoever writes waits and nobody else does, and all is done once", async () => {
  await using house = await openHouse({ program: fromSources() });
  const { gateway, ada } = await opened(house);
  const signIn = () => browser(gateway.url)("/login", { email, password });
  const leaving = browser(gateway.url);
  expect((await leaving("/login", { email, password })).status).toBe(303);

  const held = lock(house);
  const health = watchHealth(gateway.url);
  const asked = Promise.all([
    signIn(),
    signIn(),
    browser(gateway.url)("/login/passkey/options", {}),
    leaving("/logout", {}),
    ...["one", "two", "three"].map((name) => ada("/dashboard/keys", { name })),
    ...house.keys.map((key) => complete(gateway.url, key)),
  ]);
  await Bun.sleep(lockedMs);
  held.release();
  const answers = await asked;
  expect(await health.stop()).toBeLessThan(lockedMs / 2);
  expect(answers.map(({ status }) => status)).toEqual([303, 303, 200, 303, 201, 201, 201, 200]);
  // Ada where she registered, and the two who came; who left is gone.
  expect(await kept(house)).toEqual({ sessions: 3, keys: ["k0", "one", "three", "two"] });
  gateway.kill("SIGTERM");
  expect((await gateway.ended).code).toBe(0);
}, 60_000);
