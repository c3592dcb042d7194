import { expect, test } from "bun:test";
import fc from "fast-check";
import { aliasNames, originalNames } from "#src/dialect/tool-names.ts";
import { callOf, turnOf } from "#test/dialect/upstream-kit.ts";

test("a tool's name goes out as every wire takes it, and comes back as it was", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 130 }), { minLength: 1 }),
      (given) => {
        const [first = ""] = given;
        const turn = turnOf({
          tools: given.map((name) => ({ name })),
          toolChoice: { name: first },
          messages: [{ role: "assistant", content: given.map((name) => callOf("c", name)) }],
        });
        const { turn: out, names } = aliasNames(turn);
        const sent = out.tools.map(({ name }) => name);
        for (const name of sent) expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/);
        expect(new Set(sent).size).toBe(given.length);
        expect(out.toolChoice).toEqual({ name: sent[0] ?? "" });
        expect(out.messages).toEqual([
          { role: "assistant", content: sent.map((name) => callOf("c", name)) },
        ]);
        const parts = sent.map((name) => callOf("c", name));
        const reply = { choices: [{ index: 0, parts, finish: "tool_calls" as const }] };
        expect(originalNames(reply, names).choices[0]?.parts).toEqual(
          given.map((name) => callOf("c", name)),
        );
      },
    ),
  );
});

test("names that every wire takes are left alone", () => {
  const turn = turnOf({ tools: [{ name: "get_weather-2" }] });
  expect(aliasNames(turn).turn).toBe(turn);
});
