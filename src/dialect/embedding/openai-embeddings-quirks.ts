import type { Target } from "#src/dialect/dialect.ts";
import { isQuery, type TaskType } from "#src/dialect/embedding/embedding.ts";
import { AppError } from "#src/lib/error.ts";

/** How providers of the OpenAI-shaped embeddings wire differ in what they take. */
export interface EmbeddingQuirks {
  /** Its name for the length of a vector. */
  dimensions: "dimensions" | "output_dimension";
  /** Takes the end user's id. */
  user: boolean;
  /** Takes the word for arrays of numbers; elsewhere they come where nothing is said. */
  saysFloat: boolean;
  /** Is told by `input_type` what the vectors are for. */
  inputType: boolean;
  /** How many inputs it takes at once. */
  most: number;
}

const usual: EmbeddingQuirks = {
  dimensions: "dimensions",
  user: true,
  saysFloat: true,
  inputType: false,
  // By the wire's own documentation.
  most: 2048,
};

/** Sources: https://docs.mistral.ai/api/endpoint/embeddings, and the wire notes, section 4, for Voyage. */
const others: Readonly<Record<string, EmbeddingQuirks>> = {
  mistral: { ...usual, dimensions: "output_dimension", user: false },
  voyage: {
    dimensions: "output_dimension",
    user: false,
    saysFloat: false,
    inputType: true,
    most: 1000,
  },
};

/** What this provider takes. Throws `unsupported_feature` for one whose vectors no client of this wire could read. */
export function embeddingQuirksOf({ provider }: Target): EmbeddingQuirks {
  // Its bytes would pass for float32 and be garbage: https://docs.perplexity.ai/docs/embeddings/best-practices
  if (provider === "perplexity") {
    throw new AppError(
      "unsupported_feature",
      "Cannot embed at perplexity: it serves vectors of 8-bit integers only; name a model that another provider serves",
      { param: "model" },
    );
  }
  return others[provider] ?? usual;
}

/** The two purposes that `input_type` can name; undefined for others. */
export function inputTypeOf(task: TaskType): "query" | "document" | undefined {
  if (task === "RETRIEVAL_DOCUMENT") return "document";
  return isQuery(task) ? "query" : undefined;
}
