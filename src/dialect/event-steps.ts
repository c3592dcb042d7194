import type { SseEvent } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";

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
        if (steps.length === 0) throw thrown;
        this.#failure = { thrown };
        return steps;
      }
    }
    return steps;
  }
}
