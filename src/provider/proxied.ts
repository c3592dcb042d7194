/** A proxy is set for the scheme, in either spelling. */
export function proxied(secure: boolean): boolean {
  const name = secure ? "https_proxy" : "http_proxy";
  return Boolean(process.env[name] ?? process.env[name.toUpperCase()]);
}
