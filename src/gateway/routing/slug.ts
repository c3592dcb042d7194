import type { Deployment } from "#src/provider/deployment.ts";

/** A provider, or one region of it. */
export interface Slug {
  provider: string;
  /** Absent: all of them. */
  region: string | undefined;
}

const none: readonly Slug[] = [];
const known = new WeakMap<readonly string[], readonly Slug[]>();

/** `mistral` and `openai/eu-west`, taken apart once for each list. */
export function slugsOf(texts: readonly string[]): readonly Slug[] {
  if (texts.length === 0) return none;
  const before = known.get(texts);
  if (before !== undefined) return before;
  const slugs = texts.map(slugOf);
  known.set(texts, slugs);
  return slugs;
}

export function slugOf(text: string): Slug {
  const slug = text.toLowerCase();
  const slash = slug.indexOf("/");
  if (slash < 0) return { provider: slug, region: undefined };
  return { provider: slug.slice(0, slash), region: slug.slice(slash + 1) };
}

/** Place of the first slug that means a deployment; -1 where none does. */
export function slugAt(slugs: readonly Slug[], { provider, region }: Deployment): number {
  for (let at = 0; at < slugs.length; at++) {
    const slug = slugs[at];
    if (slug?.provider === provider.id && (slug.region === undefined || slug.region === region))
      return at;
  }
  return -1;
}

/** Whether a list of what is allowed leaves a place out; an empty one allows all. */
export function leavesOut(list: readonly Slug[], deployment: Deployment): boolean {
  return list.length > 0 && slugAt(list, deployment) < 0;
}
