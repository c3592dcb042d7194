import { AppError } from "#src/lib/error.ts";

/** What a URL of this wire asks for. */
export interface UrlCall {
  /** As the client names it; may hold a slash. */
  model: string;
  /** What follows the last colon; "" where there is none. */
  verb: string;
}

const base = "/models/";

/** The model and the kind of call in a URL such as `…/v1beta/models/google/gemini-2.5-flash:generateContent`. */
export function callIn(url: string): UrlCall {
  const { pathname } = new URL(url);
  const at = pathname.indexOf(base);
  // Some clients leave the word out where the name has a slash.
  const named = decoded(
    at === -1 ? pathname.replace(/^\/v1beta\//, "") : pathname.slice(at + base.length),
  );
  const colon = named.lastIndexOf(":");
  const whole = colon === -1 ? named : named.slice(0, colon);
  const model = whole.replace(/^models\//, "");
  return { model, verb: colon === -1 ? "" : named.slice(colon + 1) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that encodes nothing; what stands there is not quoted.
    throw new AppError(
      "invalid_value",
      "Cannot read the model in the path: it is not percent-encoded UTF-8",
      { param: "model" },
    );
  }
}
