/*
 * Upper bounds of the tokens of what is no text, for the hold on a request. A token of text is at least one byte.
 */

/** Tokens of a picture: the most that current models charge for one; a few older ones weigh their small price by more. */
export const imageTokens = 3000;
/** Tokens per base64 byte of a document: text in a PDF is compressed to about a byte per token. */
export const fileTokensPerByte = 0.75;
/** Tokens of a document whatever its size: 100 pages, the usual limit, as text and picture; or twenty minutes of film. */
export const fileTokensAtMost = 300_000;
/** Tokens per base64 byte of sound: 32 a second at the lowest rate in use, 8 kbit/s. */
export const audioTokensPerByte = 0.025;
/** Tokens per base64 byte of film: about 300 a second, sound included, at 50 kbit/s. */
export const videoTokensPerByte = 0.05;
