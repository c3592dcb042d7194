/** A server that knows from where a request came. */
export interface Peers {
  requestIP(request: Request): { address: string } | null;
}

/** Who asks: the peer, or, where that is a proxy on a private network, the last address that it was told. */
export function addressOf(request: Request, server: Peers | null): string {
  const peer = server?.requestIP(request)?.address.replace(/^::ffff:/, "") ?? "";
  if (!isPrivate.test(peer)) return peer;
  const told = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  return /^[\da-fA-F.:]{2,45}$/.test(told) ? told : peer;
}

/** Whether who asks sees https: a proxy in front that ends TLS says so. Where there are several, the first is the one that they see. */
export function isSecureOutside(request: Request): boolean {
  return firstOf(request, "x-forwarded-proto").toLowerCase() === "https";
}

/** What the outermost proxy said: each behind it may add what it saw itself. */
export function firstOf(request: Request, header: string): string {
  return request.headers.get(header)?.split(",", 1)[0]?.trim() ?? "";
}

const isPrivate = /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd][\da-f]{2}:)/;
