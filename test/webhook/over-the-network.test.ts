import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { backoffMs, longestWaitMs } from "#src/webhook/wait.ts";
import { type Authority, createAuthority } from "#test/lib/authority.ts";
import { type HranaServer, startHrana } from "#test/lib/hrana.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { type Hooks, signatureOf, startHooks, startReceiver } from "#test/webhook/kit.ts";

/** Sends what is due in a process of its own, to its end. */
async function holder(hooks: Hooks, env: Record<string, string> = {}): Promise<void> {
  const { folder, clock, database } = hooks;
  const script = join(import.meta.dir, "holder.ts");
  const child = Bun.spawn([process.execPath, script, folder, String(clock.now()), database], {
    env: { PATH: process.env.PATH, ...env },
    stdout: "inherit",
    stderr: "inherit",
  });
  expect(await child.exited).toBe(0);
}

/** A receiver that takes its time, so that others look at the queue meanwhile. */
async function slowly(): Promise<Response> {
  await Bun.sleep(10);
  return new Response(null, { status: 204 });
}

/** Processes race, and who finds a destination claimed leaves it to the other. */
async function untilAllSent(hooks: Hooks, processes: number): Promise<void> {
  for (let left = 20; left > 0; left--) {
    await Promise.all(Array.from({ length: processes }, () => holder(hooks)));
    if ((await hooks.deliveries()).every(({ state }) => state === "delivered")) return;
  }
}

describe("over TLS", () => {
  const authority = createAuthority();
  const long: [Date, Date] = [new Date("2024-01-01T00:00:00Z"), new Date("2045-01-01T00:00:00Z")];
  const over: [Date, Date] = [new Date("2021-01-01T00:00:00Z"), new Date("2022-01-01T00:00:00Z")];

  async function sentTo(by: Authority, host: string, [from, until]: [Date, Date]) {
    await using receiver = startReceiver(by.certify(host, from, until));
    await using hooks = await startHooks(receiver);
    // As a user does who has an authority of the own house.
    const trusted = join(hooks.folder, "authority.pem");
    await Bun.write(trusted, authority.cert);
    const { secret } = await hooks.hook({ url: `https://localhost:${receiver.port}/hook` });
    await hooks.happen();
    await holder(hooks, { NODE_EXTRA_CA_CERTS: trusted });
    const [delivery] = await hooks.deliveries();
    return { delivery, got: receiver.got, secret };
  }

  test("an event arrives where the certificate is trusted by NODE_EXTRA_CA_CERTS", async () => {
    const { delivery, got, secret } = await sentTo(authority, "localhost", long);
    expect(delivery).toMatchObject({ state: "delivered", tries: [{ status: 204 }] });
    const [event] = got;
    expect(event && signatureOf(event, secret)).toBe(
      String(event?.headers.get("webhook-signature")),
    );
  });

  test.each<[string, Authority, string, [Date, Date], string]>([
    ["by nobody who is trusted", createAuthority(), "localhost", long, "certificate_not_trusted"],
    ["of another host", authority, "other.test", long, "certificate_of_another_host"],
    ["that ran out", authority, "localhost", over, "certificate_expired"],
  ])("nothing is said to a server with a certificate %s, and the try says why", async (...row) => {
    const [, by, host, dates, reason] = row;
    const { delivery, got } = await sentTo(by, host, dates);
    expect(got).toEqual([]);
    expect(delivery).toMatchObject({ state: "waiting", attempts: 1, tries: [{ reason }] });
    expect(delivery?.tries[0]?.status).toBeUndefined();
  });
});

