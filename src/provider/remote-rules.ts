import { networkInterfaces } from "node:os";
import { isPublicAddress } from "#src/provider/egress.ts";
import { proxied } from "#src/provider/proxied.ts";

/** Why a document was not fetched. */
export type RemoteReason =
  | "bad_address"
  | "not_public"
  | "no_direct_way"
  | "unreachable"
  | "too_slow"
  | "too_large"
  | "too_many"
  | "busy"
  | "redirected"
  | "bad_status"
  | "encoded"
  | "wrong_type";

/** A document was not fetched. Says no address: one may hold a secret. */
export class RemoteDocumentError extends Error {
  override readonly name = "RemoteDocumentError";
  constructor(
    readonly reason: RemoteReason,
    options?: ErrorOptions,
  ) {
    super(`Cannot fetch a document: ${reason}`, options);
  }
}

/** Bounds of fetching. Those of a request are for all of its documents together. */
export interface RemoteLimits {
  bytes: number;
  requestBytes: number;
  /** Of all requests that have not ended, together. */
  allBytes: number;
  requestDocuments: number;
  connectMs: number;
  /** One document, redirects included. */
  totalMs: number;
  requestMs: number;
}

/** What may be reached, and how. */
export interface RemoteRules {
  /** Every address of a host. Rejects for a host without one. */
  resolve(host: string): Promise<string[]>;
  isAllowedAddress(address: string): boolean;
  isAllowedPort(port: number): boolean;
  /** The environment wants the scheme to go through a proxy. */
  isProxied(secure: boolean): boolean;
  limits: RemoteLimits;
}

const megabyte = 1_048_576;

/** Enough for what providers take inline. */
export const remoteLimits: Readonly<RemoteLimits> = {
  bytes: 20 * megabyte,
  requestBytes: 50 * megabyte,
  allBytes: 256 * megabyte,
  requestDocuments: 100,
  connectMs: 5_000,
  totalMs: 10_000,
  requestMs: 30_000,
};

/** The rules for addresses that strangers choose. */
export const publicInternet: RemoteRules = {
  resolve: async (host) => (await Bun.dns.lookup(host)).map(({ address }) => address),
  isAllowedAddress: publicBeside(networkInterfaces),
  // What is published for everyone is there. Behind other ports is some other service, that HTTP should not knock at.
  isAllowedPort: (port) => port === 80 || port === 443,
  isProxied: proxied,
  limits: remoteLimits,
};

/**
 * Public addresses, except those of this machine's interfaces: from inside, its own public address
 * reaches services that a firewall hides from everyone else.
 */
export function publicBeside(
  interfaces: () => Record<string, { address: string }[] | undefined>,
): (address: string) => boolean {
  return (address) => {
    if (!isPublicAddress(address)) return false;
    const own = Object.values(interfaces()).flatMap((all) => all ?? []);
    return !own.some((one) => one.address === address);
  };
}
