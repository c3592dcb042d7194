import { BedrockStream } from "#src/dialect/bedrock/bedrock-stream.ts";
import type { StreamReader } from "#src/dialect/dialect.ts";
import { EventMeter } from "#src/dialect/meter/meter-events.ts";
import { PassingMembers } from "#src/dialect/meter/meter-json.ts";
import { isError, jsonOf, usageIn, usageMembers } from "#src/dialect/meter/meter-usage.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** Reads what an answer of any known wire tells of itself while its bytes pass by. Never throws, changes and delays nothing. */
export interface Meter {
  /** The answer is a stream of events. */
  readonly isStream: boolean;
  push(piece: Uint8Array): void;
  /** The bytes are over. */
  finish(): void;
  /** The provider's id of the answer, once seen. */
  readonly id: string | undefined;
  /** Usage as far as it was told; the last word counts. */
  readonly usage: Usage | undefined;
  /** Length in bytes of what was answered, for an estimate where no usage is told. */
  readonly outputBytes: number;
  /** The answer says that it is complete: nothing of it that counts can follow. */
  readonly ended: boolean;
  /** The answer says under a status of success that it failed. */
  readonly failed: boolean;
  /** A stream of a known wire stopped before its end. To be asked after `finish`. */
  readonly cut: boolean;
}

/** The meter for an answer by its content type; one that reads nothing where no usage can be told. */
export function meterOf(contentType: string | undefined, provider?: string): Meter {
  const [type = ""] = (contentType ?? "").toLowerCase().split(";");
  if (type.trim() === "text/event-stream") return new EventMeter(provider);
  if (type.trim() === "application/vnd.amazon.eventstream")
    return new ReaderMeter(new BedrockStream());
  return /[/+]json$/.test(type.trim()) ? new JsonMeter(provider) : new OpaqueMeter();
}

class OpaqueMeter implements Meter {
  readonly isStream = false;
  readonly id = undefined;
  readonly usage = undefined;
  readonly ended = false;
  readonly failed = false;
  readonly cut = false;
  outputBytes = 0;
  push(piece: Uint8Array): void {
    this.outputBytes += piece.length;
  }
  finish(): void {}
}

const ids = ["id", "responseId"] as const;

/** One JSON value, however large. */
class JsonMeter implements Meter {
  readonly #provider: string | undefined;
  readonly #members = new PassingMembers([...usageMembers, ...ids, "error"]);
  readonly isStream = false;
  readonly cut = false;
  outputBytes = 0;

  constructor(provider: string | undefined) {
    this.#provider = provider;
  }

  push(piece: Uint8Array): void {
    this.outputBytes += piece.length;
    this.#members.push(piece);
  }

  finish(): void {}

  get id(): string | undefined {
    return ids.map((name) => stringOf(this.#value(name))).find((id) => id !== undefined);
  }

  get usage(): Usage | undefined {
    const told: JsonObject = {};
    for (const name of usageMembers) told[name] = this.#value(name);
    return usageIn(told, this.#provider);
  }

  get ended(): boolean {
    return this.#members.over;
  }

  get failed(): boolean {
    // One too long to be kept is one all the same.
    const text = this.#members.text("error");
    return text === undefined ? this.#members.has("error") : isError(jsonOf(text));
  }

  #value(name: string): Json | undefined {
    const text = this.#members.text(name);
    return text === undefined ? undefined : jsonOf(text);
  }
}

/** A stream that is not of text, through the reader that its wire has anyway. */
class ReaderMeter implements Meter {
  readonly #reader: StreamReader;
  readonly isStream = true;
  outputBytes = 0;
  failed = false;

  constructor(reader: StreamReader) {
    this.#reader = reader;
  }

  get id(): string | undefined {
    return this.#reader.id;
  }
  get usage(): Usage | undefined {
    return this.#reader.usage;
  }
  get ended(): boolean {
    return false; // What tells the usage follows what ends the answer.
  }
  get cut(): boolean {
    return !this.failed && !this.#reader.ended;
  }

  push(piece: Uint8Array): void {
    this.#read(() => this.#reader.push(piece));
  }
  finish(): void {
    this.#read(() => this.#reader.finish?.() ?? []);
  }

  #read(next: () => StreamStep[]): void {
    if (this.failed) return;
    try {
      for (const step of next())
        if ("text" in step) this.outputBytes += Buffer.byteLength(step.text);
    } catch {
      // An exception of the provider's, or bytes that are no events: both are a failure of its own.
      this.failed = true;
    }
  }
}
