import type { Json, JsonObject } from "#src/lib/json.ts";

/**
 * The canonical form: what a request, an answer and a stream mean, whatever wire they came by.
 * Members of one wire that have no place here ride in `carry`, keyed by dialect id, so that
 * writing the same dialect again loses nothing.
 */
export interface Turn {
  /** Instructions ahead of the conversation, in order. */
  system: TextPart[];
  messages: Message[];
  tools: Tool[];
  toolChoice?: "auto" | "none" | "required" | { name: string };
  parallelToolCalls?: boolean;
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  seed?: number;
  stop: string[];
  choices: number;
  responseFormat?: ResponseFormat;
  reasoning?: Reasoning;
  stream: boolean;
  user?: string;
  /** Members of the client's request that the canonical form has no word for, by their own names. */
  extra: JsonObject;
  /** The client's own names of members in `extra`, where it calls them otherwise: a refusal names those. */
  ownNames?: Readonly<Record<string, string>>;
}

export interface Reasoning {
  effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
  budgetTokens?: number;
  /** Leave the reasoning text out of the answer. */
  exclude?: boolean;
}

export type ResponseFormat =
  | { type: "json_object" }
  | { type: "json_schema"; name: string; schema: Json; strict?: boolean; description?: string };

export interface Tool {
  name: string;
  description?: string;
  /** JSON Schema of the arguments; absent means no arguments. */
  parameters?: Json;
  strict?: boolean;
  carry?: Carry;
}

export type Carry = Record<string, JsonObject>;

export type Message =
  | { role: "system"; content: TextPart[] }
  | { role: "user"; content: UserPart[] }
  | { role: "assistant"; content: AssistantPart[] }
  | { role: "tool"; results: ToolResult[] };

export interface TextPart {
  type: "text";
  text: string;
  /** Pages that an answer's text leans on. */
  citations?: Citation[];
  carry?: Carry;
}
/** A page of the web that a stretch of an answer leans on. */
export interface Citation {
  url: string;
  title?: string;
  /** The stretch, in characters from the beginning of all text of its choice; `end` is just past it. */
  start: number;
  end: number;
}
export interface ImagePart {
  type: "image";
  /** Where the picture is: fetched by the upstream, or the bytes themselves in base64. */
  source: { url: string } | { mediaType: string; base64: string };
  detail?: string;
  carry?: Carry;
}
export interface FilePart {
  type: "file";
  filename?: string;
  source: { url: string } | { mediaType: string; base64: string } | { fileId: string };
  carry?: Carry;
}
export interface AudioPart {
  type: "audio";
  format: string;
  base64: string;
}
export interface ToolCall {
  type: "tool_call";
  id: string;
  name: string;
  /** The arguments as JSON text, exactly as they came; "" means none. */
  arguments: string;
  carry?: Carry;
}
export interface ReasoningPart {
  type: "reasoning";
  text: string;
  /** Opaque proof that the upstream wants back unchanged. */
  signature?: string;
  /** Encrypted reasoning, no readable text. */
  redacted?: string;
  carry?: Carry;
}
export interface RefusalPart {
  type: "refusal";
  text: string;
}
export type UserPart = TextPart | ImagePart | FilePart | AudioPart;
export type AssistantPart = TextPart | ToolCall | ReasoningPart | RefusalPart;

export interface ToolResult {
  callId: string;
  content: (TextPart | ImagePart)[];
  isError?: boolean;
  carry?: Carry;
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "error";

/** One whole answer. */
export interface Reply {
  /** The upstream's id of the answer, when it gave one. */
  id?: string;
  choices: ReplyChoice[];
}
export interface ReplyChoice {
  index: number;
  parts: AssistantPart[];
  finish: FinishReason;
  /** The upstream's own word for the ending. */
  nativeFinish?: string;
  /** The stop sequence that it ended at; null where the upstream tells that it was one, and not which. */
  stopSequence?: string | null;
  logprobs?: Json;
}

/**
 * One step of a streamed answer. Starts come before their deltas; `index` counts tool calls of a choice from 0.
 * A text may be empty where it brings nothing but log probabilities (as the chat wire shows them) or citations.
 */
export type StreamStep =
  | { type: "text"; choice: number; text: string; logprobs?: Json; citations?: Citation[] }
  | { type: "reasoning"; choice: number; text: string; signature?: string; redacted?: string }
  | { type: "refusal"; choice: number; text: string }
  | { type: "tool_start"; choice: number; index: number; id: string; name: string; carry?: Carry }
  | { type: "tool_arguments"; choice: number; index: number; text: string }
  | {
      type: "finish";
      choice: number;
      finish: FinishReason;
      nativeFinish?: string;
      stopSequence?: string | null;
    };
