import { beforeEach, describe, expect, test } from "bun:test";
import { createHealth, type Health } from "#src/provider/health.ts";
import type { Route } from "#src/provider/deployment.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { routeAt } from "#test/provider/route.ts";

let clock: FakeClock;
let health: Health;
let route: Route;
let other: Route;
beforeEach(() => {
  clock = createFakeClock();
  health = createHealth(clock);
  route = routeAt("openai", "eu-west", "openai/gpt-4o-mini");
  other = routeAt("openai", "us-east", "openai/gpt-4o-mini");
});

function fail(times: number, one = route): void {
  for (let time = 0; time < times; time++) health.failed(one);
}
const standing = () => {
  const { state, reason } = health.standing(route);
  return [state, reason];
};

describe("the circuit", () => {
  test("opens at the third failure within 30 s, for that slot alone", () => {
    fail(2);
    expect(health.state(route)).toBe("degraded");
    fail(1);
    expect(standing()).toEqual(["unavailable", "circuit_open"]);
    expect(health.state(other)).toBe("ok");
    expect(health.state(routeAt("openai", "eu-west", "openai/gpt-4o"))).toBe("ok");
  });

  test("stays closed at three failures in more than 30 s", () => {
    fail(2);
    clock.advance(30_000);
    fail(1);
    expect(health.state(route)).not.toBe("unavailable");
  });

  test("is one for all routes to the same model at the same provider and region", () => {
    fail(3);
    expect(health.state(routeAt("openai", "eu-west", "openai/gpt-4o-mini"))).toBe("unavailable");
  });

  test("is not opened by the few failures among many answers", () => {
    for (let time = 0; time < 100; time++) {
      if (time % 20 === 0) fail(1);
      else health.succeeded(route, 10);
    }
    expect(health.state(route)).toBe("ok");
    for (let time = 0; time < 20; time++) {
      health.succeeded(route, 10);
      fail(1);
    }
    expect(health.state(route)).toBe("unavailable");
  });

  test("is opened by three failures in a row, however well it went before", () => {
    for (let time = 0; time < 1000; time++) health.succeeded(route, 10);
    clock.advance(1);
    fail(3);
    expect(health.state(route)).toBe("unavailable");
  });

  test("lets one probe through after 30, 60 and 120 s, and not earlier", () => {
    fail(3);
    for (const wait of [30_000, 60_000, 120_000, 120_000]) {
      clock.advance(wait - 1);
      expect([health.state(route), health.enter(route)]).toEqual(["unavailable", "refused"]);
      clock.advance(1);
      expect(health.state(route)).toBe("ok");
      expect(health.enter(route)).toBe("probe");
      expect(standing()).toEqual(["unavailable", "probing"]);
      expect([health.state(route), health.enter(route)]).toEqual(["unavailable", "refused"]);
      fail(1);
      expect(standing()).toEqual(["unavailable", "circuit_open"]);
    }
  });

  test("closes when its probe succeeds, and begins at 30 s again", () => {
    fail(3);
    clock.advance(30_000);
    health.enter(route);
    health.succeeded(route, 10);
    expect(health.enter(route)).toBe("usual");
    fail(2);
    expect(health.enter(route)).toBe("usual");
    fail(1);
    clock.advance(30_000);
    expect(health.enter(route)).toBe("probe");
  });

  test("lets another probe go when nothing was learnt from the first", () => {
    fail(3);
    clock.advance(30_000);
    expect(health.enter(route)).toBe("probe");
    health.leave(route);
    expect(health.enter(route)).toBe("probe");
  });

  test("lets a probe in before its time where nobody else is left: one at a time, after a second's rest", () => {
    fail(3);
    expect([health.isLastResort(route), health.enterLast(route)]).toEqual([false, "refused"]);
    clock.advance(999);
    expect(health.enterLast(route)).toBe("refused");
    clock.advance(1);
    expect([health.isLastResort(route), health.enter(route)]).toEqual([true, "refused"]);
    expect(health.enterLast(route)).toBe("probe");
    expect([health.isLastResort(route), health.enterLast(route)]).toEqual([false, "refused"]);
    expect(standing()).toEqual(["unavailable", "probing"]);
    health.leave(route);
    expect(health.enterLast(route)).toBe("probe");
  });

  test("closes when an early probe succeeds, and is not left alone for longer when it fails", () => {
    fail(3);
    clock.advance(10_000);
    health.enterLast(route);
    fail(1);
    expect(standing()).toEqual(["unavailable", "circuit_open"]);
    expect([health.standing(route).wait, health.enterLast(route)]).toEqual([20_000, "refused"]);
    clock.advance(1000);
    expect(health.enterLast(route)).toBe("probe");
    health.succeeded(route, 10);
    expect(health.enter(route)).toBe("usual");
  });

  test("reopens at the failure of an early probe that ends after the time to be left alone", () => {
    fail(3);
    clock.advance(29_000);
    health.enterLast(route);
    clock.advance(2_000);
    expect(health.enter(route)).toBe("refused");
    fail(1);
    expect(health.standing(route).wait).toBe(60_000);
  });

  test("is no last resort while it asks to be left alone, or refuses us, or is none of the open", () => {
    health.cool(route, 60_000);
    fail(3);
    health.failed(other, "credential_refused");
    health.failed(other, "credential_refused");
    health.failed(other, "credential_refused");
    clock.advance(2_000);
    expect([health.isLastResort(route), health.enterLast(route)]).toEqual([false, "refused"]);
    expect([health.isLastResort(other), health.enterLast(other)]).toEqual([false, "refused"]);
    const sound = routeAt("openai", "eu-north", "openai/gpt-4o-mini");
    expect([health.isLastResort(sound), health.enterLast(sound)]).toEqual([false, "usual"]);
  });

  test("does not wait for ever for a probe that nobody ended", () => {
    fail(3);
    clock.advance(30_000);
    health.enter(route);
    clock.advance(120_000);
    expect(health.enter(route)).toBe("probe");
  });

  test("takes a client's own error for a sign of life: it closes what is half open, and trips nothing", () => {
    for (let time = 0; time < 100; time++) health.answered(route);
    expect(health.state(route)).toBe("ok");
    fail(3);
    clock.advance(30_000);
    health.enter(route);
    health.answered(route);
    expect(health.enter(route)).toBe("usual");
  });

  test("is not opened for longer by those that were on their way when it opened", () => {
    fail(20);
    clock.advance(30_000);
    expect(health.enter(route)).toBe("probe");
  });

  test("is not closed by an answer that was on its way when it opened", () => {
    fail(3);
    health.succeeded(route, 10);
    expect(health.state(route)).toBe("unavailable");
  });
});

