import { expect, test } from "bun:test";
import { type Feature, pdf, png, testMatrix } from "#test/gateway/matrix-kit.ts";
import type { Client } from "#test/gateway/matrix-clients.ts";

/*
 * Instructions, turns, pictures and documents, as every client says them and every upstream takes them.
 * The wires' own words are the longest part of the table, which takes more than 300 lines.
 */

const system = "Be brief\n\nNo jokes";
const both = (client: Client) => client === "OpenAI chat" || client === "Responses";

const instructions: Feature = {
  name: "instructions of the system and of the developer",
  asks: {
    "OpenAI chat": {
      messages: [
        { role: "system", content: "Be brief" },
        { role: "developer", content: "No jokes" },
        { role: "user", content: "Hi" },
      ],
    },
    Responses: {
      instructions: "Be brief",
      input: [
        { role: "developer", content: "No jokes" },
        { role: "user", content: "Hi" },
      ],
    },
    "Anthropic Messages": {
      system: [
        { type: "text", text: "Be brief" },
        { type: "text", text: "No jokes" },
      ],
      messages: [{ role: "user", content: "Hi" }],
    },
    Gemini: {
      systemInstruction: { parts: [{ text: "Be brief" }, { text: "No jokes" }] },
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    },
  },
  wires: {
    "openai-chat": (client) => ({
      sent: {
        messages: [
          ...(both(client)
            ? [
                { role: "system", content: "Be brief" },
                { role: "system", content: "No jokes" },
              ]
            : [{ role: "system", content: system }]),
          { role: "user", content: "Hi" },
        ],
      },
    }),
    "openai-responses": (client) => {
      const item = (role: string, text: string) => ({
        type: "message",
        role,
        content: [{ type: "input_text", text }],
      });
      const user = item("user", "Hi");
      if (!both(client)) return { sent: { instructions: system, input: [user] } };
      return { sent: { input: [item("system", "Be brief"), item("system", "No jokes"), user] } };
    },
    "anthropic-messages": {
      sent: { system, messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] },
    },
    gemini: {
      sent: {
        systemInstruction: { parts: [{ text: system }] },
        contents: [{ role: "user", parts: [{ text: "Hi" }] }],
      },
    },
    "cohere-v2": {
      sent: {
        messages: [
          { role: "system", content: system },
          { role: "user", content: "Hi" },
        ],
      },
    },
    "bedrock-converse": {
      sent: {
        system: [{ text: "Be brief" }, { text: "No jokes" }],
        messages: [{ role: "user", content: [{ text: "Hi" }] }],
      },
    },
  },
};

const words = ["One", "Two", "Three", "Four", "Five"] as const;
const roles = ["user", "user", "assistant", "assistant", "user"] as const;
const turns = words.map((text, at) => ({ role: roles[at] ?? "user", text }));
/** Neighbours of one role as one, each text a part of its own. */
const merged = (part: (text: string) => object) => [
  { role: "user", parts: ["One", "Two"].map(part) },
  { role: "assistant", parts: ["Three", "Four"].map(part) },
  { role: "user", parts: ["Five"].map(part) },
];
const typed = (text: string) => ({ type: "text", text });

