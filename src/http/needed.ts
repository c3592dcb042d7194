import * as v from "valibot";

/** What a member wants: in our own words where its schema has some, else as the schema writes it. Never what was given. */
export function needed({ expected, message }: Pick<v.BaseIssue<unknown>, "expected" | "message">) {
  const isOwn = !message.startsWith("Invalid ");
  return isOwn || expected === null ? message : expected;
}

/** A name of so many characters at most. */
export function nameUpTo(most: number) {
  const length = `a text of 1 to ${most} characters`;
  return v.pipe(v.string(), v.minLength(1, length), v.maxLength(most, length));
}
