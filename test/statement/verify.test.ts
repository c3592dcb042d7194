import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey, verify as verifyBytes } from "node:crypto";
import fc from "fast-check";
import { publicKeys, rotateSigningKey } from "#src/account/signing-key.ts";
import { canonical } from "#src/statement/canonical.ts";
import { publishKeys, readKeys } from "#src/statement/keys.ts";
import type { Issued } from "#src/statement/open.ts";
import { signedJson, signStatement } from "#src/statement/sign.ts";
import { VerifyError, verifyFile } from "#src/statement/verify.ts";
import { busyMonth, fileOf, type Kit, startKit } from "./kit.ts";
import { pemOf } from "#test/statement/pem.ts";

let kit: Kit;
let issued: Issued;
/** The forms, each with the signature that stands beside it. */
let files: Record<"json" | "csv" | "pdf" | "html", { bytes: Uint8Array; side?: Uint8Array }>;
const own: string[] = [];

beforeAll(async () => {
  kit = await startKit();
  await kit.write(busyMonth(kit.account.id, kit.other.id));
  issued = await kit.statement("2026-10", kit.account);
  const csv = await fileOf(issued, "csv");
  files = {
    json: await fileOf(issued, "json").then(({ bytes }) => ({ bytes })),
    csv: { bytes: csv.bytes, side: new TextEncoder().encode(csv.side) },
    pdf: await fileOf(issued, "pdf").then(({ bytes }) => ({ bytes })),
    html: await fileOf(issued, "html").then(({ bytes }) => ({ bytes })),
  };
  own.push(issued.key.publicKey);
});
afterAll(() => kit[Symbol.dispose]());

const kinds = ["json", "csv", "pdf", "html"] as const;

describe.each(kinds)("%s", (kind) => {
  test("verifies with nothing but itself, and with the key that was given", () => {
    const embedded = verifyFile({ ...files[kind], keys: [] });
    expect([embedded.kind, embedded.trust]).toEqual([kind, "embedded"]);
    expect(embedded.publicKey).toBe(issued.key.publicKey);
    expect(verifyFile({ ...files[kind], keys: own }).trust).toBe("given");
  });

  test("breaks on any changed byte", () => {
    const { bytes, side } = files[kind];
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(() => verifyFile({ bytes: changed, side, keys: [] })).toThrow(VerifyError);
      }),
      // A document of 60 KB is parsed and checked at every run.
      { numRuns: 300 },
    );
  }, 30_000);

  test("breaks where a byte is cut off or added, at either end", () => {
    const { bytes, side } = files[kind];
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    for (const tail of [0x0a, 0x20, 0x00]) {
      longer[bytes.length] = tail;
      expect(() => verifyFile({ bytes: longer, side, keys: [] })).toThrow(VerifyError);
    }
    const before = new Uint8Array([0x20, ...bytes]);
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, ...bytes]);
    for (const other of [bytes.slice(0, -1), bytes.slice(1), before, marked])
      expect(() => verifyFile({ bytes: other, side, keys: [] })).toThrow(VerifyError);
  });

  test("is refused for another key than the one that was given", async () => {
    using stranger = await startKit();
    const other = (await stranger.statement("2026-09", stranger.account)).key.publicKey;
    expect(() => verifyFile({ ...files[kind], keys: [other] })).toThrow(
      "not the one that was given",
    );
  });
});

test("breaks on every changed byte of its signature, of whatever form", async () => {
  const { side = new Uint8Array() } = files.csv;
  for (let at = 0; at < side.length; at++) {
    const changed = side.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => verifyFile({ bytes: files.csv.bytes, side: changed, keys: [] })).toThrow(
      VerifyError,
    );
  }
  for (const kind of ["pdf", "html"] as const) {
    const { bytes } = files[kind];
    for (let at = bytes.length - 190; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => verifyFile({ bytes: changed, keys: [] })).toThrow(VerifyError);
    }
  }
  const { bytes } = await fileOf(await kit.statement("2026-09", kit.account), "json");
  const text = new TextDecoder().decode(bytes);
  for (let at = 0; at < text.indexOf('"statement":'); at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => verifyFile({ bytes: changed, keys: [] })).toThrow(VerifyError);
  }
});

test("anybody can check it by what it says of itself, without this program", () => {
  const document: unknown = JSON.parse(new TextDecoder().decode(files.json.bytes));
  const { signature: about, statement } = Object(document);
  // Sorted members without spaces is what the file is written in already: no canonical form has to be made.
  const text = new TextDecoder().decode(files.json.bytes);
  const start = text.indexOf('"statement":') + '"statement":'.length;
  const written = text.slice(start, -2);
  expect(JSON.parse(written)).toEqual(statement);
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: about.public_key },
    format: "jwk",
  });
  const bytes = Buffer.from(`lowrouter-statement-v1\n${written}`);
  expect(verifyBytes(null, bytes, key, Buffer.from(about.signature, "base64url"))).toBe(true);
  expect(Bun.SHA256.hash(written, "hex")).toBe(about.sha256);
});

