import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AnswerReader, type AnswerSink } from "#src/provider/answer-reader.ts";
import { BrokenAnswer } from "#src/provider/exchange.ts";

interface Read {
  status: number | undefined;
  type: string | undefined;
  body: string;
  /** Whether the connection may be used again; undefined before the end. */
  reusable: boolean | undefined;
  error: string | undefined;
}

/** What is read of an answer that arrives in these pieces, after which the connection closes. */
function read(pieces: readonly string[], closes = false): Read {
  const seen: Read = {
    status: undefined,
    type: undefined,
    body: "",
    reusable: undefined,
    error: undefined,
  };
  const sink: AnswerSink = {
    onHead(head) {
      seen.status = head.status;
      seen.type = head.header("content-type");
    },
    onBody(piece) {
      seen.body += Buffer.from(piece).toString("latin1");
    },
    onEnd(reusable) {
      seen.reusable = reusable;
    },
  };
  const reader = new AnswerReader();
  try {
    for (const piece of pieces) reader.push(Buffer.from(piece, "latin1"), sink);
    if (closes && seen.reusable === undefined) reader.close(sink);
  } catch (thrown) {
    if (!(thrown instanceof BrokenAnswer)) throw thrown;
    seen.error = thrown.message;
  }
  return seen;
}

const sized =
  "HTTP/1.1 200 OK\r\nContent-Type:  application/json \r\nCONTENT-LENGTH: 5\r\n\r\nhello";
const chunked =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n" +
  '4\r\nwiki\r\n0A;name="x"\r\n\r\n0123\r\nab\r\n0\r\nTrailer: 1\r\nOther: 2\r\n\r\n';
const early = `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${sized}`;

const answers: [string, string, Partial<Read>][] = [
  ["a sized body", sized, { status: 200, type: "application/json", body: "hello", reusable: true }],
  [
    "chunks, their extensions and trailers",
    chunked,
    { body: "wiki\r\n0123\r\nab", reusable: true },
  ],
  ["an answer after informational ones", early, { status: 200, body: "hello", reusable: true }],
  [
    "an empty body",
    "HTTP/1.1 500 \r\ncontent-length: 0\r\n\r\n",
    { status: 500, body: "", reusable: true },
  ],
  ["a status without a body", "HTTP/1.1 204 No Content\r\n\r\n", { status: 204, reusable: true }],
  [
    "an answer that asks to close",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nConnection: Close\r\n\r\nx",
    { body: "x", reusable: false },
  ],
  [
    "an old answer",
    "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
    { body: "x", reusable: false },
  ],
  [
    "a body that ends with the connection",
    "HTTP/1.1 200 OK\r\n\r\nall",
    { body: "all", reusable: false },
  ],
];

describe("AnswerReader", () => {
  test.each(answers)("reads %s, however it is cut", (_, text, wanted) => {
    const whole = read([text], true);
    expect(whole).toMatchObject({ ...wanted, error: undefined });
    expect(read([...text], true)).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((end, at) => text.slice(places[at], end));
        expect(read(pieces, true)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  test("does not keep a connection that said more than its answer", () => {
    expect(read([`${sized}HTTP/1.1 200 OK\r\n`]).reusable).toBe(false);
    expect(read(["HTTP/1.1 204 No Content\r\n\r\nx"]).reusable).toBe(false);
  });

  test.each([
    ["nothing", "", "without an answer"],
    ["half a head", "HTTP/1.1 200 OK\r\ncontent-le", "before the end"],
    ["half a body", sized.slice(0, -1), "before the end"],
    ["chunks without their last", chunked.slice(0, -2), "before the end"],
    ["no HTTP", "220 mail.example ESMTP\r\n\r\n", "no HTTP/1.1"],
    ["another protocol", "HTTP/1.1 101 Switching\r\n\r\n", "changed the protocol"],
    [
      "another coding",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
      "not chunked",
    ],
    [
      "two codings",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
      "told twice",
    ],
    ["no length", "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n", "no single number"],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
      "no single",
    ],
    [
      "a length that is no number beside a coding",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: x\r\n\r\n",
      "no single",
    ],
    ["a lone line feed", "HTTP/1.1 200 OK\r\nx: a\ncontent-length: 0\r\n\r\n", "spans lines"],
    ["a lone return", "HTTP/1.1 200 OK\r\nx: a\rcontent-length: 0\r\n\r\n", "spans lines"],
    ["a folded header", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n", "spans lines"],
    [
      "a chunk without a size",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
      "no size",
    ],
    [
      "a chunk longer than its size",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
      "longer than its size",
    ],
    ["an endless head", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`, "longer than 65536"],
  ])("refuses %s", (_, text, wanted) => {
    expect(read([text], true).error).toContain(wanted);
    const pieces = text.length > 1000 ? (text.match(/[^]{1,500}/g) ?? []) : [...text];
    expect(read(pieces, true).error).toContain(wanted);
  });
});