const neighbours: Feature = {
  name: "neighbours of one role",
  asks: {
    "OpenAI chat": { messages: turns.map(({ role, text }) => ({ role, content: text })) },
    Responses: {
      input: turns.map(({ role, text }) => ({
        type: "message",
        role,
        content: [{ type: role === "user" ? "input_text" : "output_text", text }],
      })),
    },
    "Anthropic Messages": { messages: turns.map(({ role, text }) => ({ role, content: text })) },
    Gemini: {
      contents: turns.map(({ role, text }) => ({
        role: role === "user" ? "user" : "model",
        parts: [{ text }],
      })),
    },
  },
  wires: {
    // This wire takes them as they are. Dialects that join them do so before.
    "openai-chat": (client) => {
      if (client === "OpenAI chat") return { sent: {} };
      const joined = [
        { role: "user", content: [typed("One"), typed("Two")] },
        { role: "assistant", content: "ThreeFour" },
        { role: "user", content: "Five" },
      ];
      if (client !== "Responses") return { sent: { messages: joined } };
      const apart = ["One", "Two"].map((content) => ({ role: "user", content }));
      return { sent: { messages: [...apart, ...joined.slice(1)] } };
    },
    "openai-responses": (client) => {
      const item = (role: string, ...texts: string[]) => ({
        type: "message",
        role,
        content: texts.map((text) => ({
          type: role === "user" ? "input_text" : "output_text",
          text,
        })),
      });
      if (client === "OpenAI chat")
        return { sent: { input: turns.map(({ role, text }) => item(role, text)) } };
      const said =
        client === "Gemini" ? item("assistant", "ThreeFour") : item("assistant", "Three", "Four");
      return { sent: { input: [item("user", "One", "Two"), said, item("user", "Five")] } };
    },
    "anthropic-messages": (client) => ({
      sent: {
        messages: merged(typed).map(({ role, parts }) => ({
          role,
          content: client === "Gemini" && role === "assistant" ? [typed("ThreeFour")] : parts,
        })),
      },
    }),
    gemini: {
      sent: {
        contents: merged((text) => ({ text })).map(({ role, parts }) => ({
          role: role === "user" ? "user" : "model",
          parts,
        })),
      },
    },
    "cohere-v2": (client) => ({
      sent: {
        messages: [
          { role: "user", content: [typed("One"), typed("Two")] },
          {
            role: "assistant",
            content: client === "Gemini" ? [typed("ThreeFour")] : [typed("Three"), typed("Four")],
          },
          { role: "user", content: "Five" },
        ],
      },
    }),
    "bedrock-converse": (client) => ({
      sent: {
        messages: merged((text) => ({ text })).map(({ role, parts }) => ({
          role,
          content: client === "Gemini" && role === "assistant" ? [{ text: "ThreeFour" }] : parts,
        })),
      },
    }),
  },
};

const dataUri = `data:image/png;base64,${png}`;
const address = "http://documents/a.png";
const look = "What is this?";

function pictureBy(name: string, url: string, anthropic: object, gemini: object): Feature["asks"] {
  const part = { type: "image", source: { ...anthropic } };
  return {
    "OpenAI chat": {
      messages: [
        { role: "user", content: [typed(name), { type: "image_url", image_url: { url } }] },
      ],
    },
    Responses: {
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: name },
            { type: "input_image", image_url: url, detail: "auto" },
          ],
        },
      ],
    },
    "Anthropic Messages": { messages: [{ role: "user", content: [typed(name), part] }] },
    Gemini: { contents: [{ role: "user", parts: [{ text: name }, { ...gemini }] }] },
  };
}

const inlineData = { mimeType: "image/png", data: png };
const bytes = { type: "base64", media_type: "image/png", data: png };

const inlinePicture: Feature = {
  name: "a picture by its bytes",
  asks: pictureBy(look, dataUri, bytes, { inlineData }),
  wires: {
    "openai-chat": {
      sent: {
        messages: [
          {
            role: "user",
            content: [typed(look), { type: "image_url", image_url: { url: dataUri } }],
          },
        ],
      },
    },
    "openai-responses": {
      sent: {
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text: look },
              { type: "input_image", image_url: dataUri },
            ],
          },
        ],
      },
    },
    "anthropic-messages": {
      sent: {
        messages: [{ role: "user", content: [typed(look), { type: "image", source: bytes }] }],
      },
    },
    gemini: { sent: { contents: [{ role: "user", parts: [{ text: look }, { inlineData }] }] } },
    "cohere-v2": {
      sent: {
        messages: [
          {
            role: "user",
            content: [typed(look), { type: "image_url", image_url: { url: dataUri } }],
          },
        ],
      },
    },
    "bedrock-converse": {
      sent: {
        messages: [
          {
            role: "user",
            content: [{ text: look }, { image: { format: "png", source: { bytes: png } } }],
          },
        ],
      },
    },
  },
};

