import { promisify } from "node:util";
import { deflate } from "node:zlib";
import {
  type PDFDocument,
  PDFHexString,
  PDFName,
  type PDFOperator,
  type PDFPage,
  type PDFRef,
  PDFString,
} from "pdf-lib";

const deflated = promisify(deflate);

type Members = NonNullable<Parameters<PDFDocument["context"]["stream"]>[1]>;

/** Puts bytes into a document, packed: by a thread of its own, since they may be many. */
export async function packedStream(
  { context }: PDFDocument,
  bytes: Uint8Array,
  dict: Members = {},
): Promise<PDFRef> {
  const packed = new Uint8Array(await deflated(bytes));
  return context.register(context.stream(packed, { ...dict, Filter: "FlateDecode" }));
}

/** Makes operators the drawing of a page. */
export async function fillPage(
  doc: PDFDocument,
  page: PDFPage,
  operators: readonly PDFOperator[],
): Promise<void> {
  // Names and letters are numbers in it: all is ASCII.
  const text = operators.map((one) => one.toString()).join("\n");
  page.node.set(PDFName.of("Contents"), await packedStream(doc, Buffer.from(text, "latin1")));
}

/** A file that a document carries. */
export interface Attachment {
  bytes: Uint8Array;
  /** ASCII. */
  name: string;
  /** Its media type. */
  type: string;
  about: string;
  made: Date;
}

/** Attaches a file as the data of the document. Source: ISO 32000-2, 7.11.4 and 14.13. */
export async function attach(
  doc: PDFDocument,
  { bytes, name, type, about, made }: Attachment,
): Promise<void> {
  const { context, catalog } = doc;
  const date = PDFString.fromDate(made);
  const file = await packedStream(doc, bytes, {
    Type: "EmbeddedFile",
    Subtype: type,
    Params: { Size: bytes.length, CreationDate: date, ModDate: date },
  });
  const spec = context.register(
    context.obj({
      Type: "Filespec",
      F: PDFString.of(name),
      UF: PDFHexString.fromText(name),
      EF: { F: file, UF: file },
      Desc: PDFHexString.fromText(about),
      AFRelationship: "Data",
    }),
  );
  catalog.set(
    PDFName.of("Names"),
    context.obj({ EmbeddedFiles: { Names: [PDFHexString.fromText(name), spec] } }),
  );
  catalog.set(PDFName.of("AF"), context.obj([spec]));
}
