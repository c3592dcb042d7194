import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/*
 * Certificates as a test needs them: made when it runs, so that none lies in the repository to run out. DER by hand, RFC 5280;
 * keys are P-256.
 */

/** A certificate and the key that belongs to it, as PEM. */
export interface Certified {
  cert: string;
  key: string;
}

/** Somebody who certifies servers. */
export interface Authority {
  /** What has to be trusted, as PEM. */
  cert: string;
  /** A certificate of a server. */
  certify(host: string, from: Date, until: Date): Certified;
}

/** Makes an authority that nobody trusts yet. */
export function createAuthority(name = "An authority of a test"): Authority {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const years = [new Date("2020-01-01T00:00:00Z"), new Date("2049-01-01T00:00:00Z")] as const;
  const cert = certificate({
    subject: name,
    subjectKey: own.publicKey,
    issuer: name,
    issuerKey: own.privateKey,
    years,
    extensions: [
      extension([2, 5, 29, 19], true, sequence(boolean)),
      extension([2, 5, 29, 15], true, der(0x03, Buffer.from([1, 0x06]))),
    ],
  });
  return {
    cert,
    certify(host, from, until) {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      return {
        cert: certificate({
          subject: host,
          subjectKey: pair.publicKey,
          issuer: name,
          issuerKey: own.privateKey,
          years: [from, until],
          extensions: [
            extension([2, 5, 29, 17], false, sequence(der(0x82, Buffer.from(host, "latin1")))),
            extension([2, 5, 29, 37], false, sequence(objectId([1, 3, 6, 1, 5, 5, 7, 3, 1]))),
          ],
        }),
        key: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

function certificate(of: {
  subject: string;
  subjectKey: KeyObject;
  issuer: string;
  issuerKey: KeyObject;
  years: readonly [Date, Date];
  extensions: readonly Buffer[];
}): string {
  const algorithm = sequence(objectId([1, 2, 840, 10_045, 4, 3, 2]));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    // Positive, whatever the first bit of chance says.
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    nameOf(of.issuer),
    sequence(...of.years.map(timeOf)),
    nameOf(of.subject),
    of.subjectKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...of.extensions, keyId(of.subjectKey))),
  );
  const signature = sign("sha256", body, of.issuerKey);
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const boolean = der(0x01, Buffer.from([0xff]));

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : [0x82, Math.floor(length / 0x100), length % 0x100];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function objectId([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const bytes = rest.flatMap((part) => {
    const digits = [part % 0x80];
    for (let left = Math.floor(part / 0x80); left > 0; left = Math.floor(left / 0x80))
      digits.unshift(0x80 + (left % 0x80));
    return digits;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(objectId([2, 5, 4, 3]), der(0x0c, Buffer.from(text)))));
}

function timeOf(time: Date): Buffer {
  const digits = time.toISOString().replace(/\D/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`, "latin1"));
}

function extension(id: readonly number[], isCritical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(isCritical ? [boolean] : []), der(0x04, value));
}

function keyId(key: KeyObject): Buffer {
  const digest = createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
  return extension([2, 5, 29, 14], false, der(0x04, digest));
}
