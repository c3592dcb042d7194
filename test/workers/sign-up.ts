import type { Fleet } from "#test/workers/kit.ts";

/** Somebody who is signed in, and meets any worker each time. */
export interface Visitor {
  get(path: string, init?: RequestInit): Promise<Response>;
}

/** Signs the first administrator up, whose name is Ada. */
export async function signUp(fleet: Fleet): Promise<Visitor> {
  const invite = /\/register\?invite=\S+/.exec(fleet.err())?.[0] ?? "";
  const cookies = new Map<string, string>();
  async function get(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(fleet.url + path, {
      ...init,
      redirect: "manual",
      headers: {
        accept: "text/html",
        origin: fleet.url,
        connection: "close",
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [name = "", value = ""] = line.split(";", 1)[0]?.split("=") ?? [];
      cookies.set(name, value);
    }
    return response;
  }
  const door = await get(invite);
  await (await get(door.headers.get("location") ?? invite)).text();
  const sent = await get("/register", {
    method: "POST",
    body: new URLSearchParams({
      name: "Ada",
      email: "ada@example.org",
      "new-password": "a long enough passphrase",
    }),
  });
  if (sent.status !== 303) throw new Error(`Cannot sign up: ${sent.status}`);
  return { get };
}
