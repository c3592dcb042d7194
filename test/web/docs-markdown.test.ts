import { describe, expect, test } from "bun:test";
import { renderMarkdown } from "#src/web/docs/markdown.ts";
import { elementsOf } from "#test/web/outline.ts";

describe("Markdown of pages", () => {
  test.each([
    "<script>alert(1)</script>",
    "text <img src=x onerror=alert(1)> text",
    '<a href="https://elsewhere.example">x</a>',
    "<style>body{display:none}</style>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,x)",
    "[x](//elsewhere.example)",
    "[x](&#106;avascript:alert(1))",
    "![x](https://elsewhere.example/pixel.png)",
    "<javascript:alert(1)>",
    '[x](/docs "t\\" onclick=alert(1)")',
  ])("does not let through %j", async (markdown) => {
    for (const { tag, attributes } of await elementsOf(renderMarkdown(`# T\n\n${markdown}`).html)) {
      expect(["h1", "p", "a"]).toContain(tag);
      for (const [name, value] of attributes) {
        expect(["id", "href", "title", "rel"]).toContain(name);
        if (name === "href") expect(value).toMatch(/^\/docs$/);
      }
    }
  });

  test("gives every heading an id of its own, as links on disk expect it", () => {
    const { headings } = renderMarkdown(
      "# The `provider` object\n\n## Same\n\n## Same\n\n## A, b & c?",
    );
    expect(headings.map(({ id }) => id)).toEqual([
      "the-provider-object",
      "same",
      "same-1",
      "a-b--c",
    ]);
    expect(headings[0]?.text).toBe("The provider object");
  });

  test("makes tables with a caption and heads that say what they are heads of", async () => {
    const { html } = renderMarkdown("# T\n\n| A | B |\n| --- | --- |\n| one | `x \\| y` |");
    const elements = await elementsOf(html);
    const heads = elements.filter(({ tag }) => tag === "th").map((one) => one.attributes);
    expect(heads).toEqual([[["scope", "col"]], [["scope", "col"]], [["scope", "row"]]]);
    expect(elements.some(({ tag }) => tag === "caption")).toBe(true);
    expect(html).toContain("<code>x | y</code>");
  });

  test("keeps code as it was written", () => {
    const { html } = renderMarkdown("# T\n\n```sh\necho \"<b>\" & '$x'\n```");
    expect(html).toContain("echo &quot;&lt;b&gt;&quot; &amp; &#39;$x&#39;");
  });

  test("tells what stands under each heading, in words", () => {
    const { sections } = renderMarkdown(
      "# T\n\nSome **bold** and [a link](/docs).\n\n## U\n\n- one `two`\n\n```sh\ncurl x\n```",
    );
    expect(sections.map(({ heading, text }) => [heading.text, text])).toEqual([
      ["T", "Some bold and a link."],
      ["U", "one two curl x"],
    ]);
  });
});
