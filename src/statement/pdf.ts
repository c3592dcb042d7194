import { PDFDocument } from "pdf-lib";
import { createBreath } from "#src/lib/breath.ts";
import { encode } from "#src/lib/bytes.ts";
import { tokenClasses } from "#src/statement/amount.ts";
import { createPaper, type Paper } from "#src/statement/pdf-paper.ts";
import { attach } from "#src/statement/pdf-stream.ts";
import { writeParts, writeSection } from "#src/statement/pdf-section.ts";
import {
  ledgerText,
  timeText,
  carbonEnds,
  countOf,
  energyEnds,
  figureOf,
  partName,
  shareText,
  titleOf,
  tokenWords,
} from "#src/statement/show.ts";
import { type Signed, signedJson } from "#src/statement/sign.ts";
import type { Statement } from "#src/statement/statement.ts";

/** How many objects are written before whoever waits for an answer has their turn. */
const objectsPerTick = 100;

/**
 * A statement as a PDF of A4 pages, tagged so that it can be read aloud, with its type and its signed JSON inside. Unsigned
 * itself.
 */
export async function statementPdf(signed: Signed): Promise<Uint8Array> {
  const { statement } = signed;
  const doc = await PDFDocument.create();
  const title = titleOf(statement);
  const made = new Date(statement.made.at);
  doc.setTitle(title, { showInWindowTitleBar: true });
  doc.setLanguage("en");
  doc.setAuthor("LowRouter");
  doc.setCreator(`LowRouter ${statement.made.version}`);
  doc.setProducer(`LowRouter ${statement.made.version}`);
  doc.setSubject(`Energy and carbon of ${statement.month}, SHA-256 ${signed.sha256}`);
  doc.setCreationDate(made);
  doc.setModificationDate(made);
  const paper = await createPaper(doc, createBreath());
  paper.title(title);
  await cover(paper, signed);
  const { account } = statement.by;
  if (account !== undefined) {
    paper.heading("Accounts");
    await writeParts(paper, "account", account, statement.totals);
  }
  if (statement.sections.length > 1) await manySections(paper, statement);
  for (const section of statement.sections) await writeSection(paper, section);
  await withoutEstimate(paper, statement);
  inWords(paper, statement);
  await proof(paper, signed);
  await paper.finish(`${title} · SHA-256 ${signed.sha256.slice(0, 16)}…`);
  await attach(doc, {
    bytes: encode(signedJson(signed)),
    name: `footprint-${statement.month}.json`,
    type: "application/json",
    about: "The signed statement: the figures of this document, every digit",
    made,
  });
  return doc.save({ objectsPerTick });
}

async function cover(paper: Paper, { statement }: Signed): Promise<void> {
  const { scope, period, partial, made, totals } = statement;
  if (partial)
    paper.text(
      `PARTIAL: the month was not over when this statement was made. It holds what there was on ${timeText(made.at)}.`,
      { size: 11 },
    );
  const whose = scope.kind === "account" ? `${scope.name} (${scope.id})` : "Every account of it";
  await paper.table({
    columns: [
      { title: "About", width: 0.3 },
      { title: "Content", width: 0.7 },
    ],
    rows: [
      [scope.kind === "account" ? "Account" : "Gateway", whose],
      ["Period", `${timeText(period.from)} to ${timeText(period.to)}, the end excluded`],
      ["Made", `${timeText(made.at)} by LowRouter ${made.version}, commit ${made.commit}`],
      ["Methodologies", statement.sections.map((one) => one.methodology_version).join(", ") || "—"],
    ],
  });
  if (namesOf(statement).some(paper.lacks))
    paper.text(
      "Letters that this document has no type for are shown as their code points, such as [U+6A21]. The attached JSON has them.",
    );
  paper.heading("Totals");
  await paper.table({
    columns: [
      { title: "Figure", width: 0.34 },
      { title: "Sum", width: 0.22, isFigure: true },
      { title: "Low to high, or share", width: 0.44, isFigure: true },
    ],
    rows: [
      ["Carbon, g CO2e", figureOf(totals.carbon?.g), carbonEnds(totals)],
      ["Energy, Wh", figureOf(totals.energy?.wh), energyEnds(totals)],
      ["Requests", countOf(totals.requests), ""],
      ["Tokens", countOf(totals.tokens.total), ""],
      ...tokenClasses.map((name) => [`   ${tokenWords[name]}`, countOf(totals.tokens[name]), ""]),
      [
        "Requests without an estimate",
        countOf(statement.without_estimate.requests),
        shareText(statement.without_estimate.share_of_requests),
      ],
      [
        "Tokens without an estimate",
        countOf(statement.without_estimate.tokens),
        shareText(statement.without_estimate.share_of_tokens),
      ],
    ],
  });
  const { energy, carbon } = totals;
  const exactly =
    energy === null || carbon === null
      ? "No request has an estimate: energy and carbon are unknown, not zero."
      : `Exactly ${energy.wh} Wh and ${carbon.g} g CO2e.`;
  paper.text(`${exactly} ${statement.period.belongs}`);
  if (totals.requests_without_interval > 0)
    paper.text(
      `${countOf(totals.requests_without_interval)} requests stand in low and high with their recorded figure: their interval is not known.`,
    );
}

