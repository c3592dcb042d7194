/** An answer longer than it may be. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/**
 * The body of an answer as text, up to a size in bytes; what is compressed counts as what it becomes. Throws
 * {@link TooLong}, and then takes no more of it.
 */
export async function boundedText(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  // Leaving the loop gives the body back, and with it the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new TooLong(`The answer is longer than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