describe("the state", () => {
  test("is degraded while more than a tenth failed in five minutes, and successes grow old as failures do", () => {
    for (let time = 0; time < 95; time++) health.succeeded(route, 10);
    clock.advance(250_000);
    for (let time = 0; time < 5; time++) health.succeeded(route, 10);
    fail(1);
    expect(health.state(route)).toBe("ok");
    clock.advance(100_000); // The 95 are older than five minutes now.
    expect(standing()).toEqual(["degraded", "failing"]);
    clock.advance(300_000);
    expect(standing()).toEqual(["ok", undefined]);
  });

  test("counts nothing again that is older than five minutes, however long ago", () => {
    for (let time = 0; time < 95; time++) health.succeeded(route, 10);
    for (let round = 0; round < 40; round++) {
      clock.advance(310_000); // As long as all that is counted, so that the same places are used again.
      fail(1);
      expect(health.state(route)).toBe("degraded");
    }
  });

  test("says since when it is so", () => {
    fail(3);
    const since = clock.now();
    clock.advance(10_000);
    expect(health.standing(route).since).toBe(since);
  });

  test("is cooling as long as the provider asked, without a failure", () => {
    health.cool(route, 7_000);
    expect(standing()).toEqual(["unavailable", "cooling"]);
    expect([health.enter(route), health.standing(route).wait]).toEqual(["refused", 7_000]);
    clock.advance(7_000);
    expect([standing(), health.enter(route)]).toEqual([["ok", undefined], "usual"]);
    expect(health.outage(route)).toBe(false);
  });

  test("says that the credential is refused until it is taken again", () => {
    health.failed(route, "credential_refused");
    expect(standing()).toEqual(["degraded", "credential_refused"]);
    health.failed(route, "credential_refused");
    health.failed(route, "credential_refused");
    expect(standing()).toEqual(["unavailable", "credential_refused"]);
    clock.advance(30_000);
    expect(standing()).toEqual(["degraded", "credential_refused"]);
    health.enter(route);
    health.succeeded(route, 10);
    expect(standing()).toEqual(["degraded", "failing"]);
  });

  test("of a region is the worst that all of its models share", () => {
    const second = routeAt("openai", "eu-west", "openai/gpt-4o");
    health.succeeded(second, 10);
    fail(3);
    expect(health.regionState("openai", "eu-west")).toBe("degraded");
    fail(3, second);
    expect(health.regionState("openai", "eu-west")).toBe("unavailable");
    expect(health.regionState("openai", "us-east")).toBe("ok");
  });
});

