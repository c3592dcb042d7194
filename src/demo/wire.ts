import type { Answer, Question } from "#src/demo/answer.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** A request as it came in, read as JSON. */
export interface Incoming {
  method: string;
  /** With the query. */
  path: string;
  headers: Headers;
  body: JsonObject;
}

/** Why a request is not answered. */
export interface Refusal {
  status: number;
  message: string;
  code?: string;
  param?: string;
  retryAfterSeconds?: number;
}

/** A question to a model, and how its answer is written. */
export interface Exchange {
  question: Question;
  stream: boolean;
  render: Render;
}

/** Anything else that a provider answers: embeddings, lists, counts. */
export interface Plain {
  /** The text in which a test may ask for a behaviour. */
  text: string;
  write(): unknown;
}

export type Reading = { refusal: Refusal } | { exchange: Exchange } | { plain: Plain };

/** What one wire adds to the simulation all wires share. Pure but for the ids. */
export interface Wire {
  /** Path that the base address ends with. */
  base: string;
  /** The refusal when the request does not carry this key. */
  checkKey(request: Incoming, apiKey: string): Refusal | undefined;
  read(request: Incoming): Reading;
  /** Body of an error. */
  writeError(refusal: Refusal): unknown;
  /** Headers of every answer, such as the request's id. */
  headers(): Record<string, string>;
  /** Further headers of an error. */
  errorHeaders(refusal: Refusal): Record<string, string>;
}

/** How an answer is written on a wire. `usage` false leaves it out. */
export interface Render {
  whole(answer: Answer, usage: boolean): string;
  events(answer: Answer, usage: boolean): Events;
  errorEvent: string;
}

/** A stream's events in their order, ready to send; the terminal ones are those without which a stream is not complete. */
export interface Events {
  body: string[];
  terminal: string[];
}

/** A refusal of a bad request. */
export function refuse(message: string, param?: string, code?: string): { refusal: Refusal } {
  return { refusal: { status: 400, message, param, code } };
}
