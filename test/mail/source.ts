/** The text of a mail as it came, decoded. */
export function textOf(source: string): string {
  const [head = "", ...body] = source.split("\r\n\r\n");
  const text = body.join("\r\n\r\n");
  if (/content-transfer-encoding: base64/i.test(head))
    return Buffer.from(text, "base64").toString().replaceAll("\r\n", "\n").trim();
  if (!/content-transfer-encoding: quoted-printable/i.test(head))
    return text.replaceAll("\r\n", "\n").trim();
  const bytes = text
    .replaceAll("=\r\n", "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString().replaceAll("\r\n", "\n").trim();
}
