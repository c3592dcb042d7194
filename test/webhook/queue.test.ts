import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { rotateMasterKey } from "#src/account/rotate.ts";
import { listDeliveries, retentionMs } from "#src/webhook/deliveries.ts";
import { mostWaiting } from "#src/webhook/events.ts";
import { claimMs, expiryMs } from "#src/webhook/queue.ts";
import { replay, sendTest } from "#src/webhook/replay.ts";
import { overlapMs } from "#src/webhook/signature.ts";
import { backoffMs } from "#src/webhook/wait.ts";
import { rotateSecret, updateWebhook } from "#src/webhook/webhooks.ts";
import { at } from "#test/lib/gateway.ts";
import { accountId, by, signatureOf, startHooks, startReceiver } from "#test/webhook/kit.ts";

const owner = { accountId };
const fail = () => new Response("no", { status: 500 });
const silence = (request: Request) =>
  new Promise<Response>((_, reject) =>
    request.signal.addEventListener("abort", () => reject(new Error("The client hung up"))),
  );

describe("the queue", () => {
  test("tries again after longer and longer pauses, then gives up and remembers its last tries", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    receiver.answer(fail);
    await hooks.happen();
    const { queue } = hooks.webhooks;
    await queue.run();
    for (const [before, pause] of backoffMs.entries()) {
      // A moment before its time, nothing is sent.
      hooks.clock.advance(pause - 1);
      await queue.run();
      expect(receiver.got.length).toBe(before + 1);
      hooks.clock.advance(1);
      await queue.run();
      expect(receiver.got.length).toBe(before + 2);
    }
    const [delivery] = await hooks.deliveries();
    expect(delivery).toMatchObject({ state: "failed", attempts: 8 });
    expect(delivery?.tries.map(({ status }) => status)).toEqual(
      Array.from({ length: 8 }, () => 500),
    );
    const ids = receiver.got.map(({ headers }) => headers.get("webhook-id"));
    expect(new Set(ids).size).toBe(1);
    hooks.clock.advance(10 * expiryMs);
    await queue.run();
    expect(receiver.got.length).toBe(8);
  });

  test("delivers after a failure, and says when", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    receiver.answer(fail);
    await hooks.happen();
    await hooks.webhooks.queue.run();
    receiver.answer(() => new Response("ok"));
    hooks.clock.advance(backoffMs[0] ?? 0);
    await hooks.webhooks.queue.run();
    const [delivery] = await hooks.deliveries();
    expect(delivery).toMatchObject({
      state: "delivered",
      attempts: 2,
      deliveredAt: hooks.clock.now(),
    });
    expect(delivery?.tries.map(({ status }) => status)).toEqual([500, 200]);
  });

  test("sends each delivery once, however many processes send", async () => {
    await using receiver = startReceiver();
    await using one = await startHooks(receiver);
    await using two = await startHooks(receiver, { beside: one });
    await using three = await startHooks(receiver, { beside: one });
    receiver.answer(async () => {
      await Bun.sleep(1);
      return new Response(null, { status: 204 });
    });
    await one.hook();
    await one.hook();
    await one.happen(60);
    const all = [one, two, three].map(({ webhooks }) => webhooks.queue);
    // Those who find it claimed look again.
    for (let left = 200; receiver.got.length < 120 && left > 0; left--)
      await Promise.all(all.map((queue) => queue.run()));
    await Promise.all(all.map((queue) => queue.run()));
    expect(receiver.got.length).toBe(120);
    const states = (await one.deliveries()).map(({ state, attempts }) => `${state} ${attempts}`);
    expect(new Set(states)).toEqual(new Set(["delivered 1"]));
    expect(new Set(receiver.got.map(({ headers }) => headers.get("webhook-id"))).size).toBe(60);
  });

  test("sends again what a process had claimed when it was killed", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    await hooks.happen();
    receiver.answer(silence);
    const holder = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "holder.ts"),
        hooks.folder,
        String(hooks.clock.now()),
      ],
      { stdout: "inherit", stderr: "inherit" },
    );
    await receiver.came(1);
    holder.kill("SIGKILL");
    await holder.exited;
    receiver.answer(() => new Response(null, { status: 204 }));
    await hooks.webhooks.queue.run();
    hooks.clock.advance(claimMs - 1);
    await hooks.webhooks.queue.run();
    expect(receiver.got.length).toBe(1);
    hooks.clock.advance(1);
    await hooks.webhooks.queue.run();
    expect(receiver.got.length).toBe(2);
    const [first, second] = receiver.got;
    expect(second?.headers.get("webhook-id")).toBe(String(first?.headers.get("webhook-id")));
    expect((await hooks.deliveries())[0]).toMatchObject({ state: "delivered", attempts: 1 });
  }, 15_000);

  test("lets nobody else send what is on its way, nor anything to a destination that is being asked", async () => {
    await using receiver = startReceiver();
    await using one = await startHooks(receiver);
    await using two = await startHooks(receiver, { beside: one });
    const { webhook } = await one.hook();
    const { promise, resolve } = Promise.withResolvers<Response>();
    receiver.answer(() => promise);
    await one.happen();
    one.webhooks.queue.wake();
    await receiver.came(1);
    await one.happen();
    await two.webhooks.queue.run();
    expect(receiver.got.length).toBe(1);
    // Somebody lets the destination be asked at once: by what is not on its way alone.
    await updateWebhook(one.webhooks.kit, webhook.id, owner, { disabled: true }, by);
    await updateWebhook(one.webhooks.kit, webhook.id, owner, { disabled: false }, by);
    two.webhooks.queue.wake();
    await receiver.came(2);
    resolve(new Response(null, { status: 204 }));
    await Promise.all([one.webhooks.queue.run(), two.webhooks.queue.run()]);
    expect(new Set(receiver.got.map(({ headers }) => headers.get("webhook-id"))).size).toBe(2);
    expect((await one.deliveries()).map(({ state }) => state)).toEqual(["delivered", "delivered"]);
    expect(receiver.got.length).toBe(2);
  });

  test("asks a destination that fails with one delivery at a time, and ever more seldom", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    receiver.answer(fail);
    await hooks.happen(200);
    await hooks.webhooks.queue.run();
    const atFirst = receiver.got.length;
    expect(atFirst).toBeLessThanOrEqual(10);
    for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
      hooks.clock.advance(300_000);
      await hooks.webhooks.queue.run();
    }
    // Four an hour, and a few at the beginning.
    expect(receiver.got.length - atFirst).toBeLessThan(105);
    receiver.answer(() => new Response(null, { status: 204 }));
    hooks.clock.advance(900_000);
    await hooks.webhooks.queue.run();
    const waiting = (await hooks.deliveries()).filter(({ state }) => state === "waiting");
    // Only those whose own pause is longer still.
    expect(waiting.every(({ nextAt }) => nextAt > hooks.clock.now())).toBe(true);
    expect(waiting.length).toBeLessThan(20);
  }, 30_000);

  test("asks a destination that fails once, where two processes find it due at the same moment", async () => {
    await using receiver = startReceiver();
    await using one = await startHooks(receiver);
    await using two = await startHooks(receiver, { beside: one });
    await one.hook();
    receiver.answer(fail);
    await one.happen();
    await one.webhooks.queue.run();
    await one.happen(5);
    one.clock.advance(backoffMs[0] ?? 0);
    await Promise.all([one.webhooks.queue.run(), two.webhooks.queue.run()]);
    expect(receiver.got.length).toBe(2);
  });

  test("does not hold a new address up for what went wrong at the one before", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    const { webhook } = await hooks.hook();
    const { promise, resolve } = Promise.withResolvers<Response>();
    receiver.answer(() => promise);
    await hooks.happen();
    const running = hooks.webhooks.queue.run();
    await receiver.came(1);
    await updateWebhook(hooks.webhooks.kit, webhook.id, owner, { url: `${receiver.url}/new` }, by);
    resolve(fail());
    await running;
    receiver.answer(() => new Response(null, { status: 204 }));
    await hooks.happen();
    await hooks.webhooks.queue.run();
    expect(receiver.got.map(({ path }) => path)).toEqual(["/hook", "/hook/new"]);
  });

  test("gives up what waited three days for a destination that never answered", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    receiver.answer(fail);
    await hooks.happen(30);
    await hooks.webhooks.queue.run();
    hooks.clock.advance(expiryMs + 1);
    await hooks.happen();
    await hooks.webhooks.queue.run();
    const states = (await hooks.deliveries()).map(({ state }) => state);
    expect(states.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => "failed"));
    expect(states[30]).toBe("waiting");
  });

  test("follows no redirect, reads no long answer, and does not wait for a slow one", async () => {
    await using elsewhere = startReceiver();
    await using receiver = startReceiver();
    const { limits } = (await import("#src/provider/remote-rules.ts")).publicInternet;
    await using hooks = await startHooks(receiver, {
      rules: { limits: { ...limits, totalMs: 300 } },
    });
    await hooks.hook();
    const { queue } = hooks.webhooks;
    receiver.answer(() => Response.redirect(elsewhere.url, 307));
    await hooks.happen();
    await queue.run();
    expect(elsewhere.got).toEqual([]);
    expect((await hooks.deliveries())[0]?.tries[0]).toMatchObject({
      status: 307,
      reason: "redirected",
    });
    hooks.clock.advance(backoffMs[0] ?? 0);
    receiver.answer(silence);
    await queue.run();
    expect((await hooks.deliveries())[0]?.tries[1]).toMatchObject({ reason: "timeout" });
    hooks.clock.advance(backoffMs[1] ?? 0);
    let pulled = 0;
    receiver.answer(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled++;
              controller.enqueue(new Uint8Array(1024));
            },
          }),
        ),
    );
    await queue.run();
    expect((await hooks.deliveries())[0]).toMatchObject({ state: "delivered" });
    expect(pulled).toBeLessThan(10_000);
  });

  test("lets what is on its way end when it closes, and gives back what does not", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    const { promise, resolve } = Promise.withResolvers<void>();
    receiver.answer(async () => {
      await promise;
      return new Response(null, { status: 204 });
    });
    await hooks.happen();
    hooks.webhooks.queue.wake();
    await receiver.came(1);
    const closing = hooks.webhooks.close();
    resolve();
    await closing;
    expect((await hooks.deliveries())[0]).toMatchObject({ state: "delivered" });
  });

  test("gives back what does not end in time, as if it was not tried", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    await hooks.happen();
    receiver.answer(silence);
    const { createQueue } = await import("#src/webhook/queue.ts");
    const { createLog } = await import("#src/observe/log.ts");
    const { kit } = hooks.webhooks;
    const log = createLog({ clock: kit.clock, level: "error", format: "json", write: () => {} });
    const queue = createQueue({ ...kit, log, random: () => 0.5, drainMs: 20 });
    queue.wake();
    await receiver.came(1);
    await queue.close();
    expect((await hooks.deliveries())[0]).toMatchObject({
      state: "waiting",
      attempts: 0,
      tries: [],
      nextAt: hooks.clock.now(),
    });
    receiver.answer(() => new Response(null, { status: 204 }));
    await hooks.webhooks.queue.run();
    expect((await hooks.deliveries())[0]).toMatchObject({ state: "delivered" });
  });

  test("forgets deliveries after thirty days", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    const { webhook } = await hooks.hook();
    await hooks.happen(1200);
    hooks.clock.advance(retentionMs - 1000);
    await hooks.happen();
    await hooks.webhooks.tick();
    expect((await hooks.deliveries()).length).toBe(1201);
    hooks.clock.advance(3_600_000);
    await hooks.webhooks.tick();
    const left = await listDeliveries(hooks.store, webhook.id, { pageSize: 10 });
    expect(left.items.length).toBe(1);
  });

  test("takes no more requests where 50,000 wait, and says so", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    const { webhook } = await hooks.hook();
    await hooks.store.write([
      {
        sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
          INSERT INTO webhook_delivery (id, webhook_id, event_id, type, payload, state, next_at, created_at)
          SELECT 'dlv_' || i, ?2, 'evt', 'generation.completed', '{}', 'waiting', ?3, ?3 FROM n`,
        args: [mostWaiting, webhook.id, hooks.clock.now() + 1e9],
      },
    ]);
    hooks.clock.advance(60_000);
    await hooks.webhooks.events.refresh();
    expect(hooks.webhooks.beside([])).toEqual([]);
    await hooks.happen();
    const [row] = await hooks.store.read("SELECT count(*) AS count FROM webhook_delivery", []);
    expect(row?.["count"]).toBe(mostWaiting);
    expect(hooks.logged()).toContain("webhook_queue_full");
  });
});

describe("who hears of what", () => {
  test("is decided by account, type, key, and whether it is disabled", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    const mine = "a".repeat(64);
    const path = (name: string) => receiver.url.replace("/hook", `/${name}`);
    await hooks.hook({ url: path("all") });
    await hooks.hook({ url: path("mine"), apiKeyHashes: [mine] });
    await hooks.hook({ url: path("others"), apiKeyHashes: ["b".repeat(64)] });
    await hooks.hook({ url: path("low"), eventTypes: ["credits.low"] });
    await hooks.hook({ url: path("off"), disabled: true });
    await hooks.happen(1, { keyId: mine });
    await hooks.happen(1, { accountId: "acc_of_another" });
    await hooks.webhooks.queue.run();
    expect(receiver.got.map((one) => one.path).toSorted()).toEqual(["/all", "/mine"]);
    expect(new Set(receiver.got.map(({ headers }) => headers.get("webhook-id"))).size).toBe(1);
  });

  test("is known to another process with its next look", async () => {
    await using receiver = startReceiver();
    await using one = await startHooks(receiver);
    await using two = await startHooks(receiver, { beside: one });
    const { webhook } = await one.hook();
    await two.webhooks.tick();
    await two.happen();
    expect((await one.deliveries()).length).toBe(1);
    await updateWebhook(one.webhooks.kit, webhook.id, owner, { disabled: true }, by);
    // Even before that look, nothing is kept for what is switched off.
    await two.happen();
    expect((await one.deliveries()).length).toBe(1);
    await two.webhooks.tick();
    await two.happen();
    expect((await one.deliveries()).length).toBe(1);
  });
});

describe("signatures", () => {
  test("are of both secrets for a day after a rotation, and of the new one then", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    const { webhook, secret } = await hooks.hook();
    const rotated = await rotateSecret(hooks.webhooks.kit, webhook.id, owner, by);
    const sent = async () => {
      await hooks.happen();
      await hooks.webhooks.queue.run();
      const last = receiver.got.at(-1);
      if (last === undefined) throw new Error("Nothing came");
      expect(Number(last.headers.get("webhook-timestamp"))).toBe(
        Math.floor(hooks.clock.now() / 1000),
      );
      const made = [rotated?.secret ?? "", secret].map((one) => signatureOf(last, one));
      return { given: last.headers.get("webhook-signature")?.split(" "), made };
    };
    const both = await sent();
    expect(both.given).toEqual(both.made);
    hooks.clock.advance(overlapMs - 1);
    const late = await sent();
    expect(late.given).toEqual(late.made);
    hooks.clock.advance(1);
    const after = await sent();
    expect(after.given).toEqual(after.made.slice(0, 1));
  });

  test("are made after the master key was changed, and the secret lies nowhere in the open", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    const { secret } = await hooks.hook();
    await rotateMasterKey(hooks.store, hooks.webhooks.kit.place);
    await hooks.happen();
    await hooks.webhooks.queue.run();
    const [event] = receiver.got;
    if (event === undefined) throw new Error("Nothing came");
    expect(event.headers.get("webhook-signature")).toBe(signatureOf(event, secret));
    const rows = await hooks.store.read("SELECT * FROM webhook", []);
    expect(JSON.stringify(rows) + hooks.logged()).not.toContain(secret.slice("whsec_".length));
  });
});

test("a secret that does not open is said, and a new one is the way out", async () => {
  await using receiver = startReceiver();
  await using hooks = await startHooks(receiver);
  const { webhook } = await hooks.hook();
  rmSync(join(hooks.folder, "master.key"));
  const { kit, queue } = hooks.webhooks;
  const tested = await sendTest(kit, queue, webhook, by);
  expect(tested).toMatchObject({ state: "failed", tries: [{ reason: "secret_unreadable" }] });
  await hooks.happen();
  await queue.run();
  expect(receiver.got).toEqual([]);
  expect(hooks.logged()).toContain("webhook_secret_unread");
  const rotated = await rotateSecret(kit, webhook.id, owner, by);
  hooks.clock.advance(claimMs);
  await queue.run();
  const [event] = receiver.got;
  expect(event && signatureOf(event, rotated?.secret ?? "")).toBe(
    String(event?.headers.get("webhook-signature")),
  );
});

describe("where events may go", () => {
  const guarded = { isGuarded: true } as const;
  test.each([
    ["a private address", "https://10.0.0.1/"],
    ["this machine", "https://127.0.0.1/"],
    ["this machine by its name", "https://localhost/"],
    ["this machine in IPv6", "https://[::1]/"],
    ["an address in other clothes", "https://0x7f000001/"],
    ["the metadata of a cloud", "https://169.254.169.254/latest"],
    ["plain HTTP", "http://1.1.1.1/"],
    ["another port", "https://1.1.1.1:8443/"],
    ["a user", "https://user:word@1.1.1.1/"],
    ["a fragment", "https://1.1.1.1/#there"],
    ["another scheme", "file:///etc/passwd"],
  ])("is not %s", async (_, url) => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver, {
      ...guarded,
      rules: { isProxied: () => false },
    });
    await expect(hooks.hook({ url })).rejects.toThrow("Cannot use this url");
    expect(await hooks.store.read("SELECT id FROM webhook", [])).toEqual([]);
  });

  test("is not a name that leads to a private address, neither when it is made nor later", async () => {
    await using receiver = startReceiver();
    let addresses = ["93.184.215.14", "10.0.0.7"];
    const asked: string[] = [];
    const rules = {
      isProxied: () => false,
      resolve: (host: string) => {
        asked.push(host);
        return Promise.resolve(addresses);
      },
    };
    await using hooks = await startHooks(receiver, { ...guarded, rules });
    const url = "https://hooks.example.com/a";
    await expect(hooks.hook({ url })).rejects.toThrow("in the public internet");
    addresses = ["93.184.215.14"];
    const { webhook } = await hooks.hook({ url });
    // The name server answers otherwise now.
    addresses = ["127.0.0.1"];
    await hooks.happen();
    await hooks.webhooks.queue.run();
    expect(receiver.got).toEqual([]);
    expect((await hooks.deliveries())[0]?.tries).toMatchObject([{ reason: "not_public" }]);
    const tested = await sendTest(hooks.webhooks.kit, hooks.webhooks.queue, webhook, by);
    expect(tested).toMatchObject({ state: "failed", tries: [{ reason: "not_public" }] });
    expect(asked.length).toBe(4);
  });

  test("is the address that was checked, whatever the name server says next", async () => {
    await using receiver = startReceiver();
    let lookups = 0;
    const rules = {
      isAllowedPort: () => true,
      isAllowedAddress: (address: string) => address === "127.0.0.1",
      resolve: () => Promise.resolve([lookups++ === 0 ? "127.0.0.1" : "10.0.0.1"]),
    };
    await using hooks = await startHooks(receiver, { rules });
    await hooks.hook({ url: `http://hooks.example.com:${receiver.port}/hook` });
    await hooks.happen();
    await hooks.webhooks.queue.run();
    expect(lookups).toBe(1);
    expect(receiver.got[0]?.headers.get("host")).toBe(`hooks.example.com:${receiver.port}`);
  });
});

