import { expect, test } from "bun:test";
import { DeferredExchange } from "#src/provider/deferred-exchange.ts";
import type { Exchange, Head } from "#src/provider/exchange.ts";

const head: Head = { status: 200, header: () => undefined };

/** An exchange whose head waits, and what was done to it. */
function scripted() {
  const { promise, resolve, reject } = Promise.withResolvers<Head>();
  const aborted: Error[] = [];
  const exchange: Exchange = {
    head: promise,
    read: () => Promise.resolve(undefined),
    bytes: () => Buffer.from("body"),
    abort(reason) {
      aborted.push(reason);
      reject(reason);
    },
  };
  return { exchange, answer: () => resolve(head), aborted };
}

test("an exchange begins with the proof, and is then the one that began", async () => {
  const proof = Promise.withResolvers<Record<string, string>>();
  const inner = scripted();
  const seen: unknown[] = [];
  const exchange = new DeferredExchange(proof.promise, (given) => {
    seen.push(given);
    return inner.exchange;
  });
  const bytes = exchange.bytes();
  expect(seen).toEqual([]);
  proof.resolve({ authorization: "x" });
  inner.answer();
  expect(await exchange.head).toBe(head);
  expect(seen).toEqual([{ authorization: "x" }]);
  expect(Buffer.from(await bytes).toString()).toBe("body");
  expect(exchange.bytes()).not.toBeInstanceOf(Promise);
  expect(await exchange.read()).toBeUndefined();
});

test("an exchange that is given up before its proof never begins", async () => {
  const proof = Promise.withResolvers<Record<string, string>>();
  let begun = 0;
  const exchange = new DeferredExchange(proof.promise, () => {
    begun++;
    return scripted().exchange;
  });
  const left = new Error("left");
  exchange.abort(left);
  expect(await exchange.head.catch((cause: unknown) => cause)).toBe(left);
  proof.resolve({});
  await proof.promise;
  await Promise.resolve();
  expect(begun).toBe(0);
  expect(await exchange.read().catch((cause: unknown) => cause)).toBe(left);
});

test("an exchange that is given up after its proof ends the one that began", async () => {
  const inner = scripted();
  const exchange = new DeferredExchange(Promise.resolve({}), () => inner.exchange);
  await Promise.resolve();
  await Promise.resolve();
  const left = new Error("left");
  exchange.abort(left);
  expect(await exchange.head.catch((cause: unknown) => cause)).toBe(left);
  expect(inner.aborted).toEqual([left]);
});

test("a proof that fails, or that cannot be sent, is how the exchange ends", async () => {
  const refused = new Error("refused");
  const failing = new DeferredExchange(Promise.reject(refused), () => scripted().exchange);
  expect(await failing.head.catch((cause: unknown) => cause)).toBe(refused);
  const unsendable = new DeferredExchange(Promise.resolve({}), () => {
    throw refused;
  });
  expect(await unsendable.head.catch((cause: unknown) => cause)).toBe(refused);
});
