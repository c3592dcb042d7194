import { parseBody } from "#src/dialect/ask.ts";
import { EventStreamDecoder } from "#src/dialect/bedrock/aws-event-stream.ts";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { parseExact } from "#src/dialect/exact-json.ts";
import { parseShell, shellOf } from "#src/dialect/shell.ts";
import { edit, elementsOf, membersOf, SpliceError, tooDeep } from "#src/dialect/splice.ts";
import { SseParser } from "#src/dialect/sse.ts";
import { isObject, type Json } from "#src/lib/json.ts";
import { AnswerReader } from "#src/provider/answer-reader.ts";
import { BrokenAnswer } from "#src/provider/exchange.ts";
import { recorded, requests, written } from "#test/fuzz/seeds.ts";
import { chanceOf, claim, kindOf, never, refusesClients, type Target } from "#test/fuzz/target.ts";
import { cuts } from "#test/fuzz/targets/cuts.ts";

/*
 * What dialects are read with: JSON, its members in place, events, frames, and the HTTP of providers.
 */

const jsonSeeds = async () => [
  ...written(...Object.values(requests).flat()),
  ...(await recorded("*/*.json")).filter(({ length }) => length < 8000),
  ...written(
    { large: "QUJD".repeat(20_000), uri: `data:image/png;base64,${"QUJD".repeat(6000)}`, é: 1 },
    `{"\\ue000":"${"QUJD".repeat(20_000)}","a":"\\ue0000","b":"${"A".repeat(17_000)}="}`,
  ),
];

const jsonTargets: Target[] = [
  {
    name: "json-body",
    shape: "json",
    seeds: jsonSeeds,
    read(input) {
      const { parsed, shell } = parseBody(new Uint8Array(input));
      const judge: unknown = JSON.parse(new TextDecoder().decode(input));
      claim(
        JSON.stringify(parsed) === JSON.stringify(judge),
        "a body is read as a plain parser reads it",
      );
      return [`${kindOf(parsed)} ${shell.long.length}`];
    },
    refuses: refusesClients,
  },
  {
    name: "json-shell",
    shape: "json",
    seeds: jsonSeeds,
    read(input) {
      const raw = Buffer.from(input).toString("latin1");
      const shell = shellOf(raw);
      const parsed = plain(() => parseShell(shell, JSON.parse));
      const judge = plain(() => JSON.parse(raw));
      claim(
        (parsed === undefined) === (judge === undefined) &&
          (parsed === undefined || text(parsed) === text(judge)),
        "a text in parts is read as a plain parser reads it",
      );
      return [`${kindOf(judge)} ${shell.long.length}`];
    },
    refuses: never,
  },
  {
    name: "json-exact",
    shape: "json",
    seeds: jsonSeeds,
    read(input) {
      const told = new TextDecoder().decode(input);
      if (tooDeep(told)) return ["too deep"];
      const judge = plain(() => JSON.parse(told));
      const exact = plain(() => parseExact(told));
      claim(
        (exact === undefined) === (judge === undefined),
        "what is JSON is read, and nothing else",
      );
      if (exact === undefined) return ["no JSON"];
      const again = JSON.stringify(exact);
      claim(
        text(JSON.parse(again)) === text(judge ?? null),
        "what was read exactly is what was told",
      );
      // With an exponent or a fraction the same number is written in other digits.
      const isPlain = !/\d[.eE]/.test(told);
      for (const [digits] of isPlain ? again.matchAll(/\d{17,}/g) : [])
        claim(told.includes(digits), "digits of what was read are those that were told");
      return [kindOf(exact), again];
    },
    refuses: never,
  },
  {
    name: "json-splice",
    shape: "json",
    seeds: jsonSeeds,
    read(input) {
      const raw = Buffer.from(input).toString("latin1");
      const members = membersOf(raw);
      const edited = edit(raw, { set: { model: '"m"', type: undefined }, add: { lowrouter: "1" } });
      const judge = plain(() => JSON.parse(raw));
      const lists = members.filter(({ valueStart }) => raw[valueStart] === "[");
      for (const { valueStart } of lists) elementsOf(raw, valueStart);
      if (!isObject(judge)) return [`no object ${Math.min(3, members.length)}`];
      claim(
        members.every(({ key }) => Object.hasOwn(judge, key)) &&
          new Set(members.map(({ key }) => key)).size === Object.keys(judge).length,
        "the members that are found are those that there are",
      );
      for (const { key, valueStart } of lists) {
        const list = judge[key];
        if (!Array.isArray(list) || members.filter((one) => one.key === key).length > 1) continue;
        claim(elementsOf(raw, valueStart).length === list.length, "a list has as many elements");
      }
      const now: unknown = JSON.parse(edited);
      const wanted: Record<string, unknown> = { ...judge };
      Object.defineProperties(wanted, Object.getOwnPropertyDescriptors(judge));
      if (Object.hasOwn(judge, "model")) wanted.model = "m";
      delete wanted.type;
      if (!Object.hasOwn(judge, "lowrouter")) wanted.lowrouter = 1;
      claim(
        isObject(now) && text(now) === text(wanted),
        "an edit changes what it says, and nothing else",
      );
      return [`${members.length}`, edited];
    },
    // Of text that is no JSON it is only asked that it comes to an end.
    refuses: (thrown) => thrown instanceof SpliceError || thrown instanceof SyntaxError,
  },
];

