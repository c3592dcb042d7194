/** A frame of an AWS event stream, in text of one character for each byte. */
export interface Frame {
  headers: string;
  payload: string;
}

/** The frames of a stream as far as their lengths fit; checksums are not looked at. */
export function framesOf(text: string): Frame[] {
  const bytes = Buffer.from(text, "latin1");
  const frames: Frame[] = [];
  for (let at = 0; at + 16 <= bytes.length;) {
    const [total, headers] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
    const end = at + total;
    if (end > bytes.length || total < headers + 16) break;
    const body = at + 12 + headers;
    frames.push({
      headers: text.slice(at + 12, body),
      payload: text.slice(body, end - 4),
    });
    at = end;
  }
  return frames;
}

/** The stream of these frames, with checksums that hold. */
export function writeFrames(frames: readonly Frame[]): string {
  return frames.map(written).join("");
}

function written({ headers, payload }: Frame): string {
  const total = 16 + headers.length + payload.length;
  const bytes = Buffer.alloc(total);
  bytes.writeUInt32BE(total, 0);
  bytes.writeUInt32BE(headers.length, 4);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(0, 8)), 8);
  bytes.write(headers + payload, 12, "latin1");
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(0, total - 4)), total - 4);
  return bytes.toString("latin1");
}
