import { expect, test } from "bun:test";
import { decode } from "#src/lib/bytes.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";
import { startGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream } from "#test/lib/upstream.ts";

/** What each wire says last, and the dialect that it is said in. */
const wires = [
  ["openai-chat", "openai-chat/stream-text.sse"],
  ["anthropic-messages", "anthropic-messages/stream-answer.sse"],
] as const;

test.each(wires)(
  "a complete answer in %s is complete, though its upstream keeps the connection open",
  async (protocol, name) => {
    const text = decode(await fixture(name));
    const upstream = scriptedUpstream(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(text);
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    );
    const gateway = await startGateway({
      config(config) {
        config.providers.open = { protocol, base_url: upstream.url };
        config.models = [
          { id: "test/open", provider: "open", input_per_million: 1, output_per_million: 1 },
        ];
      },
    });
    const from = performance.now();
    const reply = await gateway.chat({ model: "test/open", stream: true });
    expect(performance.now() - from).toBeLessThan(5000);
    expect(reply.text).toEndWith("data: [DONE]\n\n");
    expect(reply.text).toContain('"finish_reason":"stop"');
    expect(await gateway.rows()).toMatchObject([{ status: "ok", settlement: "final" }]);
    await gateway.until(() => upstream.aborted() === 1);
    await gateway.close();
    await upstream.stop();
  },
);
