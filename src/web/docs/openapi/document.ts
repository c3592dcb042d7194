import { version } from "#src/lib/version.ts";
import type { JsonSchema } from "#src/web/docs/json-schema.ts";
import { type Base, type Operation, ref, text } from "#src/web/docs/openapi/kit.ts";
import { operations } from "#src/web/docs/openapi/operations.ts";
import { schemas } from "#src/web/docs/openapi/schemas.ts";

const security: Readonly<Record<Operation["caller"], readonly object[]>> = {
  anyone: [],
  key: carriers(),
  inference: carriers(),
  management: carriers(),
};

function carriers(): object[] {
  return [{ bearer: [] }, { xApiKey: [] }, { googKey: [] }, { query: [] }];
}

/** Where each base stands below the gateway's address. */
export const mounts: Readonly<Record<Base, readonly string[]>> = {
  root: [""],
  "root and /api": ["", "/api"],
  "root, /api and /api/v1/anthropic": ["", "/api", "/api/v1/anthropic"],
};

/** The OpenAPI 3.1 document of a gateway at an address. */
export function openApi(origin: string): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const servers = mounts[operation.base].map((path) => ({ url: origin + path }));
    const item = (paths[operation.path] ??= { servers });
    item[operation.method] = described(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "LowRouter",
      version,
      summary: "One endpoint for many LLM providers, with a footprint on every answer",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: origin }],
    externalDocs: { url: `${origin}/docs` },
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "lr_live_… or lr_mgmt_…" },
        xApiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
        googKey: { type: "apiKey", in: "header", name: "x-goog-api-key" },
        query: {
          type: "apiKey",
          in: "query",
          name: "key",
          description: "A header is better: addresses are logged on their way",
        },
      },
      responses: {
        Error: {
          description: "What could not be done, in the envelope of the dialect that was spoken",
          content: { "application/json": { schema: ref("Error") } },
        },
      },
      headers: {
        "X-LowRouter-Generation-ID": { description: "Looks the request up", schema: text },
        "X-LowRouter-Provider": { description: "Who served it", schema: text },
        "X-LowRouter-Region": { description: "Where", schema: text },
      },
    },
  };
}

function described(operation: Operation): object {
  const {
    method,
    path,
    tag,
    summary,
    about,
    caller,
    query = [],
    body,
    answer,
    also = [],
    media,
  } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: text,
  }));
  const inQuery = query.map((one) => ({
    name: one.name,
    in: "query",
    description: one.about,
    schema: one.schema,
  }));
  const isInference = tag === "Inference";
  return {
    operationId: idOf(operation),
    tags: [tag],
    summary,
    ...(about === undefined ? {} : { description: about }),
    parameters: [...inPath, ...inQuery],
    security: security[caller],
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body) } }),
    responses: {
      [String(operation.status ?? 200)]: {
        description: summary,
        ...(isInference && method === "post" ? { headers: answerHeaders } : {}),
        content: {
          ...(media === undefined ? json(answer) : { [media]: { schema: answer } }),
          ...Object.fromEntries(also.map((one) => [one, { schema: text }])),
        },
      },
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

const answerHeaders = Object.fromEntries(
  ["Generation-ID", "Provider", "Region"].map((name) => [
    `X-LowRouter-${name}`,
    { $ref: `#/components/headers/X-LowRouter-${name}` },
  ]),
);

function json(schema: JsonSchema): object {
  return { "application/json": { schema } };
}

/** A name of its own for each operation: `getV1Models`. */
function idOf({ method, path }: Operation): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
