/** What the makers of the models differ in behind the one wire. */
export type Family = "claude" | "nova" | "mistral" | "other";

/** The maker, by the upstream's name of the model, which may be a profile or an ARN of one. */
export function familyOf(model: string): Family {
  if (/\banthropic\./.test(model)) return "claude";
  if (/\bamazon\.nova/.test(model)) return "nova";
  return /\bmistral\./.test(model) ? "mistral" : "other";
}
