import { describe, expect, test } from "bun:test";
import { openaiChatClient } from "#src/dialect/openai/openai-chat.ts";
import { fileAddresses, fileNameOf, inlineFiles } from "#src/dialect/openai/openai-chat-files.ts";
import { decode, encode } from "#src/lib/bytes.ts";

const dataUri = "data:application/pdf;base64,JVBERi0=";
const address = "https://x.test/a.pdf?key=1";

/** A request's text with files put in, and the addresses that were found in it. */
function inlined(text: string): [string, string[]] {
  const body = encode(text);
  const ask = openaiChatClient.peek(body, "");
  const found = fileAddresses(ask).map(({ url }) => url);
  const done = inlineFiles(body, ask, new Map(found.map((url) => [url, dataUri])));
  return [done.ask.ascii ?? decode(done.body), found];
}

const request = (content: string, rest = "") =>
  `{"model":"a/b","messages":[{"role":"user","content":${content}}]${rest}}`;

describe("files by address in a chat request", () => {
  test.each(["", ',"x":"für"'])("give way to data URIs, and nothing else changes (%s)", (rest) => {
    const part = (data: string) =>
      `{"x" : 1.0, "type":"file", "file":{ "filename":"b.pdf", "file_data" : ${data} }}`;
    const escaped = address.replaceAll("/", "\\/").replace("x.", "\\u0078.");
    const other = `{"type":"text","text":"${address}"}`;
    const content = (data: string) => `[ ${other},${part(data)} ,${other}]`;
    expect(inlined(request(content(`"${escaped}"`), rest))).toEqual([
      request(content(`"${dataUri}"`), rest),
      [address],
    ]);
  });

  test("get the name of their address where they have none", () => {
    const before = request(`[{"type":"file","file":{"file_data":"${address}"}}]`);
    const after = before.replace(address, dataUri).replace('"}}]', '","filename":"a.pdf"}}]');
    expect(inlined(before)[0]).toBe(after);
    expect(fileNameOf("https://x.test/a%20b/c%20d.pdf")).toBe("c_20d.pdf");
    expect(fileNameOf("https://x.test/")).toBe("document");
    expect(fileNameOf(`https://x.test/${"a".repeat(500)}.pdf`)).toHaveLength(80);
    expect(fileNameOf("https://x.test/---")).toBe("document");
  });

  test.each([
    ["text that looks like one", `"{\\"type\\":\\"file\\",\\"file_data\\":\\"${address}\\"}"`],
    ["bytes", `[{"type":"file","file":{"file_data":"${dataUri}"}}]`],
    ["an id", '[{"type":"file","file":{"file_id":"file-1"}}]'],
    ["a picture", `[{"type":"image_url","image_url":{"url":"${address}"}}]`],
  ])("are not %s", (_, content) => {
    const text = request(content);
    expect(inlined(text)).toEqual([text, []]);
  });
});
