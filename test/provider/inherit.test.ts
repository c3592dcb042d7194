import { beforeEach, describe, expect, test } from "bun:test";
import type { Deployment, Route } from "#src/provider/deployment.ts";
import { createHealth, type Health } from "#src/provider/health.ts";
import { inherit } from "#src/provider/inherit.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { routeAt } from "#test/provider/route.ts";

let clock: FakeClock;
let former: Health;
beforeEach(() => {
  clock = createFakeClock();
  former = createHealth(clock);
});

const made = (change: Partial<Deployment> = {}): Route => {
  const route = routeAt("openai", "eu-west", "openai/gpt-4o-mini");
  return { ...route, deployment: { ...route.deployment, ...change } };
};
const key = (id: string, since?: number) => ({ id, since, weight: 1, isFallback: false });
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const after = (...routes: Route[]) => createHealth(clock, inherit(former.slots, routes));

function fail(health: Health, route: Route, refused?: "credential_refused"): void {
  for (let time = 0; time < 3; time++) health.failed(route, refused);
}

describe("the health that a gateway goes on with", () => {
  test("is that of the same address and credential: what is shut stays so, and both learn on", () => {
    const [before, now] = [made(), made()];
    fail(former, before);
    former.outran(before, 800);
    const next = after(now);
    expect(next.standing(now)).toEqual(former.standing(before));
    expect(next.standing(now)).toMatchObject({ state: "unavailable", reason: "circuit_open" });
    expect(next.latency(now)).toBeCloseTo(800, -2);
    clock.advance(30_000);
    // The probe of one is the probe of both.
    expect([former.enter(before), next.enter(now)]).toEqual(["probe", "refused"]);
    former.succeeded(before, 10);
    expect(next.enter(now)).toBe("usual");
  });

  test("keeps to what a provider asked for", () => {
    former.cool(made(), 60_000);
    const next = after(made());
    expect(next.standing(made())).toMatchObject({ reason: "cooling", wait: 60_000 });
  });

  const { endpoint } = made();
  test.each<[string, Route]>([
    ["address", made({ baseUrl: "http://127.0.0.1:2/v1" })],
    ["credential", made({ headers: bearer("another") })],
    ["name of the model there", { ...made(), endpoint: { ...endpoint, upstreamModel: "other" } }],
    ["region", made({ region: "us-east" })],
  ])("begins anew with another %s", (_, now) => {
    const before = made();
    fail(former, before);
    former.cool(before, 60_000);
    const next = after(now);
    expect([next.state(now), next.latency(now), next.tell()]).toEqual(["ok", undefined, []]);
    expect(next.enter(now)).toBe("usual");
  });

  test("tries at once what was refused, and what is signed; how fast it was is known", () => {
    const signed = made({ signer: { sign: () => ({}) } });
    for (const [route, refused] of [
      [made(), "credential_refused"],
      [signed, undefined],
    ] as const) {
      former = createHealth(clock);
      former.succeeded(route, 400);
      clock.advance(60_000);
      fail(former, route, refused);
      expect(former.state(route)).toBe("unavailable");
      const next = after({ ...route });
      expect([next.state(route), next.enter(route)]).toEqual(["ok", "usual"]);
      expect(next.latency(route)).toBeCloseTo(400, -2);
    }
  });

  test("is, of several credentials, that of those which are the same", () => {
    const ways = (...all: [id: string, secret: string, since?: number][]): Route => {
      const keys = all.map(([id, secret, since]) =>
        made({ key: key(id, since), headers: bearer(secret) }),
      );
      return { ...made(), keys };
    };
    const before = ways(["env_1", "one"], ["env_2", "two"], ["pk_1", "three", 5]);
    for (const one of before.keys ?? []) fail(former, one);
    const now = ways(["env_1", "one"], ["env_2", "swapped"], ["pk_1", "three", 6]);
    const next = after(now);
    expect((now.keys ?? []).map((one) => next.state(one))).toEqual(["unavailable", "ok", "ok"]);
    const only = made({ headers: bearer("one") });
    expect(after(only).state(only)).toBe("ok");
  });

  test("knows nothing of what can be asked no more", () => {
    fail(former, made());
    expect(after().all()).toEqual([]);
  });
});