function plain(read: () => Json): Json | undefined {
  try {
    return read();
  } catch (thrown) {
    // A parser's own refusals; it also has a depth of its own.
    if (thrown instanceof SyntaxError || thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

function text(value: unknown): string {
  return JSON.stringify(value);
}

const streamTargets: Target[] = [
  {
    name: "sse",
    shape: "events",
    seeds: async () => [
      ...(await recorded("*/*.sse")),
      ...written("\ufeffevent: a\rdata: x\r\ndata:y\n\n: z\n\nid: 1\nretry: 2\ndata\n\ndata: last"),
    ],
    read(input) {
      const told = [[new Uint8Array(input)], ...cuts(input)].map((pieces) => {
        const parser = new SseParser();
        const events = pieces.flatMap((piece) => parser.push(piece));
        return text([...events, ...parser.finish()]);
      });
      claim(new Set(told).size === 1, "events are the same however the bytes are cut");
      return [`${(told[0] ?? "").split('"data"').length}`, told[0] ?? ""];
    },
    refuses: (thrown) => thrown instanceof UpstreamStreamError,
  },
  {
    name: "aws-event-stream",
    shape: "frames",
    seeds: () => recorded("*/*.events"),
    read(input) {
      const told = [[new Uint8Array(input)], ...cuts(input)].map((pieces) => {
        const decoder = new EventStreamDecoder();
        const frames: string[] = [];
        try {
          for (const piece of pieces)
            for (const { headers, payload } of decoder.push(piece))
              frames.push(text([...headers]), Buffer.from(payload).toString("latin1"));
          decoder.finish();
        } catch (thrown) {
          if (!(thrown instanceof UpstreamStreamError)) throw thrown;
          frames.push(`broken: ${thrown.message}`);
        }
        return frames.join("\n");
      });
      claim(new Set(told).size === 1, "frames are the same however the bytes are cut");
      const last = (told[0] ?? "").split("\n");
      return [
        `${last.length} ${last.findLast((line) => line.startsWith("broken:")) ?? ""}`,
        told[0] ?? "",
      ];
    },
    refuses: never,
  },
  {
    name: "http-answer",
    shape: "bytes",
    seeds: async () =>
      written(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello",
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0A;name="x"\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n',
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 200\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nserver: x\r\n\r\nuntil the end",
      ),
    read: readHttp,
    refuses: never,
  },
];

export const textTargets: readonly Target[] = [...jsonTargets, ...streamTargets];

function readHttp(input: Uint8Array): string[] {
  const closes = chanceOf(input).once(2);
  const told = [[new Uint8Array(input)], ...cuts(input)].map((pieces) => {
    const seen: string[] = [];
    let body = "";
    let isOver = false;
    const sink = {
      onHead: (found: { status: number; header(name: string): string | undefined }) =>
        void seen.push(`${found.status} ${found.header("content-type") ?? ""}`),
      onBody: (piece: Uint8Array) => void (body += Buffer.from(piece).toString("latin1")),
      onEnd(reusable: boolean) {
        seen.push(`end ${reusable}`);
        isOver = true;
      },
    };
    const reader = new AnswerReader();
    try {
      for (const piece of pieces) {
        if (isOver) break;
        // The connection hands over bytes of its own, which are moved where they stand.
        reader.push(Buffer.from(new Uint8Array(piece)), sink);
      }
      if (!isOver && closes) reader.close(sink);
    } catch (thrown) {
      if (!(thrown instanceof BrokenAnswer)) throw thrown;
      seen.push(`broken: ${thrown.message}`);
    }
    // Whether bytes follow the end is known only where they came with it; what a broken answer had told is cut as it came.
    const broken = seen.some((line) => line.startsWith("broken"));
    const lines = seen.map((line) => (line.startsWith("end") ? "end" : line));
    return broken
      ? lines.filter((line) => line.startsWith("broken")).join()
      : [...lines, body].join("\n");
  });
  claim(new Set(told).size === 1, "an answer is the same however the bytes are cut");
  return [
    (told[0] ?? "").split("\n").slice(0, 2).join().replaceAll(/\d+/g, "0").slice(0, 80),
    told[0] ?? "",
  ];
}
