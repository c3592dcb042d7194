import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { edited } from "#src/dialect/edited.ts";
import { asciiOf, rawJson, toRaw } from "#src/dialect/raw-text.ts";
import { edit, type Edits, type Member, membersOf, valueIn } from "#src/dialect/splice.ts";
import { decode, type Payload } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** A whole answer as bytes: read once, edited in place. */
export class RawAnswer {
  /** What it says, to be parsed. */
  readonly text: string;
  readonly raw: string;
  readonly #ascii: boolean;
  #members: Member[] = [];

  constructor(body: Uint8Array) {
    const ascii = asciiOf(body);
    this.#ascii = ascii !== undefined;
    this.text = ascii ?? decode(body);
    this.raw = ascii ?? toRaw(body);
  }

  /** Finds the members, once the text is known to be an object. Throws UpstreamStreamError when it is nested too deep. */
  walk(): void {
    try {
      this.#members = membersOf(this.raw);
    } catch (cause) {
      throw new UpstreamStreamError("The provider sent an answer that is nested too deep", {
        cause,
      });
    }
  }

  /** The last value of a member, in raw text; "" where there is none. */
  last(name: string): string {
    return valueIn(this.raw, name, this.#members) ?? "";
  }

  edited(edits: Edits): Payload {
    return edited(this.raw, edits, this.#ascii, this.#members);
  }
}

/** An object, in raw text, with members put; a new object where there was none. */
export function withMembers(raw: string | undefined, members: JsonObject): string {
  if (!raw?.startsWith("{")) return rawJson(members);
  const put: Record<string, string> = {};
  for (const [name, value] of Object.entries(members)) put[name] = rawJson(value ?? null);
  return edit(raw, { set: put, add: put });
}
