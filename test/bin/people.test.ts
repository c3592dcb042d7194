import { beforeAll, expect, test } from "bun:test";
import { executable, start, until } from "#test/bin/executable.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

beforeAll(async () => void (await executable()), 60_000);

test("the executable signs people in: by the setup link, a password, and a question for a passkey", async () => {
  using folder = temporaryFolder();
  const serving = await start(["serve", "--data-dir", folder.path]);
  try {
    const shown = () => /\/register\?invite=[\w-]+/.exec(serving.err())?.[0];
    await until("the setup link is shown", () => shown() !== undefined);
    const link = shown() ?? "";
    const cookies: string[] = [];
    const ask = async (path: string, body?: URLSearchParams) => {
      const answer = await fetch(serving.url + path, {
        redirect: "manual",
        headers: { cookie: cookies.join("; "), origin: serving.url },
        ...(body ? { method: "POST", body } : {}),
      });
      for (const line of answer.headers.getSetCookie()) cookies.push(line.split(";")[0] ?? "");
      return answer;
    };
    expect((await ask(link)).status).toBe(303);
    const fields = {
      name: "Ada",
      email: "ada@example.org",
      "new-password": "three words in a row",
    };
    const sent = await ask("/register", new URLSearchParams(fields));
    expect([sent.status, sent.headers.get("location")]).toEqual([303, "/operator/welcome"]);
    expect(await (await ask("/account")).text()).toContain("operator of this gateway");
    const question = await ask("/login/passkey/options", new URLSearchParams());
    expect(await question.json()).toMatchObject({ challenge: expect.any(String) });
  } finally {
    await serving.stop();
  }
}, 60_000);