test("a replay sends the same event again, as a delivery of its own", async () => {
  await using receiver = startReceiver();
  await using hooks = await startHooks(receiver);
  const { webhook } = await hooks.hook();
  await hooks.happen();
  await hooks.webhooks.queue.run();
  const { kit, queue } = hooks.webhooks;
  const [before] = await hooks.deliveries();
  const again = await replay(kit, queue, webhook, before?.id ?? "", by);
  await queue.run();
  const [first, second] = receiver.got;
  expect(second?.body).toBe(String(first?.body));
  expect(second?.headers.get("webhook-id")).toBe(String(before?.eventId));
  expect(again?.id).not.toBe(String(before?.id));
  expect(await replay(kit, queue, webhook, "dlv_none", by)).toBeUndefined();
  // Nothing would send it.
  const disabled = { ...webhook, disabled: true };

  await expect(replay(kit, queue, disabled, before?.id ?? "", by)).rejects.toThrow(
    "enable it first",
  );
  expect(await hooks.deliveries()).toHaveLength(2);
});

test("a test event is sent at once, once, and to a disabled webhook too", async () => {
  await using receiver = startReceiver();
  await using hooks = await startHooks(receiver);
  const { webhook } = await hooks.hook({ disabled: true });
  const { kit, queue } = hooks.webhooks;
  const well = await sendTest(kit, queue, webhook, by);
  expect(well).toMatchObject({ state: "delivered", tries: [{ status: 204 }] });
  expect(at(receiver.got[0]?.json, "type")).toBe("webhook.test");
  receiver.answer(fail);
  const ill = await sendTest(kit, queue, webhook, by);
  expect(ill).toMatchObject({ state: "failed", tries: [{ status: 500 }] });
  hooks.clock.advance(expiryMs);
  await queue.run();
  expect(receiver.got.length).toBe(2);
});