test("a file that was formatted anew is refused, and told why", () => {
  const document: unknown = JSON.parse(new TextDecoder().decode(files.json.bytes));
  const bytes = new TextEncoder().encode(JSON.stringify(document, null, 2));
  expect(() => verifyFile({ bytes, keys: [] })).toThrow("formatted anew");
});

test("a statement that was signed but does not add up is refused", async () => {
  const { statement, signer } = issued;
  const line = statement.lines[0];
  if (line === undefined) throw new Error("no line");
  const lines = [{ ...line, requests: line.requests + 1 }, ...statement.lines.slice(1)];
  const bad = signedJson(await signStatement({ ...statement, lines }, signer));
  const bytes = new TextEncoder().encode(bad);
  expect(() => verifyFile({ bytes, keys: [] })).toThrow("does not add up: the totals");
});

test("a statement of the gateway whose accounts do not add up is refused", async () => {
  const whole = await kit.statement("2026-10");
  const [first, ...others] = whole.statement.by.account ?? [];
  if (first === undefined) throw new Error("no account");
  const sign = async (requests: number) => {
    const account = [{ ...first, requests }, ...others];
    const by = { ...whole.statement.by, account };
    const signed = await signStatement({ ...whole.statement, by }, whole.signer);
    return new TextEncoder().encode(signedJson(signed));
  };
  expect(verifyFile({ bytes: await sign(first.requests), keys: [] }).kind).toBe("json");
  const bytes = await sign(first.requests + 1);
  expect(() => verifyFile({ bytes, keys: [] })).toThrow("the totals by account");
});

test("what is no statement says what it is not", () => {
  const of = (text: string) => () =>
    verifyFile({ bytes: new TextEncoder().encode(text), keys: [] });
  expect(of("{}")).toThrow("It is no signed statement");
  expect(of("{")).toThrow("It is no JSON");
  expect(of("%PDF-1.7\n")).toThrow("Its last line is no signature");
  expect(of("month,account\r\n")).toThrow("needs its .sig");
  expect(of("")).toThrow("needs its .sig");
});

test("after a rotation the old key vouches for the new one, and old statements still verify", async () => {
  using rotated = await startKit();
  const before = await rotated.statement("2026-09", rotated.account);
  const made = await rotateSigningKey(rotated.store, rotated.place, rotated.clock);
  const after = await rotated.statement("2026-09", rotated.account);
  expect(after.key.publicKey).toBe(made.publicKey);
  expect(after.statement.keys.map(({ id }) => id)).toEqual([before.key.id, made.id]);
  const file = async (one: Issued) => (await fileOf(one, "json")).bytes;
  const old = before.key.publicKey;
  expect(verifyFile({ bytes: await file(after), keys: [old] }).trust).toBe("vouched");
  expect(verifyFile({ bytes: await file(after), keys: [made.publicKey] }).trust).toBe("given");
  expect(verifyFile({ bytes: await file(before), keys: [old] }).trust).toBe("given");
  // The key of today says nothing of the ones before it.
  const alone = { bytes: await file(before), keys: [made.publicKey] };
  expect(() => verifyFile(alone)).toThrow("none of those vouches");
  const published = readKeys(JSON.stringify(publishKeys(await publicKeys(rotated.store))));
  expect(published).toEqual([old, made.publicKey]);
  expect(verifyFile({ bytes: await file(before), keys: published }).trust).toBe("given");
});

test("a key is read as 43 characters, as PEM and as the published set; anything else is refused", () => {
  const [key = ""] = own;
  expect(readKeys(`${key}\n`)).toEqual([key]);
  expect(readKeys(pemOf(key))).toEqual([key]);
  for (const bad of ["", "abc", "{}", '{"keys":[]}', `${key}x`, "-----BEGIN PUBLIC KEY-----"])
    expect(() => readKeys(bad)).toThrow("Cannot use this as a public key");
});

test("the canonical form sorts members by code units and writes numbers as ECMAScript does", () => {
  const euro = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    1: 4,
    "\u{1f600}": 5,
    "\u0080": 6,
    "\u00f6": 7,
  };
  // The sample of RFC 8785, section 3.2.3.
  expect(canonical(euro)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  expect(canonical([1e30, 4.5, 0.002, 1e-27, null, true, 'a\u000f\n"\\'])).toBe(
    '[1e+30,4.5,0.002,1e-27,null,true,"a\\u000f\\n\\"\\\\"]',
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonical(value);
      expect(canonical(JSON.parse(text))).toBe(text);
    }),
  );
});
