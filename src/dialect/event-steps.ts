import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { fromRaw, readRaw } from "#src/dialect/raw-text.ts";
import { SpliceError } from "#src/dialect/splice.ts";
import type { SseEvent } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Payload } from "#src/lib/bytes.ts";

/**
 * Collects the steps of events that arrived together. What came before a failing event is delivered;
 * the failure is thrown by the next call, so that steps do not depend on how the bytes were cut.
 */
export class EventSteps {
  #failure: { thrown: unknown } | undefined;
  constructor(readonly read: (event: SseEvent) => StreamStep[]) {}

  of(events: SseEvent[]): StreamStep[] {
    if (this.#failure) throw this.#failure.thrown;
    const steps: StreamStep[] = [];
    for (const event of events) {
      try {
        steps.push(...this.read(event));
      } catch (thrown) {
        if (thrown instanceof UpstreamStreamError) thrown.brokenBy(event);
        if (steps.length === 0) throw thrown;
        this.#failure = { thrown };
        return steps;
      }
    }
    return steps;
  }
}

/** The same for events that are passed on as raw text. */
export class EventTexts {
  #failure: { thrown: unknown } | undefined;
  constructor(
    readonly write: (event: SseEvent) => string,
    /** Whether what follows has no place in the answer any more. */
    readonly isOver: () => boolean = () => false,
  ) {}

  of(events: SseEvent[]): Payload {
    if (this.#failure) throw this.#failure.thrown;
    let out = "";
    for (const event of events) {
      if (this.isOver()) break;
      try {
        out += this.write(event);
      } catch (cause) {
        const thrown = cause instanceof SpliceError ? tooDeep(cause) : cause;
        if (thrown instanceof UpstreamStreamError)
          thrown.brokenBy({ ...event, data: readRaw(event.data) });
        if (out === "") throw thrown;
        this.#failure = { thrown };
        break;
      }
    }
    return out === "" ? out : fromRaw(out);
  }
}

function tooDeep(cause: SpliceError): UpstreamStreamError {
  return new UpstreamStreamError("The provider sent an event that is nested too deep", { cause });
}