const farPicture: Feature = {
  name: "a picture by its address",
  asks: {
    ...pictureBy(look, address, { type: "url", url: address }, {}),
    Gemini: {
      contents: [
        {
          role: "user",
          parts: [{ text: look }, { fileData: { mimeType: "image/png", fileUri: address } }],
        },
      ],
    },
  },
  wires: {
    ...inlinePicture.wires,
    // These take the address; the others get the bytes behind it.
    "openai-chat": {
      sent: {
        messages: [
          {
            role: "user",
            content: [typed(look), { type: "image_url", image_url: { url: address } }],
          },
        ],
      },
    },
    "openai-responses": {
      sent: {
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text: look },
              { type: "input_image", image_url: address },
            ],
          },
        ],
      },
    },
    "anthropic-messages": {
      sent: {
        messages: [
          {
            role: "user",
            content: [typed(look), { type: "image", source: { type: "url", url: address } }],
          },
        ],
      },
    },
    "cohere-v2": {
      sent: {
        messages: [
          {
            role: "user",
            content: [typed(look), { type: "image_url", image_url: { url: address } }],
          },
        ],
      },
    },
  },
};

const pdfUri = `data:application/pdf;base64,${pdf}`;
const read = "Read this";
const pdfBytes = { type: "base64", media_type: "application/pdf", data: pdf };

const document: Feature = {
  name: "a PDF document",
  asks: {
    "OpenAI chat": {
      messages: [
        {
          role: "user",
          content: [typed(read), { type: "file", file: { filename: "a.pdf", file_data: pdfUri } }],
        },
      ],
    },
    Responses: {
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: read },
            { type: "input_file", filename: "a.pdf", file_data: pdfUri },
          ],
        },
      ],
    },
    "Anthropic Messages": {
      messages: [
        {
          role: "user",
          content: [typed(read), { type: "document", source: pdfBytes, title: "a.pdf" }],
        },
      ],
    },
    Gemini: {
      contents: [
        {
          role: "user",
          parts: [{ text: read }, { inlineData: { mimeType: "application/pdf", data: pdf } }],
        },
      ],
    },
  },
  wires: {
    "openai-chat": {
      sent: {
        messages: [
          { role: "user", content: [typed(read), { type: "file", file: { file_data: pdfUri } }] },
        ],
      },
    },
    "openai-responses": (client) => {
      // Gemini's dialect has no names of files; this wire wants one.
      const filename = client === "Gemini" ? "document.pdf" : "a.pdf";
      const content = [
        { type: "input_text", text: read },
        { type: "input_file", filename, file_data: pdfUri },
      ];
      return { sent: { input: [{ role: "user", content }] } };
    },
    "anthropic-messages": {
      sent: {
        messages: [
          { role: "user", content: [typed(read), { type: "document", source: pdfBytes }] },
        ],
      },
    },
    gemini: {
      sent: {
        contents: [
          {
            role: "user",
            parts: [{ text: read }, { inlineData: { mimeType: "application/pdf", data: pdf } }],
          },
        ],
      },
    },
    "cohere-v2": { refused: "model", says: "models that can: " },
    "bedrock-converse": { refused: "model", says: "models that can: " },
  },
};

const matrix = testMatrix([instructions, neighbours, inlinePicture, farPicture, document], {
  tried: 240,
  wordless: 0,
  elsewhere: 0,
});

test("pictures by address were fetched for the wires that want bytes alone", () => {
  // Gemini's by three clients and Bedrock's by four, whole and streamed.
  expect(matrix().documents.asked).toEqual(Array.from({ length: 14 }, () => "/a.png"));
});
