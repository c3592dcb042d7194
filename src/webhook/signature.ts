import { createHmac } from "node:crypto";
import type { WebhookSecrets } from "#src/account/webhook-envelope.ts";

/** How long after a change of the secret the one before signs too, milliseconds. */
export const overlapMs = 86_400_000;

/**
 * Headers by which a receiver knows who sent a body and when. `at`: Unix milliseconds. Throws nothing.
 * Source: the Standard Webhooks specification, symmetric signatures `v1`.
 */
export function signatureHeaders(
  id: string,
  at: number,
  body: string,
  secrets: WebhookSecrets,
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const { current, previous } = secrets;
  const signing =
    previous !== undefined && previous.until > at ? [current, previous.secret] : [current];
  const signed = signing.map((secret) => `v1,${sign(`${id}.${timestamp}.${body}`, secret)}`);
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signed.join(" "),
  };
}

function sign(content: string, secret: string): string {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return createHmac("sha256", key).update(content, "utf8").digest("base64");
}
