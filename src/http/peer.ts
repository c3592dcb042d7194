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

const isPrivate = /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd][\da-f]{2}:)/;
