import type { BaseIssue } from "valibot";

/** What a member wants: in our own words where its schema has some, else as the schema writes it. Never what was given. */
export function needed({ expected, message }: Pick<BaseIssue<unknown>, "expected" | "message">) {
  const isOwn = !message.startsWith("Invalid ");
  return isOwn || expected === null ? message : expected;
}
