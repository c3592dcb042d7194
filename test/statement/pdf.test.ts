import { afterAll, beforeAll, expect, test } from "bun:test";
import { inflateSync } from "node:zlib";
import {
  decodePDFRawStream,
  PDFArray,
  PDFDict,
  PDFDocument,
  PDFName,
  PDFRawStream,
  PDFString,
  PDFHexString,
} from "pdf-lib";
import { fileOf, type Issued } from "#src/statement/open.ts";
import { verifyFile } from "#src/statement/verify.ts";
import { type Ask, busyMonth, type Kit, startKit, tables } from "./kit.ts";

let kit: Kit;
let issued: Issued;
let bytes: Uint8Array;
let doc: PDFDocument;
let pages: string[];

/** A month of many models, so that tables break over pages. */
beforeAll(async () => {
  kit = await startKit();
  const many = [...tables.parameters.keys()].slice(0, 120).map((model, at): Ask => ({
    at: Date.UTC(2026, 9, 5) + at * 1000,
    account: kit.account.id,
    model,
    provider: `provider-${at % 9}`,
    zone: "FRA",
  }));
  const odd = { at: Date.UTC(2026, 9, 6), account: kit.account.id, model: "nobody/模型-Ω" };
  await kit.write([...busyMonth(kit.account.id, kit.other.id), ...many, odd]);
  issued = await kit.statement("2026-10", kit.account);
  bytes = (await fileOf(issued, "pdf")).bytes;
  doc = await PDFDocument.load(bytes, { updateMetadata: false });
  pages = doc.getPages().map((_, at) => textOf(doc, at));
});
afterAll(() => kit[Symbol.dispose]());

/** What can be selected on a page, its pieces joined by spaces. */
function textOf(of: PDFDocument, at: number): string {
  const contents = of.getPage(at).node.Contents();
  const streams = contents instanceof PDFArray ? contents.asArray() : [contents];
  const drawn = streams
    .map((one) => {
      const stream = of.context.lookup(one);
      if (!(stream instanceof PDFRawStream)) return "";
      return new TextDecoder("latin1").decode(decodePDFRawStream(stream).decode());
    })
    .join("\n");
  return [...drawn.matchAll(/<([0-9A-F]*)> Tj/g)]
    .map(([, hex = ""]) => new TextDecoder("windows-1252").decode(Buffer.from(hex, "hex")))
    .join(" ");
}

test("it is A4 throughout, says its title and language, and needs no font file", () => {
  for (const page of doc.getPages())
    expect(page.getSize()).toEqual({ width: 595.28, height: 841.89 });
  expect(doc.getTitle()).toBe("Footprint statement 2026-10, Ada & Söhne");
  const language = doc.catalog.lookup(PDFName.of("Lang"));
  expect(language instanceof PDFString || language instanceof PDFHexString).toBe(true);
  expect(String(language)).toContain("en");
  expect(doc.getCreationDate()?.toISOString()).toBe(issued.statement.made.at);
  const fonts = doc.context
    .enumerateIndirectObjects()
    .flatMap(([, object]) =>
      object instanceof PDFDict && object.get(PDFName.of("BaseFont")) ? [object] : [],
    );
  expect(fonts.map((font) => String(font.get(PDFName.of("BaseFont")))).toSorted()).toEqual([
    "/Courier",
    "/Helvetica",
    "/Helvetica-Bold",
  ]);
});

test("every page has its number and the number of all, and the statement's name", () => {
  expect(pages.length).toBeGreaterThan(8);
  for (const [at, text] of pages.entries()) {
    expect(text).toContain(`Page ${at + 1} of ${pages.length}`);
    expect(text).toContain("Footprint statement 2026-10, Ada & Söhne");
  }
});

test("its text can be selected, and says the exact totals, the proof and where the figures end", () => {
  const text = pages.join(" ");
  const { totals, ledger } = issued.statement;
  for (const said of [
    `${totals.energy?.wh}`,
    `${totals.carbon?.g}`,
    issued.sha256,
    issued.key.publicKey,
    issued.signature,
    "By methodology v0.11-2026-10",
    "alpha = 0.0000891",
    "embodied hardware",
    "Scope 3, Category 1",
    "not a statistical",
    ledger.heads[0]?.hash.slice(0, 30) ?? "no head",
    "https://gateway.example/.well-known/lowrouter-statement-keys.json",
  ])
    expect(text).toContain(said);
});

test("a table that breaks over pages has its head on each of them, and loses no row", () => {
  const text = pages.join(" ");
  for (const { name } of issued.statement.by.model.slice(0, 100)) {
    if (name === null || name.includes("模")) continue;
    // Long names are broken where their cell ends.
    expect(text.replaceAll(" ", "")).toContain(name.replaceAll(" ", ""));
  }
  const broken = pages.filter((page) => page.startsWith("Model "));
  expect(broken.length).toBeGreaterThan(1);
});

test("what its fonts cannot draw is a question mark there, and whole in the attached JSON", () => {
  expect(pages.join(" ")).toContain("nobody/??-?");
  const attached = doc.context.enumerateIndirectObjects().flatMap(([, object]) => {
    const isFile =
      object instanceof PDFRawStream &&
      object.dict.get(PDFName.of("Type")) === PDFName.of("EmbeddedFile");
    return isFile ? [new Uint8Array(inflateSync(object.getContents()))] : [];
  });
  expect(attached).toHaveLength(1);
  const [json = new Uint8Array()] = attached;
  const { statement, trust } = verifyFile({ bytes: json, keys: [issued.key.publicKey] });
  expect([trust, statement]).toEqual(["given", issued.statement]);
  expect(new TextDecoder().decode(json)).toContain("nobody/模型-Ω");
});

test("a partial statement says so on its first page", async () => {
  using own = await startKit();
  own.clock.set(Date.UTC(2026, 9, 20));
  await own.write([{ at: Date.UTC(2026, 9, 2), account: own.account.id }]);
  const partial = await own.statement("2026-10", own.account, true);
  const made = await PDFDocument.load((await fileOf(partial, "pdf")).bytes);
  expect(textOf(made, 0)).toContain("PARTIAL: the month was not over");
});