describe("Retry-After of a receiver", () => {
  const busy = (wait: string) => () =>
    new Response("busy", { status: 429, headers: { "retry-after": wait } });
  const [firstPause = 0] = backoffMs;

  test.each([
    ["longer than our own pause, is waited for", "120", 120_000],
    ["shorter than our own pause, changes nothing", "1", firstPause],
    ["of days, is an hour", "1000000", longestWaitMs],
    ["that nobody can read, is none", "soon", firstPause],
    ["below zero, is none", "-5", firstPause],
  ])("%s", async (_, asked, pause) => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    receiver.answer(busy(asked));
    await hooks.happen(2);
    const { queue } = hooks.webhooks;
    await queue.run();
    const first = receiver.got.length;
    // Not for another event either.
    await hooks.happen();
    hooks.clock.advance(pause - 1);
    await queue.run();
    expect(receiver.got.length).toBe(first);
    receiver.answer(() => new Response(null, { status: 204 }));
    hooks.clock.advance(1);
    await queue.run();
    expect((await hooks.deliveries()).map(({ state }) => state)).toEqual(
      Array.from({ length: 3 }, () => "delivered"),
    );
  });

  test("by the clock of the receiver, where it names a time", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    const headers = {
      date: "Tue, 06 Jan 2026 10:00:00 GMT",
      "retry-after": "Tue, 06 Jan 2026 10:10:00 GMT",
    };
    receiver.answer(() => new Response("busy", { status: 503, headers }));
    await hooks.happen();
    await hooks.webhooks.queue.run();
    const [delivery] = await hooks.deliveries();
    expect(delivery?.tries).toMatchObject([{ status: 503, wait: 600 }]);
    expect(delivery?.nextAt).toBe(hooks.clock.now() + 600_000);
  });

  test("of one that takes some of what it is sent, is waited for by the rest", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    let taken = 0;
    receiver.answer(() => (taken++ < 5 ? new Response("ok") : busy("60")()));
    await hooks.happen(30);
    const { queue } = hooks.webhooks;
    await queue.run();
    const first = receiver.got.length;
    expect(first).toBe(10);
    hooks.clock.advance(59_999);
    await queue.run();
    expect(receiver.got.length).toBe(first);
    receiver.answer(() => new Response("ok"));
    hooks.clock.advance(1);
    await queue.run();
    expect(new Set((await hooks.deliveries()).map(({ state }) => state))).toEqual(
      new Set(["delivered"]),
    );
  });
});

test("two processes on one file deliver each of sixty events once", async () => {
  await using receiver = startReceiver();
  await using hooks = await startHooks(receiver);
  receiver.answer(slowly);
  await hooks.hook();
  await hooks.hook();
  await hooks.happen(30);
  await untilAllSent(hooks, 2);
  expect(
    new Set((await hooks.deliveries()).map(({ state, attempts }) => `${state} ${attempts}`)),
  ).toEqual(new Set(["delivered 1"]));
  expect(receiver.got.length).toBe(60);
}, 30_000);

describe("with a remote database", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let server: HranaServer;
  beforeEach(() => {
    folder = temporaryFolder();
    server = startHrana({ path: `${folder.path}/remote.db` });
  });
  afterEach(async () => {
    await server.stop();
    folder[Symbol.dispose]();
  });

  test("an event is queued, tried again after a failure, and arrives signed", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver, { database: server.url });
    expect(hooks.store.kind).toBe("remote");
    const { secret } = await hooks.hook();
    receiver.answer(() => new Response("no", { status: 500 }));
    await hooks.happen();
    await hooks.webhooks.queue.run();
    receiver.answer(() => new Response(null, { status: 204 }));
    hooks.clock.advance(backoffMs[0] ?? 0);
    await hooks.webhooks.queue.run();
    const [delivery] = await hooks.deliveries();
    expect(delivery).toMatchObject({ state: "delivered", attempts: 2 });
    expect(delivery?.tries.map(({ status }) => status)).toEqual([500, 204]);
    const last = receiver.got.at(-1);
    expect(last && signatureOf(last, secret)).toBe(String(last?.headers.get("webhook-signature")));
  });

  /** Lets two clients go on together, request by request, until one of them has ended. */
  async function inStep(clients: readonly Promise<void>[]): Promise<void> {
    let first: (() => void) | undefined;
    server.before(() => {
      const other = first;
      first = undefined;
      other?.();
      return other === undefined ? new Promise<void>((resolve) => (first = resolve)) : undefined;
    });
    await Promise.race(clients);
    server.before(undefined);
    first?.();
    await Promise.all(clients);
  }

  test("two processes that find it due at the same moment deliver each of 65 events once", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver, { database: server.url });
    await hooks.hook();
    await hooks.happen(65);
    await inStep([holder(hooks), holder(hooks)]);
    await untilAllSent(hooks, 2);
    expect(
      new Set((await hooks.deliveries()).map(({ state, attempts }) => `${state} ${attempts}`)),
    ).toEqual(new Set(["delivered 1"]));
    expect(receiver.got.length).toBe(65);
    expect(server.streams()).toBe(0);
  }, 30_000);
});
