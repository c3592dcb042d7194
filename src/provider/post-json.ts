import { boundedText } from "#src/lib/bounded-text.ts";

/** What came back of something that was posted. */
export interface Posted {
  status: number;
  /** Seconds after which it may be tried again, where the answer says so. */
  retryAfterSeconds: number | undefined;
  /** Its first characters. */
  text: string;
}

/** Posts JSON to an address of the operator's own. Rejects where no answer came. */
export type PostJson = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
) => Promise<Posted>;

const mostCharacters = 4096;
/** Beyond it, an answer counts as none. */
const mostBytes = 1_048_576;

export const postJson: PostJson = async (url, headers, body, signal) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body,
    signal,
    // What is sent may carry a credential: it goes where the operator said, and nowhere else.
    redirect: "manual",
  });
  const wait = Number(response.headers.get("retry-after") ?? Number.NaN);
  const text = await boundedText(response, mostBytes);
  return {
    status: response.status,
    retryAfterSeconds: Number.isFinite(wait) && wait >= 0 ? wait : undefined,
    text: text.slice(0, mostCharacters),
  };
};