/** What others wrote: names of accounts, models, providers and regions. */
function namesOf({ scope, lines, by }: Statement): string[] {
  const places = lines.flatMap(({ model, provider, region }) => [model, provider, region]);
  const accounts = (by.account ?? []).map((part) => part.account_name);
  const own = scope.kind === "account" ? [scope.name] : [];
  return [...new Set([...own, ...accounts, ...places])].flatMap((name) => name ?? []);
}

async function manySections(paper: Paper, { sections }: Statement): Promise<void> {
  paper.heading("The methodology changed within the month");
  paper.text(
    "The figures of each methodology stand in a section of their own. Their boundaries differ: a sum over sections adds unlike figures.",
  );
  await paper.table({
    columns: [
      { title: "Methodology", width: 0.28 },
      { title: "First and last request", width: 0.3 },
      { title: "Requests", width: 0.12, isFigure: true },
      { title: "Energy, Wh", width: 0.15, isFigure: true },
      { title: "Carbon, g CO2e", width: 0.15, isFigure: true },
    ],
    rows: sections.map((one) => [
      one.methodology_version,
      `${timeText(one.first_request)} to\n${timeText(one.last_request)}`,
      countOf(one.totals.requests),
      figureOf(one.totals.energy?.wh),
      figureOf(one.totals.carbon?.g),
    ]),
  });
}

async function withoutEstimate(
  paper: Paper,
  { without_estimate: without, by }: Statement,
): Promise<void> {
  paper.heading("Without an estimate");
  if (without.requests === 0) return paper.text("Every request has an estimate.");
  paper.text(
    `${countOf(without.requests)} requests (${shareText(without.share_of_requests)}) with ${countOf(without.tokens)} tokens (${shareText(without.share_of_tokens)}) have none. They are in no sum of energy or carbon; unknown is not zero.`,
  );
  await paper.table({
    columns: [
      { title: "Why", width: 0.7 },
      { title: "Requests", width: 0.15, isFigure: true },
      { title: "Tokens", width: 0.15, isFigure: true },
    ],
    rows: without.reasons.map(({ why, requests, tokens }) => [
      why,
      countOf(requests),
      countOf(tokens),
    ]),
  });
  paper.subheading("Of which models");
  await paper.table({
    columns: [
      { title: "Model", width: 0.7 },
      { title: "Requests", width: 0.15, isFigure: true },
      { title: "Tokens", width: 0.15, isFigure: true },
    ],
    rows: by.model
      .filter((part) => part.without_estimate.requests > 0)
      .map((part) => [
        partName("model", part),
        countOf(part.without_estimate.requests),
        countOf(part.without_estimate.tokens),
      ]),
  });
}

function inWords(paper: Paper, statement: Statement): void {
  const { ghg_protocol: ghg, limits, not_measured: notMeasured, rounding } = statement;
  paper.heading("Not measured");
  paper.list(notMeasured);
  paper.heading("Limits of the estimate");
  paper.list(limits);
  paper.heading("In an inventory by the GHG Protocol");
  paper.text(`${ghg.scope}, ${ghg.category}. Method: ${ghg.method.toLowerCase()}.`);
  paper.list(ghg.notes);
  paper.heading("How it was added up");
  paper.text(rounding);
}

const mostHeads = 200;

async function proof(paper: Paper, { statement, sha256, key, signature }: Signed): Promise<void> {
  const { ledger, keys_at: keysAt } = statement;
  paper.heading("The ledger behind it");
  paper.text(ledger.how);
  paper.text(ledgerText(statement));
  await paper.table({
    columns: [
      { title: "Chain", width: 0.34 },
      { title: "Rows", width: 0.08, isFigure: true },
      { title: "First", width: 0.09, isFigure: true },
      { title: "Head", width: 0.09, isFigure: true },
      { title: "Hash of the head", width: 0.4 },
    ],
    rows: ledger.heads
      .slice(0, mostHeads)
      .map((head) => [
        head.chain,
        countOf(head.rows),
        String(head.first_sequence),
        String(head.sequence),
        head.hash,
      ]),
  });
  if (ledger.heads.length > mostHeads)
    paper.text(`${countOf(ledger.heads.length - mostHeads)} more heads are in the attached JSON.`);
  paper.heading("Signature");
  paper.text("The signed figures are attached to this document as JSON. SHA-256 of the statement:");
  paper.code([sha256]);
  paper.text(`Ed25519 signature of the statement by the key ${key.id}, whose public part is:`);
  paper.code([`public key  ${key.publicKey}`, `signature   ${signature}`]);
  paper.text(
    `Public keys, retired ones too: ${keysAt}. The last line of this file is a signature of all bytes before it: "lowrouter audit verify FILE --key KEY" checks it on any machine, without a network. A public key that is only read in the document itself proves that nothing was changed since, not who signed: take the key from the gateway.`,
  );
}
