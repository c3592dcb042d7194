import type {
  ClientDialect,
  DialectId,
  SpliceDialect,
  StreamHead,
  StreamRelay,
  StreamWriter,
  UpstreamRequest,
} from "#src/dialect/dialect.ts";
import {
  hideState,
  plainIds,
  revealState,
  StateHider,
  withoutProof,
} from "#src/dialect/carrier.ts";
import { withExactSchemas } from "#src/dialect/schema-exact.ts";
import { cutReply, StopCut } from "#src/dialect/stop-cut.ts";
import { aliasNames, originalNames, type ToolNames } from "#src/dialect/tool-names.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Front } from "#src/gateway/context.ts";
import { retargetInlined, writeInlined } from "#src/gateway/inline.ts";
import { upstreamDialect } from "#src/dialect/upstreams.ts";

/** A client's dialect of conversation, over every wire: bytes to its own, the canonical form to others. */
export function chatFront(options: {
  client: ClientDialect;
  splice: SpliceDialect;
  /** What the ids of its answers begin with. */
  idPrefix: string;
  /** Headers of the client that an upstream of its own wire may see, by name. */
  forward?: readonly string[];
}): Front {
  const { client, splice, idPrefix, forward = [] } = options;
  return {
    forward,
    wire: splice.id,
    idPrefix,
    peek: client.peek,
    writeError: client.writeError,
    request(wire, body, ask, target, documents) {
      if (wire === splice.id) {
        const plain = plainIds(body, ask);
        return retargetInlined(splice, plain.body, plain.ask, target, documents);
      }
      if (ask.turn === undefined) {
        const { turn, names } = aliasNames(client.readRequest(withExactSchemas(body, ask)));
        ask.turn = turn;
        ask.toolNames = names;
      }
      const upstream = upstreamDialect(wire);
      if (ask.withoutProof) {
        const bare = writeInlined(upstream, withoutProof(ask.turn), ask, target, documents);
        return bare instanceof Promise ? bare.then(saysSo) : saysSo(bare);
      }
      return writeInlined(upstream, revealState(ask.turn, target.provider), ask, target, documents);
    },
    whole(wire, body, ask, provider, stops) {
      if (wire === splice.id) return splice.meterReply(body);
      const { reply, usage } = upstreamDialect(wire).readReply(body);
      const cut = stops === undefined ? reply : cutReply(reply, stops);
      const shown = hideState(originalNames(cut, ask.toolNames), wire, provider);
      return { id: reply.id, usage, attach: (summary) => client.writeReply(shown, summary) };
    },
    stream(wire, head) {
      if (wire === splice.id) return splice.relayStream(head);
      return translating(wire, client.writeStream(head), head);
    },
  };
}

/** A request that was written without the reasoning that its calls brought back. */
function saysSo(request: UpstreamRequest): UpstreamRequest {
  return { ...request, dropped: [...request.dropped, "reasoning"] };
}

/** A stream in one dialect written in another, step by step, as the same thing as the byte path. */
function translating(
  wire: DialectId,
  writer: StreamWriter,
  { toolNames: names, provider, stops, choices = 1 }: StreamHead,
): StreamRelay {
  const reader = upstreamDialect(wire).readStream();
  const hider = new StateHider(wire, provider);
  const cut = stops && new StopCut(stops, choices);
  const isCut = () => cut?.isCut === true;
  let outputBytes = 0;
  function written(steps: StreamStep[]): string {
    // What a cut leaves out was generated all the same.
    for (const step of steps) outputBytes += lengthOf(step);
    const kept = cut === undefined ? steps : cut.steps(steps);
    const shown = kept.flatMap((step) => hider.step(named(step, names)));
    return shown.length === 0 ? "" : writer.steps(shown);
  }
  return {
    push: (chunk) => written(reader.push(chunk)),
    finish: () => (isCut() ? "" : written(reader.finish?.() ?? [])),
    get id() {
      return reader.id;
    },
    get usage() {
      return reader.usage;
    },
    get ended() {
      return reader.ended || isCut();
    },
    get over() {
      return reader.over === true;
    },
    get isCut() {
      return isCut();
    },
    get outputBytes() {
      return outputBytes;
    },
    end: (summary) => writer.end(summary),
    fail: (error, summary) => writer.fail(error, summary),
  };
}

function named(step: StreamStep, names: ToolNames | undefined): StreamStep {
  if (step.type !== "tool_start" || names === undefined) return step;
  return { ...step, name: names.get(step.name) ?? step.name };
}

function lengthOf(step: StreamStep): number {
  return "text" in step ? Buffer.byteLength(step.text) : 0;
}
