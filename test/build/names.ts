/** A name server that knows a few names: UDP, addresses of version 4. Source: RFC 1035 */
export async function answerNames(hostname: string, known: ReadonlyMap<string, string>) {
  const asked = new Set<string>();
  const socket = await Bun.udpSocket({
    hostname,
    port: 53,
    socket: {
      data(own, question, port, address) {
        const { name, end } = nameIn(question);
        asked.add(name);
        const found = known.get(name);
        const isAddress = question.readUInt16BE(end) === 1;
        const answer = found !== undefined && isAddress ? [addressRecord(found)] : [];
        const head = Buffer.from(question.subarray(0, 12));
        // An answer; "no such name" where it is unknown.
        head.writeUInt16BE(found === undefined ? 0x8183 : 0x8180, 2);
        head.writeUInt16BE(answer.length, 6);
        head.writeUInt32BE(0, 8);
        own.send(Buffer.concat([head, question.subarray(12, end + 4), ...answer]), port, address);
      },
    },
  });
  return { asked: () => [...asked], close: () => socket.close() };
}

/** The name in a question, and where it ends. */
function nameIn(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function addressRecord(address: string): Buffer {
  const parts = address.split(".").map(Number);
  return Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...parts]);
}