describe("an outage", () => {
  test("is a significant failure within 30 s", () => {
    expect(health.outage(route)).toBe(false);
    fail(1);
    expect(health.outage(route)).toBe(true);
    clock.advance(30_000);
    expect(health.outage(route)).toBe(false);
  });

  test("is not one failure among many answers", () => {
    for (let time = 0; time < 100; time++) health.succeeded(route, 10);
    fail(1);
    expect(health.outage(route)).toBe(false);
  });
});

describe("percentiles", () => {
  /** Within the width of a bucket of what was seen. */
  const near = (seen: number | undefined, true_: number) =>
    expect(Math.abs((seen ?? 0) / true_ - 1)).toBeLessThan(0.06);

  test("are those of what was seen, within a bucket's width", () => {
    for (let ms = 1; ms <= 1000; ms++) health.succeeded(route, ms);
    near(health.latency(route), 500);
    near(health.percentile(route, "latency", 75), 750);
    near(health.percentile(route, "latency", 90), 900);
    near(health.percentile(route, "latency", 95), 950);
    near(health.percentile(route, "latency", 99), 990);
  });

  test("are of the last five minutes alone", () => {
    expect(health.latency(route)).toBeUndefined();
    health.succeeded(route, 1000);
    clock.advance(150_000);
    health.succeeded(route, 10);
    health.succeeded(route, 10);
    near(health.percentile(route, "latency", 99), 1000);
    clock.advance(150_000);
    near(health.percentile(route, "latency", 99), 10);
    clock.advance(150_000);
    expect(health.latency(route)).toBeUndefined();
  });

  test("survive a pause of any length, and values of any size", () => {
    for (const ms of [0, 1e-9, 1e12, Number.POSITIVE_INFINITY]) health.succeeded(route, ms);
    clock.advance(10 ** 9);
    health.succeeded(route, 20);
    near(health.latency(route), 20);
  });

  test("of throughput are output tokens per second, of streams that last", () => {
    health.streamed(route, 100, 2000);
    near(health.percentile(route, "throughput", 50), 50);
    health.streamed(route, 1_000_000, 1);
    health.streamed(route, 0, 1000);
    near(health.percentile(route, "throughput", 99), 50);
  });

  test("count one that was not waited for, and call it no success", () => {
    health.outran(route, 4000);
    near(health.percentile(route, "latency", 95), 4000);
    fail(2);
    expect(health.state(route)).toBe("degraded");
  });

  test("take the memory of a few kilobytes, however many were seen", () => {
    for (let time = 0; time < 200_000; time++) health.succeeded(route, 1 + (time % 997));
    const before = process.memoryUsage().heapUsed;
    for (let time = 0; time < 200_000; time++) health.succeeded(route, 1 + (time % 997));
    Bun.gc(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
  });
});

test("what one process finds, another believes, unless it knows better", () => {
  const second = createHealth(clock);
  fail(3);
  health.cool(other, 9_000);
  second.hear(health.tell());
  expect([second.state(route), second.state(other)]).toEqual(["unavailable", "unavailable"]);
  const third = createHealth(clock);
  third.succeeded(route, 10);
  third.hear(health.tell());
  expect(third.state(route)).toBe("ok");
  clock.advance(30_000);
  expect(second.enter(route)).toBe("probe");
  expect(health.tell()).toEqual([]);
});
