import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { run } from "#src/cli/program.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** A command on a data directory of its own name. */
function at(name: string) {
  return async (...words: string[]): Promise<{ code: number; out: string; err: string }> => {
    let [out, err] = ["", ""];
    const code = await run([...words, "--data-dir", join(folder.path, name)], {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      colour: false,
    });
    return { code, out, err };
  };
}

test.each([
  ["9000001", "An amount of at most 9000000 is needed"],
  ["0.0000000004", "An amount of at least 0.000000001, or 0, is needed"],
])("an amount of %s is a mistake of usage: it cannot be kept", async (amount, said) => {
  const command = at("amounts");
  for (const words of [
    ["account", "create", "--name", "x", "--balance", amount],
    ["key", "create", "--account", "x", "--name", "k", "--limit", amount],
    ["credit", "add", "--account", "x", amount],
  ]) {
    const refused = await command(...words);
    expect([refused.code, refused.out]).toEqual([2, ""]);
    expect(refused.err).toContain(said);
  }
});

test("credit add says what was added, to the billionth that is kept", async () => {
  const command = at("kept");
  await command("account", "create", "--name", "acme");
  const added = await command("credit", "add", "--account", "acme", "1.1234567894");
  expect(added.out).toBe('Added 1.123456789 USD to "acme": balance 1.123456789\n');
});

test("an account is granted no more than can be counted, and can be read afterwards", async () => {
  const command = at("rich");
  await command("account", "create", "--name", "rich", "--balance", "9000000");
  const refused = await command("credit", "add", "--account", "rich", "0.5");
  expect([refused.code, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain("granted at most 9000000 in all, and this one was granted 9000000");
  expect((await command("account", "list")).out).toContain("9000000.000000");
  const taken = await command("credit", "add", "--account", "rich", "-1");
  expect(taken.out).toContain("balance 8999999");
});

const shown = v.looseObject({ data: v.looseObject({ transactions: v.array(v.unknown()) }) });

test("credit show says that there are more transactions than the last 20, and --all shows them", async () => {
  const command = at("many");
  await command("account", "create", "--name", "acme", "--balance", "0.000000001");
  for (let n = 0; n < 20; n++) await command("credit", "add", "--account", "acme", "1");
  const count = (out: string) => v.parse(shown, JSON.parse(out)).data.transactions.length;
  const last = await command("credit", "show", "--account", "acme", "--json");
  expect([count(last.out), last.err]).toEqual([
    20,
    "The last 20 transactions are shown: --all shows every one\n",
  ]);
  const all = await command("credit", "show", "--account", "acme", "--json", "--all");
  expect([count(all.out), all.err]).toEqual([21, ""]);
  const table = await command("credit", "show", "--account", "acme", "--all");
  expect(table.out).toContain("  0.000000001  Opening balance\n");
});

test.each(["2027-02-30T00:00:00Z", "2027-01-01T10:00:00", "1", "June 2027"])(
  "--expires-at %j is refused: it is no time, or one of another place",
  async (text) => {
    const command = at(`times ${Bun.hash(text)}`);
    const made = ["key", "create", "--account", "x", "--name", "k", "--expires-at", text];
    await command("account", "create", "--name", "x");
    const refused = await command(...made);
    expect([refused.code, refused.out]).toEqual([2, ""]);
    expect(refused.err).toContain(`Cannot use "${text}" for --expires-at`);
  },
);

test("eco estimate of no tokens is a mistake of usage, and not one of the model", async () => {
  const refused = await at("eco")("eco", "estimate", "--model", "gpt-4o-mini", "--tokens", "0");
  expect([refused.code, refused.out]).toEqual([2, ""]);
  expect(refused.err).toContain("A whole number from 1 is needed");
});

test("columns stand below each other whatever letters the names have", async () => {
  const command = at("wide");
  for (const name of ["株式会社", "acme"]) await command("account", "create", "--name", name);
  const lines = (await command("account", "list")).out.split("\n").slice(0, 4);
  const until = lines.map((line) => Bun.stringWidth(line.slice(0, line.search(/plan|prepaid|$/))));
  expect(until[2]).toBe(until[0]);
  expect(until[3]).toBe(until[0]);
});

test("the help of serve says of no signal that it takes workers which does not", async () => {
  const { out } = await at("help")("serve", "--help");
  expect(out).toContain("HUP        reads the configuration anew");
});
