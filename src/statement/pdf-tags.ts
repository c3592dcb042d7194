import {
  type PDFContext,
  type PDFDocument,
  PDFHexString,
  PDFName,
  PDFOperator,
  PDFOperatorNames,
  type PDFPage,
  type PDFRef,
} from "pdf-lib";
import type { Breath } from "#src/lib/breath.ts";

/** Kinds of elements, by their standard names. */
export type Kind =
  | "Document"
  | "H1"
  | "H2"
  | "H3"
  | "P"
  | "Code"
  | "L"
  | "LI"
  | "Lbl"
  | "LBody"
  | "Table"
  | "THead"
  | "TBody"
  | "TR"
  | "TH"
  | "TD";

/** What a part of the document is, for whoever has it read aloud or turned into another form. */
export interface Element {
  kind: Kind;
  kids: (Element | Mark)[];
  /** Of a head: what it is the head of. */
  scope?: "Column" | "Row" | undefined;
  /** What is said where that is not what was drawn. */
  actualText?: string | undefined;
}

interface Mark {
  page: PDFPage;
  id: number;
}

/** The structure of a document beside its drawings. Source: ISO 32000-1, 14.7 and 14.8. */
export interface Tags {
  root: Element;
  /** A new element at the end of another. */
  add(parent: Element, kind: Kind, more?: Pick<Element, "scope" | "actualText">): Element;
  /** Operators that say that what is drawn between them is of an element. */
  mark(page: PDFPage, element: Element, drawn: readonly PDFOperator[]): PDFOperator[];
  /** The same for what is of none: lines, shades, feet, heads that are repeated. */
  artifact(drawn: readonly PDFOperator[]): PDFOperator[];
  /** Puts the structure into the document. */
  finish(breathe: Breath): Promise<void>;
}

/** The structure of an empty document. */
export function createTags(doc: PDFDocument): Tags {
  const root: Element = { kind: "Document", kids: [] };
  /** Of each page, the element of each mark. */
  const marks = new Map<PDFPage, Element[]>();
  const end = PDFOperator.of(PDFOperatorNames.EndMarkedContent);
  return {
    root,
    add(parent, kind, more) {
      const element: Element = { kind, kids: [], ...more };
      parent.kids.push(element);
      return element;
    },
    mark(page, element, drawn) {
      const own = marks.get(page) ?? [];
      marks.set(page, own);
      const id = own.push(element) - 1;
      element.kids.push({ page, id });
      const begin = PDFOperator.of(PDFOperatorNames.BeginMarkedContentSequence, [
        PDFName.of(element.kind),
        `<</MCID ${id}>>`,
      ]);
      return [begin, ...drawn, end];
    },
    artifact: (drawn) => [
      PDFOperator.of(PDFOperatorNames.BeginMarkedContent, [PDFName.of("Artifact")]),
      ...drawn,
      end,
    ],
    finish: (breathe) => writeTree(doc, root, marks, breathe),
  };
}

async function writeTree(
  { context, catalog }: PDFDocument,
  root: Element,
  marks: ReadonlyMap<PDFPage, readonly Element[]>,
  breathe: Breath,
): Promise<void> {
  const refs = new Map<Element, PDFRef>();
  const refOf = (element: Element): PDFRef => {
    const ref = refs.get(element) ?? context.nextRef();
    refs.set(element, ref);
    return ref;
  };
  const top = context.nextRef();
  const writing: Writing[] = [{ element: root, parent: top }];
  for (let next = writing.pop(); next !== undefined; next = writing.pop()) {
    await breathe();
    writing.push(...writeElement(context, next, refOf));
  }
  const numbers = [...marks].flatMap(([page, elements], at) => {
    page.node.set(PDFName.of("StructParents"), context.obj(at));
    page.node.set(PDFName.of("Tabs"), PDFName.of("S"));
    return [context.obj(at), context.register(context.obj(elements.map(refOf)))];
  });
  context.assign(
    top,
    context.obj({
      Type: "StructTreeRoot",
      K: [refOf(root)],
      ParentTree: { Nums: numbers },
      ParentTreeNextKey: marks.size,
    }),
  );
  catalog.set(PDFName.of("StructTreeRoot"), top);
  catalog.set(PDFName.of("MarkInfo"), context.obj({ Marked: true }));
}

interface Writing {
  element: Element;
  parent: PDFRef;
}

/** Writes an element. Returns those in it, which are to be written. */
function writeElement(
  context: PDFContext,
  { element, parent }: Writing,
  refOf: (element: Element) => PDFRef,
): Writing[] {
  const own = refOf(element);
  const page = element.kids.find((kid) => "page" in kid)?.page;
  const kids = element.kids.map((kid) => {
    if (!("page" in kid)) return refOf(kid);
    if (kid.page === page) return context.obj(kid.id);
    return context.obj({ Type: "MCR", Pg: kid.page.ref, MCID: kid.id });
  });
  const dict = context.obj({
    Type: "StructElem",
    S: element.kind,
    P: parent,
    K: kids,
    ...(page === undefined ? {} : { Pg: page.ref }),
  });
  if (element.scope !== undefined)
    dict.set(PDFName.of("A"), context.obj({ O: "Table", Scope: element.scope }));
  if (element.actualText !== undefined)
    dict.set(PDFName.of("ActualText"), PDFHexString.fromText(element.actualText));
  context.assign(own, dict);
  return element.kids.flatMap((kid) => ("page" in kid ? [] : { element: kid, parent: own }));
}
