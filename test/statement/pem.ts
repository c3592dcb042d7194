import { createPublicKey } from "node:crypto";

/** A public key as openssl writes and reads it. */
export function pemOf(publicKey: string): string {
  const jwk = { kty: "OKP", crv: "Ed25519", x: publicKey };
  return createPublicKey({ key: jwk, format: "jwk" })
    .export({ type: "spki", format: "pem" })
    .toString();
}
