/** Media type of a picture or document by its first bytes, in base64; a wrong declared type is refused upstream. */
export function sniffed(base64: string): string | undefined {
  if (base64.startsWith("iVBORw0KGgo")) return "image/png";
  if (base64.startsWith("/9j/")) return "image/jpeg";
  if (base64.startsWith("R0lGOD")) return "image/gif";
  if (base64.startsWith("JVBERi0")) return "application/pdf";
  // RIFF….WEBP: the letters of WEBP begin at byte 8, which base64 puts into "…XRUJQ" (pictures) at character 11.
  return /^UklGR.{6}XRUJQ/.test(base64) ? "image/webp" : undefined;
}
