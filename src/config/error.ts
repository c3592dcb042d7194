/** A configuration that cannot be used. The process exits with 78. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
