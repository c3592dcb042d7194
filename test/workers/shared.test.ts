import { describe, expect, test } from "bun:test";
import { createThrottles } from "#src/account/people/throttles.ts";
import { loadConfig } from "#src/config/load.ts";
import { ConfigError } from "#src/config/error.ts";
import { shownSettings } from "#src/config/show.ts";
import { headsFile, headsText, startHeads } from "#src/ledger/heads.ts";
import { readHeads } from "#src/ledger/heads-log.ts";
import { shareThrottles } from "#src/web/people/shared-throttles.ts";
import { joinExpositions } from "#src/workers/exposition.ts";
import type { Siblings } from "#src/workers/siblings.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

/** As many siblings as wanted, in this process. */
function family(size: number): Siblings[] {
  const ears = Array.from({ length: size }, () => new Map<string, (value: string) => void>());
  return ears.map((own, at) => ({
    worker: at + 1,
    ask: () => Promise.resolve([]),
    answer: () => undefined,
    tell(topic, value) {
      for (const other of ears) if (other !== own) other.get(topic)?.(value);
    },
    hear: (topic, listen) => void own.set(topic, listen),
  }));
}

describe("workers", () => {
  test("are 1 unless set; flag, variable and file say how many", () => {
    expect(loadConfig({}, {}).workers).toBe(1);
    expect(loadConfig({}, { LOWROUTER_WORKERS: "3" }).workers).toBe(3);
    const config = loadConfig({ workers: "4" }, { LOWROUTER_WORKERS: "3" });
    expect(config.workers).toBe(4);
    expect(shownSettings(config)).toContainEqual({
      key: "workers",
      value: "4",
      origin: "flag",
      name: null,
    });
    const fileText = "workers = 2";
    expect(loadConfig({ config: "a.toml", fileText }, {}).workers).toBe(2);
  });

  test.each(["0", "65", "-1", "1.5", "many", "", " 2", "1e1"])("are not %p", (workers) => {
    expect(() => loadConfig({ workers }, {})).toThrow(ConfigError);
    expect(() => loadConfig({ workers }, {})).toThrow("from 1 to 64");
  });

  test.each(["0", "65", "1.5", '"2"'])("in the file are not %s", (value) => {
    const fileText = `workers = ${value}`;
    expect(() => loadConfig({ config: "a.toml", fileText }, {})).toThrow("workers");
  });
});

test("expositions are joined family by family, each sample with its worker", () => {
  const of = (count: number) =>
    `# HELP a_total Counted {so}.\n# TYPE a_total counter\na_total{model="x y"} ${count}\n# HELP b Now.\n# TYPE b gauge\nb ${count}\n`;
  expect(
    joinExpositions([
      { worker: 1, text: of(1) },
      { worker: 2, text: "" },
      { worker: 3, text: of(3) },
    ]),
  ).toBe(
    `# HELP a_total Counted {so}.\n# TYPE a_total counter\na_total{worker="1",model="x y"} 1\na_total{worker="3",model="x y"} 3\n# HELP b Now.\n# TYPE b gauge\nb{worker="1"} 1\nb{worker="3"} 3\n`,
  );
});

test("tries to sign in are counted over all workers, and forgiven by all", () => {
  const clock = createFakeClock();
  const [one, other] = family(2).map((each) => shareThrottles(createThrottles(clock), each));
  for (let tries = 0; tries < 5; tries++) expect(one?.pair.take("ann")).toBe(0);
  expect(other?.pair.take("ann")).toBeGreaterThan(0);
  expect(other?.pair.take("bob")).toBe(0);
  other?.pair.forgive("ann");
  expect(one?.pair.take("ann")).toBe(0);
});

test("heads that several processes publish at once make one unbroken log, as long as the database says", async () => {
  using folder = temporaryFolder();
  using temporary = await temporaryStore();
  const { store } = temporary;
  const clock = createFakeClock();
  const file = headsFile(folder.path);
  const faults: unknown[] = [];
  const names = ["a", "b", "c", "d"];
  for (const name of names)
    await store.write([
      {
        sql: "INSERT INTO process (id, started_at, sequence, head) VALUES (?, 0, 1, 'h')",
        args: [name],
      },
    ]);
  // Slow, as where a master key is read: that is where another gets in between.
  const signer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { id: "key", publicKey: "public", sign: () => "signed" };
  };
  const all = names.map((processId) =>
    startHeads({ store, clock, processId, file, signer, onFault: (cause) => faults.push(cause) }),
  );
  await Promise.all(all.map((heads) => heads.close()));
  expect(faults).toEqual([]);
  const lines = headsText(file).trimEnd().split("\n");
  const believing = { verify: () => true, isVouchedFor: () => true };
  expect(readHeads(headsText(file), believing).faults).toEqual([]);
  // Nobody follows the same line as another.
  const followed = lines.map((line) => String(Reflect.get(Object(JSON.parse(line)), "previous")));
  expect(new Set(followed).size).toBe(lines.length);
  expect(lines.filter((line) => line.includes('"end":true'))).toHaveLength(names.length);
  const [noted] = await store.read("SELECT value FROM setting WHERE key = 'ledger_heads'", []);
  expect(JSON.parse(String(noted?.["value"]))).toMatchObject({ lines: lines.length });
});
