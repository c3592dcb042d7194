/** A request with a picture inline, on one path through the gateway. */
export interface PicturePath {
  /** Client's dialect → upstream's wire. */
  name: string;
  path: string;
  body(base64: string, words?: string): string;
}

/** A picture of about so many bytes of base64; only its first bytes are those of one. */
export function base64Of(bytes: number): string {
  return `iVBORw0KGgo${"Ab0+/".repeat(Math.ceil(bytes / 5))}A`;
}

const bare = "What is this?";

function chat(name: string, model: string): PicturePath {
  return {
    name,
    path: "/v1/chat/completions",
    body: (base64, words = bare) =>
      JSON.stringify({
        model,
        max_tokens: 10,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: words },
              { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } },
            ],
          },
        ],
      }),
  };
}

function messages(name: string, model: string): PicturePath {
  return {
    name,
    path: "/v1/messages",
    body: (base64, words = bare) =>
      JSON.stringify({
        model,
        max_tokens: 10,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: words },
              { type: "image", source: { type: "base64", media_type: "image/png", data: base64 } },
            ],
          },
        ],
      }),
  };
}

function contents(name: string, model: string): PicturePath {
  return {
    name,
    path: `/v1beta/models/${model}:generateContent`,
    body: (base64, words = bare) =>
      JSON.stringify({
        contents: [
          {
            role: "user",
            parts: [{ text: words }, { inlineData: { mimeType: "image/png", data: base64 } }],
          },
        ],
      }),
  };
}

function responses(name: string, model: string): PicturePath {
  return {
    name,
    path: "/v1/responses",
    body: (base64, words = bare) =>
      JSON.stringify({
        model,
        input: [
          {
            role: "user",
            content: [
              { type: "input_text", text: words },
              { type: "input_image", image_url: `data:image/png;base64,${base64}` },
            ],
          },
        ],
      }),
  };
}

const [chatModel, claude, gemini] = [
  "openai/gpt-4o-mini",
  "anthropic/claude-haiku-4.5",
  "google/gemini-2.5-flash",
];
/** Its provider speaks chat completions only. */
const plainModel = "mistral/mistral-large-2512";

/** Every client's dialect over its own wire, where there is one here, and over another. */
export const picturePaths: readonly PicturePath[] = [
  chat("chat → chat", chatModel),
  chat("chat → messages", claude),
  chat("chat → generateContent", gemini),
  messages("messages → messages", claude),
  messages("messages → chat", plainModel),
  contents("generateContent → generateContent", gemini),
  contents("generateContent → chat", plainModel),
  responses("responses → chat", plainModel),
];
